"""Texts from records, such as the lines of a JSON file: which field holds them, or how a conversation becomes text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from ...language import gettext as _
from .base import Notes, NotTextError
from .columns import find_column, missing, none_found

LOOKED_AT = 200  # records that tell which field it is
DEEPEST = 3  # parts of a dotted name that is found; one that a person gives may have more

Record = Mapping[str, Any]

_ROLES = {
    "system": "System",
    "user": "User",
    "human": "User",
    "prompter": "User",
    "assistant": "Assistant",
    "gpt": "Assistant",
    "bot": "Assistant",
    "chatgpt": "Assistant",
    "model": "Assistant",
    "tool": "Tool",
    "function": "Tool",
}
_CONVERSATIONS = ("messages", "conversations", "conversation", "dialog", "dialogue")
_PAIRS = (  # fields of a question, of what it is about, of its answer
    ("instruction", "input", "output"),
    ("instruction", "context", "response"),
    ("prompt", None, "completion"),
    ("prompt", None, "response"),
    ("question", "context", "answer"),
)


@dataclass(frozen=True)
class Way:
    """How a record's text is found."""

    name: str  # of the field or fields, for people
    fields: tuple[str, ...]  # of the record itself, that are needed
    text: Callable[[Record], str]  # "" where the record has none


Place = tuple[str, int]  # "line", "row" or "record", and its number: words are made of it only where they are needed


def place_text(place: Place) -> str:
    """Where it is, for people."""
    kind, number = place
    words = {"line": _("line {number}"), "row": _("row {number}"), "record": _("record {number}")}
    return words[kind].format(number=number)


def texts_of(records: Iterable[tuple[Place, Any]], notes: Notes, column: str | Way | None) -> Iterator[str]:
    """The texts of (place, record); a record may be a plain text itself.

    Raises NotTextError where `column`, a name or a dotted path, is in none of the first records, or no field of them
    holds text.
    """
    records = iter(records)
    way = column if isinstance(column, Way) else None
    if way is None:
        first = list(islice(records, LOOKED_AT))
        records = chain(first, records)
        sample = [record for _place, record in first if isinstance(record, Mapping)]
        if not first:
            raise NotTextError(_("there is no record in it"))
        if sample or not all(isinstance(record, str) for _place, record in first):
            assert not isinstance(column, Way)
            way = find_way(sample, column)
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
        if not any(_value(record, column) is not None for record in sample):
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
        return Way(name, (name,), lambda record: _as_text(record.get(name)))
    return Way(name, (name, name.split(".")[0]), lambda record: _as_text(_value(record, name)))


def _value(record: Record, name: str) -> Any:
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


# Conversations: OpenAI's messages (role, content), ShareGPT's conversations (from, value), Alpaca's instructions.


def _chats(sample: list[Any]) -> Iterator[Way]:
    most = len(sample) / 2
    for name in _CONVERSATIONS:
        if sum(bool(_conversation(record.get(name))) for record in sample) > most:
            yield Way(name, (name,), lambda record, name=name: _conversation(record.get(name)))  # type: ignore[misc]
    for asked, about, answer in _PAIRS:
        if sum(_texts(record, asked) and _texts(record, answer) for record in sample) > most:
            names = tuple(name for name in (asked, about, answer) if name and any(name in record for record in sample))
            yield Way(" + ".join(names), names, lambda record, pair=(asked, about, answer): _pair(record, *pair))  # type: ignore[misc]


def _texts(record: Record, name: str) -> bool:
    return isinstance(record.get(name), str)


def is_conversation(turns: Any) -> bool:
    """Whether it is a list of who says what."""
    return bool(_conversation(turns))


def _conversation(turns: Any) -> str:
    """Turns as lines that begin with who speaks; "" where it is no conversation."""
    if not isinstance(turns, list):
        return ""
    lines = []
    for turn in turns:
        if not isinstance(turn, Mapping):
            return ""
        role = turn.get("role", turn.get("from"))
        said = turn.get("content", turn.get("value"))
        if isinstance(said, list):  # parts, of which pictures are some
            said = "\n".join(part["text"] for part in said if isinstance(part, Mapping) and _texts(part, "text"))
        if not isinstance(role, str) or not isinstance(said, str | None):
            return ""
        if said and said.strip():
            lines.append(f"{_ROLES.get(role.lower(), role)}: {said.strip()}")
    return "\n".join(lines)


def _pair(record: Record, asked: str, about: str | None, answer: str) -> str:
    question = [record.get(name) for name in (asked, about) if name]
    parts = [part.strip() for part in question if isinstance(part, str) and part.strip()]
    given = record.get(answer)
    if not parts or not isinstance(given, str) or not given.strip():
        return ""
    return "User: " + "\n".join(parts) + "\nAssistant: " + given.strip()
