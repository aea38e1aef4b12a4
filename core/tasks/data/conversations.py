"""Records of chat: messages, conversations, and pairs of a question and an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...chat import ROLES
from ...corpus.readers.conversations import PAIRS, Turn, turns_of, turns_of_pair
from ...corpus.readers.records import value_of
from ...language import gettext as _
from ..base import Task
from ..qa import QuestionAnswering
from .columns import Columns, check_fields, columns_of, filled, in_lower_case, named, not_found
from .options import DataOptions
from .ways import Row, UnfitError, Way

_FIELDS = ("messages", "system", "user", "assistant")  # that a person may name; messages, or a question and an answer
_SYSTEM = ("system", "system_prompt", "系统")
_HISTORY = "history"  # pairs that come before Alpaca's instruction


def find_conversations(task: Task, sample: Sequence[Row], options: DataOptions) -> Way:
    """The way for rows like those of `sample`. Raises NotTextError where nothing of them is a conversation."""
    check_fields(options.columns, task, _FIELDS)
    columns = columns_of(sample)
    taken = named(options.columns, sample)
    lower = in_lower_case(columns)
    system = taken.get("system") or next((lower[name] for name in _SYSTEM if name in lower), None)
    if "messages" in taken:
        return _messages(taken["messages"], system)
    if "user" in taken or "assistant" in taken:
        if lacking := [field for field in ("user", "assistant") if field not in taken]:
            raise not_found(lacking, columns)
        return _pair(taken["user"], None, taken["assistant"], system)
    names = [lower[name] for field in task.fields for name in field.columns if name in lower]
    for name in names:
        if any(_turns(value) for value in columns[name]):
            return _messages(name, system)
    for asked, about, answer in _pairs(lower, columns):
        return _pair(asked, about, answer, system)
    if names:
        return _messages(names[0], system)
    raise not_found(["messages"], columns)


def _pairs(lower: Mapping[str, str], columns: Columns) -> Iterator[tuple[str, str | None, str]]:
    """The pairs of columns that are a question and an answer; the commonest ones, then any of those names."""
    fields = {field.name: field.columns for field in QuestionAnswering.fields}
    others = [(asked, None, answer) for asked in (*fields["question"], "input") for answer in fields["answer"]]
    for asked, about, answer in (*PAIRS, *others):
        if asked in lower and answer in lower and asked != answer:
            found = lower[asked], lower.get(about or ""), lower[answer]
            if _has_text(columns[found[0]]) and _has_text(columns[found[2]]):
                yield found


def _has_text(values: Sequence[Any]) -> bool:
    return any(isinstance(value, str) and value.strip() for value in values)


def _turns(value: Any) -> list[Turn] | None:
    """The turns, also where they are JSON in a text, as in the cell of a table."""
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        import orjson

        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    return turns_of(value)


def _messages(column: str, system: str | None) -> Way:
    def records(row: Row) -> list[dict[str, Any]]:
        value = value_of(row, column)
        turns = _turns(value)
        if turns is None and (value == [] or not filled(value)):
            raise UnfitError(_("its {field} is empty").format(field=column))
        if turns is None:
            raise UnfitError(_("its {field} is no list of messages").format(field=column))
        return [{"messages": _checked([*_before(row, system, turns), *turns])}]

    return Way({"messages": column}, records)


def _pair(asked: str, about: str | None, answer: str, system: str | None) -> Way:
    def records(row: Row) -> list[dict[str, Any]]:
        turns = turns_of_pair(row, asked, about, answer)
        if turns is None:
            for name in (asked, answer):
                value = row.get(name)
                if filled(value) and not isinstance(value, str):
                    raise UnfitError(_("its {field} is no text").format(field=name))
                if not (isinstance(value, str) and value.strip()):
                    raise UnfitError(_("its {field} is empty").format(field=name))
        assert turns is not None
        return [{"messages": _checked([*_before(row, system, turns), *_history(row), *turns])}]

    return Way({"messages": " + ".join(name for name in (asked, about, answer) if name)}, records)


def _before(row: Row, system: str | None, turns: Sequence[Turn]) -> list[Turn]:
    text = row.get(system) if system else None
    return [Turn("system", text.strip())] if isinstance(text, str) and turns[0].role != "system" else []


def _history(row: Row) -> Iterator[Turn]:
    history = row.get(_HISTORY)
    for pair in history if isinstance(history, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair):
            yield Turn("user", pair[0].strip())
            yield Turn("assistant", pair[1].strip())


def _checked(turns: list[Turn]) -> list[dict[str, str]]:
    """The messages up to the assistant's last: what nobody answers teaches nothing. Raises UnfitError."""
    while len(turns) > 1 and turns[-1].role != "assistant" and any(turn.role == "assistant" for turn in turns):
        turns.pop()
    for number, turn in enumerate(turns, 1):
        if turn.role == "tool" or not turn.plain:
            raise UnfitError(_("message {number} is for a tool, or holds more than text").format(number=number))
        if turn.role in ROLES[1:] and not turn.text:
            raise UnfitError(_("message {number} is empty").format(number=number))
    return [{"role": turn.role, "content": turn.text} for turn in turns if turn.text or turn.role != "system"]
