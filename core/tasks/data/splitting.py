"""Which records are held out, to measure on: the same ones whenever, wherever and in whatever order they are read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from ...progress import Progress, no_progress
from ..base import Record, Task
from .found import Data
from .options import DataOptions
from .pairs import REVERSED
from .reading import read_records

SHARE = 0.1  # that is held out
_BELOW = int(SHARE * 1000) * (1 << 256) // 1000


def split(task: Task, records: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The records to learn from, and those that are held out, each in their order.

    Held out are those whose SHA-256 of the first field's text, as a number, is in the lowest tenth of its range. Of
    translations that is the source as it stands in the data, so both directions of a pair are on the same side. Where
    that leaves one side empty, those with the lowest number are held out alone.
    """
    numbers = [_number(_text(task, record)) for record in records]
    below = _BELOW
    held = sum(number < below for number in numbers)
    if numbers and (held == 0 or held == len(numbers)):
        lowest, highest = min(numbers), max(numbers)
        below = lowest + 1 if lowest < highest else 0
    train = [record for record, number in zip(records, numbers, strict=True) if number >= below]
    return train, [record for record, number in zip(records, numbers, strict=True) if number < below]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())


def _text(task: Task, record: Record) -> str:
    value = record["target"] if record.get(REVERSED) else record[task.fields[0].name]
    if isinstance(value, str):
        return value
    asked = [message["content"] for message in value if message["role"] == "user"]
    return str(asked[0] if asked else value[0]["content"])


def read_split(
    task: Task, paths: Sequence[str], options: DataOptions | None = None, progress: Progress = no_progress
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Data]:
    """What to learn from, what is held out, and all that was read of `paths`.

    Held out is what `options.held_out` names, which is then not learnt from even where it is in `paths` too; else a
    part of what was read. Raises UserError as `read_records` does.
    """
    options = options or DataOptions()
    data = read_records(task, paths, options, progress)
    if options.held_out is None:
        return *split(task, data.records), data
    held_out = read_records(task, [options.held_out], options)
    data.problems += held_out.problems
    data.problems_besides += held_out.problems_besides
    known = {_key(task, record) for record in held_out.records}
    return [record for record in data.records if _key(task, record) not in known], held_out.records, data


def _key(task: Task, record: Record) -> str:
    return json.dumps([record[field.name] for field in task.fields])
