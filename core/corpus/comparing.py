"""Where two texts differ, as pairs of lines that fit beside or below each other."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from itertools import zip_longest

from .telling import visible

CONTEXT = 30  # characters of a line before the place where it changes
LINE = 240  # characters of a line that are shown


def changed_lines(before: str, after: str) -> Iterator[tuple[str | None, str | None]]:
    """The lines of `before` and `after` that are not the same, in order; None where one text has no such line.

    A long line begins shortly before the place where the other is different; signs for what cannot be seen stand in it.
    """
    old, new = ([_shown(line) for line in text.splitlines()] for text in (before, after))
    for kind, begin, end, new_begin, new_end in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        if kind != "equal":
            for left, right in zip_longest(old[begin:end], new[new_begin:new_end]):
                yield _cut(left, right)


def _shown(line: str) -> str:
    """A line in which what cannot be seen, spaces at its end too, has a sign."""
    stripped = line.rstrip(" ")
    return visible(stripped) + "·" * (len(line) - len(stripped))


def _cut(left: str | None, right: str | None) -> tuple[str | None, str | None]:
    start = 0
    if left is not None and right is not None:
        same = next((place for place, (one, other) in enumerate(zip(left, right, strict=False)) if one != other), None)
        start = max(0, (min(len(left), len(right)) if same is None else same) - CONTEXT)
    return _part(left, start), _part(right, start)


def _part(line: str | None, start: int) -> str | None:
    if line is None:
        return None
    begin = "… " if start else ""
    return begin + line[start : start + LINE] + (" …" if len(line) > start + LINE else "")
