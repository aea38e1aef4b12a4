"""What a task is: what a record looks like, how it is put to a model, and how the answer is read back.

A record is a mapping of texts. For the model it is a chat: what to do as the system's message, what it is about as the
user's, the answer as the assistant's. So a model is asked for a task in the words that it was taught with, by this
program, by any other that knows chat templates, and over HTTP; and a model that can chat can be asked untaught.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..chat import Message
from ..language import gettext as _

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """A part of a record: its name here, and the names that columns with it bear in people's files, commonest first.

    `answers` says that the answer is in it; what is not `needed` may be absent or empty.
    """

    name: str
    columns: tuple[str, ...]
    answers: bool = False
    needed: bool = True


class Task:
    """A task. Subclasses say how its records become messages."""

    name: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]]
    shortened: ClassVar[str | None] = None  # the field of which the end is left out where a record is too long
    main_score: ClassVar[str]  # the score that says how well it goes; "bits_per_byte" where no other does
    # How an answer is written, where nobody says otherwise.
    generation: ClassVar[Mapping[str, Any]] = {"temperature": 0.0, "max_tokens": 200}

    @property
    def title(self) -> str:
        """Its name for people."""
        raise NotImplementedError

    def question(self, record: Record) -> list[Message]:
        """The messages that ask for the answer."""
        raise NotImplementedError

    def answer(self, record: Record) -> str:
        """The text of the answer that the record has."""
        return str(record[self.answer_field])

    @property
    def answer_field(self) -> str:
        """The field with the answer."""
        return next(field.name for field in self.fields if field.answers)

    def messages(self, record: Record) -> list[Message]:
        """All messages of a record to learn from; what the assistant says in them is learnt."""
        return [*self.question(record), {"role": "assistant", "content": self.answer(record)}]

    def read(self, text: str) -> dict[str, Any]:
        """The answer in what a model wrote."""
        return {"text": text.strip()}

    def check(self, record: Record) -> str | None:
        """What is wrong with a record, as the end of a sentence; None where nothing is."""
        for field in self.fields:
            value = record.get(field.name)
            if field.needed and not (isinstance(value, str) and value.strip()):
                return _("its {field} is empty").format(field=field.name)
        return None

    def about(self, records: Sequence[Record]) -> dict[str, Any]:
        """What a model that learnt these has to remember of them, such as the labels; values for JSON."""
        return {}


def ask(instruction: str, text: str) -> list[Message]:
    """The two messages of a question."""
    return [{"role": "system", "content": instruction}, {"role": "user", "content": text}]
