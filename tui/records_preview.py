"""Records as a model will see them, drawn: what it learns to say is bold, and marked in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from textual.content import Content

from ..core.language import gettext as _
from ..core.language import ngettext
from ..core.tasks.all import TASKS
from .before_after import BEFORE, MUTED

LEARNT = "bold $text-success"
FIRST_PROBLEMS = 2  # that stand above the records


def records_content(found: dict[str, Any]) -> Content:
    """What the engine's preview of records says: the task, the columns, what is wrong, and the records."""
    if not found.get("task"):
        return Content(_("The records fit {tasks}: choose the task.").format(tasks=_titles(found["fits"])))
    lines = list(_head(found))
    for number, record in enumerate(found["records"], 1):
        lines += [Content(""), *_record(number, record)]
    if len(found["problems"]) > FIRST_PROBLEMS:
        lines += [Content(""), Content.styled(_("What cannot be used"), "bold"), *map(_problem, found["problems"])]
    return Content("\n").join(lines)


def columns_text(columns: dict[str, str]) -> str:
    """Which column is which field, as it can be typed."""
    return " ".join(f"{field}={column}" for field, column in columns.items())


def _titles(tasks: list[str]) -> str:
    return ", ".join(TASKS[name].title for name in tasks)


def _head(found: dict[str, Any]) -> Iterator[Content]:
    yield Content.styled(_("Learns {task}").format(task=_titles([found["task"]])), "bold")
    others = [name for name in found["fits"] if name != found["task"]]
    if others:
        yield Content.styled(_("The records fit {tasks} too.").format(tasks=_titles(others)), MUTED)
    if found["columns"]:
        yield Content.styled(_("columns: {columns}").format(columns=columns_text(found["columns"])), MUTED)
    for sentence in found["said"]:
        yield Content.styled(sentence, MUTED)
    problems = found["problems"]
    if problems:
        count = ngettext(
            "{number:,} problem in the first records:", "{number:,} problems in the first records:", len(problems)
        )
        yield Content.styled(count.format(number=len(problems)), "bold")
        yield from map(_problem, problems[:FIRST_PROBLEMS])
        if len(problems) > FIRST_PROBLEMS:
            yield Content.styled("  " + _("... the others are further down"), MUTED)


def _problem(text: str) -> Content:
    return Content.styled("  " + text, BEFORE)


def _record(number: int, record: dict[str, Any]) -> Iterator[Content]:
    if not record["parts"]:
        yield Content.styled(_("Record {number}").format(number=number), "bold")
        yield Content.styled("  " + _("too long for the model: it is left out"), BEFORE)
        return
    head = _("Record {number}: {tokens:,} tokens, of which it learns {learnt:,}").format(
        number=number, tokens=record["tokens"], learnt=record["learnt"]
    )
    yield Content.styled(head, "bold")
    if record["cut"]:
        yield Content.styled("  " + _("too long for the model: its end is left out"), BEFORE)
    opening, closing = _("[learns:"), "]"
    parts: list[Content] = []
    for text, learnt in record["parts"]:
        parts.append(Content.styled(f"{opening} {text}{closing}", LEARNT) if learnt else Content(text))
    yield Content("").join(parts)
