"""A model at work on a person's own text: translate it, sum it up, answer from it, sort it, a piece at a time.

What it tells is what a generation tells (see `newleaf.core.generation.stream`), and besides {"notice": a sentence} for
what a person should know of the answer, {"passages": [...]} that it was written from, {"reading": {done, total}} of
the parts of a long text. {"done": {...}} is last.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..chat import Message
from ..errors import UserError
from ..language import gettext as _
from ..model.store import ModelInfo
from ..progress import Cancelled
from .all import task_of
from .base import Task

if TYPE_CHECKING:
    from ..generation.generate import Run, Writer

Told = dict[str, Any]


@dataclass
class Performer:
    """A model with what it was taught: `taught` are the tasks by name, with what it remembers of each.

    `hold` is a context in which a run can be cancelled by somebody else.
    """

    name: str
    writer: Writer
    taught: Mapping[str, Mapping[str, Any]]
    chats: bool  # whether it follows what is asked in a chat, beyond that
    options: Mapping[str, Any] = field(default_factory=dict)  # of generation, as a person gave them
    hold: Callable[[Run], contextlib.AbstractContextManager[Any]] = lambda _run: contextlib.nullcontext()
    cancelled: Callable[[], bool] = lambda: False

    @classmethod
    def of(cls, name: str, writer: Writer, options: Mapping[str, Any], **more: Any) -> Performer:
        """The model of this name, which is loaded. Raises UserError."""
        info = ModelInfo.open(name)
        return cls(name, writer, info.taught, info.follows, options, **more)

    @property
    def room(self) -> int:
        """Tokens of a question that leave room for an answer."""
        context = self.writer.model.config.context
        return context - min(int(self.options.get("max_tokens", 200)), context // 4)

    def write(self, task: Task, messages: list[Message]) -> Generator[Told, None, str]:
        """Ask, and tell what comes; gives the answer, whole. Raises Cancelled and UserError."""
        from ..generation.stream import answers_of

        values = {**task.generation, **self.options}
        run = self.writer.start(messages, self.writer.options(messages, values), 1)
        with self.hold(run):
            for answer in answers_of(run):
                if "delta" in answer:
                    yield answer
        if run.cancelled or self.cancelled():
            raise Cancelled
        return str(task.read(run.completions[0].text)["text"])

    def whole(self, task: Task, messages: list[Message]) -> str:
        """The answer alone."""
        telling = self.write(task, messages)
        while True:
            try:
                next(telling)
            except StopIteration as end:
                return str(end.value)

    def check_cancelled(self) -> None:
        """Raises Cancelled where nobody wants it any more."""
        if self.cancelled():
            raise Cancelled


def perform(performer: Performer, task: str, request: Mapping[str, Any]) -> Iterator[Told]:
    """Do a task with a person's text: see the modules of each for what a request holds. Raises UserError, Cancelled."""
    from . import answering, sorting, summarising, translating

    ways = {
        "translate": translating.perform,
        "summary": summarising.perform,
        "qa": answering.perform,
        "classify": sorting.perform,
    }
    if task not in ways:
        raise UserError(_("There is no task {name}; there are: {names}.").format(name=task, names=", ".join(ways)))
    return ways[task](performer, request)


def untaught(performer: Performer, task: str) -> str:
    """A word about a model that follows instructions, and was never taught this task."""
    return _("{model} was not taught {task}: it follows the instruction as well as it can.").format(
        model=performer.name, task=task_of(task).title
    )


def cannot(performer: Performer, task: str) -> UserError:
    """The error for a model that neither was taught a task nor follows instructions."""
    return UserError(
        _("{model} was not taught {task}. Teach it: newleaf finetune {model} DATA --task {name} --name NAME").format(
            model=performer.name, task=task_of(task).title, name=task
        )
    )
