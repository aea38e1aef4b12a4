"""The records of the tasks that are scored: what is asked in each, and what is right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]

_ASKED = {"classify": "text", "qa": "question", "summary": "document", "translate": "source"}
_RIGHT = {"classify": "label", "qa": "answer", "summary": "summary", "translate": "target"}


def asked(task: str, record: Record) -> str:
    """The text that is put to a model; of a chat the message before the last."""
    if task == "chat":
        return str(record["messages"][-2]["content"]) if len(record["messages"]) > 1 else ""
    return str(record[_ASKED[task]])


def right_ones(task: str, record: Record) -> list[str]:
    """The right answers: one, or several for a question; of a chat the last message."""
    if task == "chat":
        return [str(record["messages"][-1]["content"])]
    several = record.get("answers") if task == "qa" else None
    return [str(each) for each in several or [record[_RIGHT[task]]]]


def direction(record: Record) -> tuple[str, str]:
    """From which language a record is translated to which."""
    return str(record["source_language"]), str(record["target_language"])
