"""The parts of a report in words and figures: what the command line and the app both show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Section:
    """A heading, fields below each other, a table, and lines after both; the class of a line may say what it is."""

    title: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    table: list[list[str]] = field(default_factory=list)  # the head first; numbers are the columns after the first


def with_content(sections: Iterable[Section]) -> list[Section]:
    """Those that have more than a heading."""
    return [section for section in sections if section.fields or section.table or section.lines]
