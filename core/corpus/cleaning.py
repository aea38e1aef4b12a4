"""Cleaning: a list of small named steps, each from text to text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ..language import N_


@dataclass(frozen=True)
class Step:
    """One step of cleaning; `description` is marked for translation."""

    name: str
    description: str
    function: Callable[[str], str]


_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Control characters but tab and newline, and the byte order mark in the middle of a text. The zero-width joiners stay:
# emoji and the scripts of India need them.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff]")
_TRAILING_SPACE = re.compile(r"[ \t\u3000]+$", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{3,}")

STANDARD = (
    Step("line_ends", N_("one kind of line end"), lambda text: _LINE_ENDS.sub("\n", text)),
    Step("invisible", N_("control characters removed"), lambda text: _INVISIBLE.sub("", text)),
    Step("unicode", N_("composed characters (Unicode NFC)"), lambda text: unicodedata.normalize("NFC", text)),
    Step("trailing_space", N_("spaces at the ends of lines removed"), lambda text: _TRAILING_SPACE.sub("", text)),
    Step("blank_lines", N_("at most one blank line in a row"), lambda text: _BLANK_LINES.sub("\n\n", text).strip("\n")),
)


def clean(text: str, steps: tuple[Step, ...] = STANDARD, changes: Counter[str] | None = None) -> str:
    """`text` after all `steps`; `changes` counts, by the steps' names, the texts that each one changed."""
    for step in steps:
        cleaned = step.function(text)
        if changes is not None and cleaned != text:
            changes[step.name] += 1
        text = cleaned
    return text
