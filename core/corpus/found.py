"""What the first pass of an import finds besides documents: the sources, and what could not be read of them."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ..errors import UserError
from ..language import gettext as _
from .cleaning.tally import Tally
from .readers.base import Notes
from .report import LARGEST_SOURCES, LEFT_OUT


@dataclass
class Found:
    """Grows with the sources by their names alone."""

    strict: bool = False  # whether what cannot be read ends the import
    names: list[str] = field(default_factory=list)  # of sources, also of those that gave nothing
    sources: int = 0  # that were read
    encodings: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0  # characters
    left_out: list[tuple[str, str, str]] = field(default_factory=list)  # the first ones: (source, where, why)
    left_out_in_all: int = 0
    tally: Tally = field(default_factory=Tally)
    details: dict[int, dict[str, Any]] = field(default_factory=dict)  # of the largest sources
    _largest: list[tuple[int, int]] = field(default_factory=list)  # a heap of (bytes, number)

    def new_source(self, name: str) -> int:
        """The number of one more source."""
        self.names.append(name)
        return len(self.names) - 1

    def close_source(self, number: int, format_name: str, size: int, notes: Notes) -> None:
        """Take down what the reader of a source, of which so many bytes were read, had to say."""
        self.sources += 1
        self.formats[format_name] += 1
        if notes.encoding:
            self.encodings[notes.encoding] += 1
        self.unreadable += notes.unreadable
        self.details[number] = {
            key: value for key, value in (("encoding", notes.encoding), ("column", notes.column)) if value
        }
        heapq.heappush(self._largest, (size, -number))
        if len(self._largest) > 2 * LARGEST_SOURCES:
            _size, smallest = heapq.heappop(self._largest)
            del self.details[-smallest]
        for where, reason in notes.left_out:
            self.leave_out(self.names[number], where, reason)
        self.left_out_in_all += notes.left_out_besides

    def leave_out(self, source: str, where: str, reason: str) -> None:
        """A source, or a part of one, that cannot be used. Raises UserError where that ends the import."""
        if self.strict:
            raise UserError(
                _("{source}: {reason}. Without --strict it is left out, and the rest is imported.").format(
                    source=f"{source}, {where}" if where else source, reason=reason
                )
            )
        self.left_out_in_all += 1
        if len(self.left_out) < LEFT_OUT:
            self.left_out.append((source, where, reason))
