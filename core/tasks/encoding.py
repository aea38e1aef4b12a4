"""Records as a model reads them in fine-tuning: tokens, and which of them it learns to say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..chat import Message, encode_chat, render_parts
from ..errors import UserError
from ..language import gettext as _
from ..tokenizer.tokenizer import Tokenizer
from .base import Record, Task

NEARLY = 0.95  # of the length that would just fit: tokens of a text that is cut are not quite those of the whole


@dataclass(frozen=True)
class Example:
    """A record in tokens; `learnt` says of each whether the model learns to say it. `cut`: not all of it fitted."""

    tokens: list[int]
    learnt: list[bool]
    cut: bool = False


def encode_messages(tokenizer: Tokenizer, messages: Sequence[Message]) -> Example:
    """A chat, in which what the assistant says is learnt, and that it ends there.

    What stands before each answer is exactly what the model reads when it is asked for it. Raises UserError.
    """
    tokens: list[int] = []
    learnt: list[bool] = []
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before, said = render_parts(tokenizer, messages[:index], message)
        # Where a template writes earlier turns in another way once one follows, the last answer alone is learnt.
        known = len(tokens) if before[: len(tokens)] == tokens else 0
        if not known:
            tokens, learnt = [], []
        tokens += before[known:]
        learnt += [False] * (len(before) - known)
        tokens += said
        learnt += [True] * len(said)
    return Example(tokens, learnt)


def encode_record(task: Task, tokenizer: Tokenizer, record: Record, longest: int) -> Example | None:
    """A record in at most `longest` tokens; None where that cannot be.

    What is too long loses the end of the field that the task names, or its oldest messages; an answer is never cut.
    """
    example = encode_messages(tokenizer, task.messages(record))
    if len(example.tokens) <= longest:
        return example if any(example.learnt) else None
    for shorter in _shortened(task, tokenizer, record, len(example.tokens) - longest):
        example = encode_messages(tokenizer, task.messages(shorter))
        if len(example.tokens) <= longest:
            return Example(example.tokens, example.learnt, cut=True) if any(example.learnt) else None
    return None


@dataclass(frozen=True)
class Question:
    """What asks a model for an answer, in tokens. `cut`: not all of the record fitted."""

    tokens: list[int]
    cut: bool = False


def encode_question(task: Task, tokenizer: Tokenizer, record: Record, room: int) -> Question:
    """The tokens that ask for a record's answer, cut as `encode_record` does.

    Raises UserError where that is not enough.
    """
    tokens = encode_chat(tokenizer, task.question(record))
    if len(tokens) <= room:
        return Question(tokens)
    for shorter in _shortened(task, tokenizer, record, len(tokens) - room):
        tokens = encode_chat(tokenizer, task.question(shorter))
        if len(tokens) <= room:
            return Question(tokens, cut=True)
    raise UserError(
        _("This takes {tokens:,} tokens, and the model reads {room:,} of a question. Shorten it.").format(
            tokens=len(tokens), room=room
        )
    )


def _shortened(task: Task, tokenizer: Tokenizer, record: Record, excess: int) -> Iterator[Record]:
    """The record, shorter and shorter; it has so many tokens too many."""
    if "messages" in record:
        messages = list(record["messages"])
        system = 1 if messages[0]["role"] == "system" else 0
        for begin in range(system + 1, len(messages)):
            if messages[begin]["role"] == "user":
                yield {**record, "messages": [*messages[:system], *messages[begin:]]}
    elif task.shortened:
        text = str(record[task.shortened])
        tokens = tokenizer.encode(text)
        keep = len(tokens) - excess
        while keep > 0:
            yield {**record, task.shortened: tokenizer.decode(tokens[:keep]).rstrip("\ufffd")}
            keep = int(keep * NEARLY) - 1
