"""Which column of people's data is which field of a task: named by them, by its name, or by what is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...corpus.readers.base import NotTextError
from ...corpus.readers.columns import find_column, listed, missing, prose
from ...corpus.readers.records import value_of
from ...errors import UserError
from ...language import gettext as _
from ..base import Field, Task
from .ways import MissingColumnError, Row

LONGEST_LABEL = 60  # characters of what is taken for a label without its column being called so
_ENOUGH = 4  # rows that tell a column of labels

Columns = Mapping[str, Sequence[Any]]  # the columns of some rows, with their values


def columns_of(sample: Iterable[Row]) -> dict[str, list[Any]]:
    """The columns of some rows, in order."""
    found: dict[str, list[Any]] = {}
    for row in sample:
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    return found


def in_lower_case(columns: Iterable[str]) -> dict[str, str]:
    """The columns by their names in lower case, the first one where several are called so."""
    found: dict[str, str] = {}
    for column in columns:
        found.setdefault(column.strip().lower(), column)
    return found


def check_fields(names: Iterable[str], task: Task, fields: Sequence[str]) -> None:
    """Raise UserError where a person named the column of a field that the task does not have."""
    for name in names:
        if name not in fields:
            raise UserError(
                _("--column {field}=…: {task} has no field {field}; its fields are {fields}.").format(
                    field=name, task=task.name, fields=", ".join(fields)
                )
            )


def named(wanted: Mapping[str, str], sample: Sequence[Row]) -> dict[str, str]:
    """The columns that a person named, as the rows call them. Raises MissingColumnError."""
    columns = columns_of(sample)
    lower = in_lower_case(columns)
    found = {}
    for field, column in wanted.items():
        if column in columns or any(value_of(row, column) is not None for row in sample):
            found[field] = column
        elif column.lower() in lower:
            found[field] = lower[column.lower()]
        else:
            raise MissingColumnError(str(missing(column, list(columns))))
    return found


def by_name(fields: Sequence[Field], columns: Columns, taken: Mapping[str, str]) -> dict[str, str]:
    """The columns of the fields, with those `taken` already; a column with something in it before an empty one."""
    found = dict(taken)
    lower = in_lower_case(columns)
    for field in fields:
        candidates = [lower[name] for name in (field.name, *field.columns) if name in lower]
        free = [column for column in candidates if column not in found.values()]
        best = next((column for column in free if any(filled(value) for value in columns[column])), None)
        if field.name not in found and (best or free):
            found[field.name] = best or free[0]
    return found


def by_content(task: Task, columns: Columns, taken: Mapping[str, str]) -> dict[str, str]:
    """Columns for the fields that are still missing, where what is in them leaves no doubt; with those `taken`."""
    found = dict(taken)
    free = {name: _texts(values) for name, values in columns.items() if name not in found.values()}
    lacking = [field.name for field in task.fields if field.needed and field.name not in found]
    if task.name == "classify":
        found |= _text_and_label(free, lacking)
    else:
        prosaic = {name: texts for name, texts in free.items() if any(map(prose, texts))}
        if len(lacking) == 1 and len(prosaic) == 1:
            found[lacking[0]] = next(iter(prosaic))
        elif len(lacking) == 2 and len(prosaic) == 2:
            found |= _two(task.name, prosaic)
    return found


def _text_and_label(free: Mapping[str, Sequence[str]], lacking: Sequence[str]) -> dict[str, str]:
    found = {}
    labels = [name for name, texts in free.items() if _are_labels(texts)]
    if "text" in lacking:
        text = find_column({name: texts for name, texts in free.items() if name not in labels})
        if text is not None:
            found["text"] = text
    if "label" in lacking and len(labels) == 1:
        found["label"] = labels[0]
    return found


def _are_labels(texts: Sequence[str]) -> bool:
    """Whether they are few, and short, and come again and again."""
    kinds = set(texts)
    return (
        len(texts) >= _ENOUGH
        and 2 <= len(kinds) <= max(2, len(texts) // 4)
        and max(map(len, kinds)) <= LONGEST_LABEL
        and sum(prose(kind) > 5 for kind in kinds) * 2 <= len(kinds)
    )


def _two(task: str, columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Two columns of prose by how they differ."""
    if task == "summary":
        short, long = sorted(columns, key=lambda name: sum(map(len, columns[name])) / len(columns[name]))
        if sum(map(len, columns[long])) > 3 * sum(map(len, columns[short])):
            return {"document": long, "summary": short}
    elif task == "qa":
        share = {name: sum(map(_asks, texts)) / len(texts) for name, texts in columns.items()}
        answer, question = sorted(share, key=share.__getitem__)
        if share[question] >= 0.8 and share[answer] < 0.5:
            return {"question": question, "answer": answer}
    return {}


def _asks(text: str) -> bool:
    return text.endswith(("?", "？"))


def filled(value: Any) -> bool:
    """Whether there is something in a value."""
    return value is not None and value != "" and value == value  # a number that is none is not equal to itself


def _texts(values: Sequence[Any]) -> list[str]:
    return [str(value).strip() for value in values if filled(value) and not isinstance(value, list | Mapping)]


def not_found(fields: Sequence[str], columns: Iterable[str]) -> NotTextError:
    """The error where it is not known which column is which of `fields`."""
    return NotTextError(
        _("which column is {fields} is not clear; there are: {columns}; name it with {example}").format(
            fields=", ".join(fields),
            columns=listed(list(columns)),
            example=" ".join(f"--column {field}=NAME" for field in fields),
        )
    )
