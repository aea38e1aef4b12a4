"""Plain text and Markdown, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from ..reading import LONGEST_LINE, open_text
from .base import Format, Notes, ReadOptions


def read(stream: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[str]:
    """The lines with their ends, each one "\\n"; a line over LONGEST_LINE characters comes in parts."""
    text = open_text(stream, notes)
    while line := text.readline(LONGEST_LINE):
        notes.unreadable += line.count("\ufffd")
        yield line


FORMAT = Format("text", (".txt", ".text", ".md", ".markdown"), read, lines=True)
