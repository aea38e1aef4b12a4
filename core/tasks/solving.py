"""A model at a task: records in, answers out, many at once. What asks for one answer goes the way of chats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..chat import stop_of
from ..errors import UserError
from ..generation.options import GenerationOptions
from ..progress import Progress, no_progress
from .base import Record, Task
from .classification import Classification
from .encoding import encode_question
from .labels import Labels

if TYPE_CHECKING:
    from ..generation.generate import Writer

ROWS = 16  # prompts that are answered at once


def solve(
    writer: Writer,
    task: Task,
    records: Sequence[Record],
    about: Mapping[str, Any],
    values: Mapping[str, Any] | None = None,
    progress: Progress = no_progress,
) -> list[dict[str, Any]]:
    """The answer to each record; of a classification with "label" and "probabilities".

    `about` is what the model remembers of the task, see `Task.about`. `values` are options of generation. `progress`
    hears of every token, so that it can end the work by raising Cancelled. Raises UserError.
    """
    if isinstance(task, Classification):
        labels = Labels.of(writer, about)
        return labels.weigh([str(record["text"]) for record in records], progress)
    options = GenerationOptions.from_mapping({**task.generation, **(values or {})})
    options = replace(options, stop=[*options.stop, *stop_of(writer.tokenizer)])
    questions = [_question(writer, task, record, options.max_tokens) for record in records]
    order = sorted(range(len(records)), key=lambda index: len(questions[index]))
    found: list[dict[str, Any]] = [{} for _record in records]
    done = 0
    for begin in range(0, len(order), ROWS):
        some = order[begin : begin + ROWS]
        run = writer.start([questions[index] for index in some], options, 1)
        for _delta in run:
            progress(done, len(order))
        for index, completion in zip(some, run.completions, strict=True):
            found[index] = task.read(completion.text)
        done += len(some)
        progress(done, len(order))
    return found


def _question(writer: Writer, task: Task, record: Record, max_tokens: int) -> list[int]:
    """What asks for an answer, with room for one; where it cannot be cut to that, the answer takes what is left."""
    context = writer.model.config.context
    try:
        return encode_question(task, writer.tokenizer, record, context - min(max_tokens, context // 2)).tokens
    except UserError:
        return encode_question(task, writer.tokenizer, record, context - 1).tokens
