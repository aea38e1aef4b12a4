"""Payloads of an import, gathered into batches of one kind that are worth sending to another process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .readers.json_lines import Lines

ENOUGH = 1 << 20  # bytes of payloads in a batch, about
MOST = 4096  # payloads


@dataclass
class Batch:
    """Payloads of one kind, with the number of the source of each."""

    number: int
    convert: Callable[[Any], Iterable[str]] | None  # from a payload to texts; None: it is a text, or Lines
    records: bool = False  # whether each text is a document whatever its length
    split: str | None = None  # of documents that are in a corpus already: they stay as they are
    payloads: list[Any] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)


class Batches:
    """Gathers payloads; what is full comes out."""

    def __init__(self) -> None:
        self._batch = Batch(0, None)
        self._size = 0

    def open(
        self, convert: Callable[[Any], Iterable[str]] | None, records: bool = False, split: str | None = None
    ) -> Batch | None:
        """From now on payloads are of this kind; what was gathered of another comes back."""
        batch = self._batch
        if (batch.convert, batch.records, batch.split) == (convert, records, split):
            return None
        full = self.close()
        self._batch.convert, self._batch.records, self._batch.split = convert, records, split
        return full

    def add(self, payload: Any, source: int, size: int) -> Batch | None:
        """Take a payload of so many bytes."""
        self._batch.payloads.append(payload)
        self._batch.sources.append(source)
        self._size += size
        return self.close() if self._size >= ENOUGH or len(self._batch.payloads) >= MOST else None

    def close(self) -> Batch | None:
        """What was gathered, if anything."""
        batch = self._batch
        if not batch.payloads:
            return None
        self._batch = Batch(batch.number + 1, batch.convert, batch.records, batch.split)
        self._size = 0
        return batch


def renumbered(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The batches with the numbers 0, 1, 2, ..."""
    for number, batch in enumerate(batches):
        batch.number = number
        yield batch


def size_of(payload: Any) -> int:
    """Bytes of a payload, about: of a text, some bytes or lines, or of those in a tuple."""
    if isinstance(payload, (str, bytes, Lines)):
        return len(payload)
    return sum(map(size_of, payload)) if isinstance(payload, tuple) else 8
