"""Texts before and after cleaning, beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from ..core.corpus.comparing import changed_lines
from ..core.corpus.telling import step_name
from ..core.language import gettext as _
from ..core.language import labelled, ngettext
from .output import cells

NARROWEST = 20  # columns of a side
MOST_LINES = 8  # of a text, where it changes


def preview_lines(found: dict[str, Any], columns: int) -> Iterator[str]:
    """What cleaning would do, for a terminal that is so wide; see core/corpus/before_after.py."""
    yield ""
    count = ngettext(
        "{number:,} document cleaned for a try:", "{number:,} documents cleaned for a try:", found["documents"]
    )
    yield count.format(number=found["documents"])
    for name, number in found["changed"].items():
        yield f"  {step_name(name)}: " + _("{number:,} changed").format(number=number)
    for name, reasons in found["dropped"].items():
        for reason, number in reasons.items():
            yield f"  {step_name(name)}: " + _("{number:,} dropped: {reason}").format(number=number, reason=reason)
    if not found["changed"] and not found["dropped"]:
        yield "  " + _("nothing to change")
    width = max(NARROWEST, (columns - 3) // 2)
    for example in found["examples"]:
        yield ""
        yield labelled(example["source"], ", ".join(map(step_name, example["steps"])))
        after = _("(dropped: {reason})").format(reason=example["dropped"]) if example["dropped"] else example["after"]
        yield from _rows([_("before")], [_("after")], width)
        yield from _beside(example["before"], after, width)


def _beside(before: str, after: str, width: int) -> Iterator[str]:
    """The lines in which two texts differ."""
    for shown, (left, right) in enumerate(changed_lines(before, after)):
        if shown == MOST_LINES:
            yield "..."
            return
        yield from _rows(_folded(left or "", width), _folded(right or "", width), width)


def _rows(left: list[str], right: list[str], width: int) -> Iterator[str]:
    for one, other in zip_longest(left, right, fillvalue=""):
        yield f"{one}{' ' * (width - cells(one))} │ {other}"


def _folded(text: str, width: int) -> list[str]:
    lines, line, used = [], "", 0
    for character in text:
        size = cells(character)
        if used + size > width:
            lines.append(line)
            line, used = "", 0
        line += character
        used += size
    return [*lines, line]
