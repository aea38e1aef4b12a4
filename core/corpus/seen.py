"""Which texts an import has had already, as far as its processes remember: for these less has to be done."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .native import library, place

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

PLACES = 1 << 20  # texts that are remembered, at most; a new one takes the place of another


class SeenTexts:
    """A table in a file, which all processes of a pool share.

    What it says is true for as long as no batch that it knows of is done anew: a new pool has a new table.
    """

    def __init__(self, path: Path):
        import numpy as np

        with path.open("r+b") as file:
            self._table = np.frombuffer(mmap.mmap(file.fileno(), 0), np.uint64)

    @staticmethod
    def make(path: Path) -> None:
        """An empty table."""
        with path.open("wb") as file:
            file.truncate(PLACES * 32)

    def before(self, high: Array, low: Array, batch: int) -> Array:
        """For each digest of a batch whether it is known to be in an earlier one, or before it in this one."""
        import numpy as np

        before = np.zeros(len(high), np.uint8)
        if native := library():
            native.newleaf_seen(place(self._table), PLACES, place(high), place(low), len(high), batch, place(before))
        return before > 0
