"""Texts from records, such as the lines of a JSON file: which field holds them, or how a conversation becomes text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Any

from ...language import gettext as _
from .base import Notes, NotTextError, Place, place_text
from .columns import find_column, missing, none_found
from .conversations import CONVERSATIONS, PAIRS, Turn, turns_of, turns_of_pair

LOOKED_AT = 200  # records that tell which field it is
DEEPEST = 3  # parts of a dotted name that is found; one that a person gives may have more

Record = Mapping[str, Any]

_NAMES = {"system": "System", "user": "User", "assistant": "Assistant", "tool": "Tool"}  # in a text


@dataclass(frozen=True)
class Way:
    """How a record's text is found."""

    name: str  # of the field or fields, for people
    fields: tuple[str, ...]  # of the record itself, that are needed
    text: Callable[[Record], str]  # "" where the record has none; it can be pickled
    field: str = ""  # of the record itself, where nothing else is needed


def texts_of(records: Iterable[tuple[Place, Any]], notes: Notes, column: str | Way | None) -> Iterator[str]:
    """The texts of (place, record); a record may be a plain text itself.

    Raises NotTextError where `column`, a name or a dotted path, is in none of the first records, or no field of them
    holds text.
    """
    if isinstance(column, Way):
        return texts_by(column, records, notes)
    records = iter(records)
    first = list(islice(records, LOOKED_AT))
    return texts_by(way_of([record for _place, record in first], column), chain(first, records), notes)


def way_of(first: list[Any], column: str | None) -> Way | None:
    """The way for records that begin with these; None where they are plain texts. Raises NotTextError."""
    sample = [record for record in first if isinstance(record, Mapping)]
    if not first:
        raise NotTextError(_("there is no record in it"))
    if not sample and all(isinstance(record, str) for record in first):
        return None
    return find_way(sample, column)


def texts_by(way: Way | None, records: Iterable[tuple[Place, Any]], notes: Notes) -> Iterator[str]:
    """The texts of (place, record), found in this way."""
    notes.column = way.name if way else ""
    for place, record in records:
        if isinstance(record, str) and way is None:
            yield record
        elif way is None or not isinstance(record, Mapping):
            notes.leave_out(place_text(place), _("it is not a record with fields"))
        elif text := way.text(record):
            if "\ufffd" in text:
                notes.unreadable += text.count("\ufffd")
            yield text
        elif not any(field in record for field in way.fields):
            notes.leave_out(place_text(place), _("it has no field {column}").format(column=way.name))


def find_way(sample: list[Any], column: str | None) -> Way:
    """The way for records like those of `sample`. Raises NotTextError."""
    fields = _flat(sample)
    if not sample:
        raise NotTextError(_("there is no record with fields in it"))
    if column:
        if not any(value_of(record, column) is not None for record in sample):
            raise missing(column, list(fields))
        return _field(column)
    for way in _chats(sample):
        return way
    best = find_column(fields)
    if best is None:
        raise none_found(list(fields) or sorted({name for record in sample for name in record}))
    return _field(best)


def _field(name: str) -> Way:
    if "." not in name:
        return Way(name, (name,), partial(_text_in, name=name), name)
    return Way(name, (name, name.split(".")[0]), partial(_text_at, name=name))


def _text_in(record: Record, name: str) -> str:
    return _as_text(record.get(name))


def _text_at(record: Record, name: str) -> str:
    return _as_text(value_of(record, name))


def value_of(record: Record, name: str) -> Any:
    """What a field holds, by its name or its dotted path; None where there is none."""
    if name in record:
        return record[name]
    value: Any = record
    for part in name.split("."):
        if isinstance(value, list) and part.isdigit():
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _as_text(value: Any) -> str:
    """A text, or the texts of a list one below the other."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
        return _conversation(value)
    if isinstance(value, list):
        return "\n".join(part for part in value if isinstance(part, str))
    return ""


def _flat(sample: list[Any]) -> dict[str, list[str]]:
    """The fields of the records by their dotted names, each with its texts."""
    found: dict[str, list[str]] = {}

    def add(record: Record, before: str, depth: int) -> None:
        for name, value in record.items():
            if isinstance(value, Mapping) and depth < DEEPEST:
                add(value, f"{before}{name}.", depth + 1)
            else:
                text = _as_text(value)
                found.setdefault(f"{before}{name}", []).append(text)

    for record in sample:
        add(record, "", 1)
    return found


# Conversations, as lines that begin with who speaks.


def _chats(sample: list[Any]) -> Iterator[Way]:
    most = len(sample) / 2
    for name in CONVERSATIONS:
        if sum(bool(_conversation(record.get(name))) for record in sample) > most:
            yield Way(name, (name,), partial(_conversation_in, name=name))
    for asked, about, answer in PAIRS:
        if sum(_texts(record, asked) and _texts(record, answer) for record in sample) > most:
            names = tuple(name for name in (asked, about, answer) if name and any(name in record for record in sample))
            yield Way(" + ".join(names), names, partial(_pair, asked=asked, about=about, answer=answer))


def _conversation_in(record: Record, name: str) -> str:
    return _conversation(record.get(name))


def _texts(record: Record, name: str) -> bool:
    return isinstance(record.get(name), str)


def is_conversation(turns: Any) -> bool:
    """Whether it is a list of who says what."""
    return bool(_conversation(turns))


def _conversation(value: Any) -> str:
    return _told(turns_of(value))


def _pair(record: Record, asked: str, about: str | None, answer: str) -> str:
    return _told(turns_of_pair(record, asked, about, answer))


def _told(turns: list[Turn] | None) -> str:
    return "\n".join(f"{_NAMES.get(turn.role, turn.role)}: {turn.text}" for turn in turns or () if turn.text)
