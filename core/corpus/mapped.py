"""Arrays in files, of which only what is in use takes memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def mapped(path: Path, dtype: Any, *shape: int) -> Array:
    """The array in a file, to be read."""
    import numpy as np

    return np.memmap(path, dtype, "r", shape=shape or None) if path.stat().st_size else np.zeros(0, dtype)


SMALL = 128 << 20  # bytes


class Rows:
    """The rows of a large array in a file, read where they are asked for: of a mapped one whole pages would stay.

    A small one is read whole.
    """

    def __init__(self, path: Path, dtype: Any, width: int):
        import numpy as np

        self._file = path.open("rb")
        self._dtype, self._width = np.dtype(dtype), width
        small = path.stat().st_size <= SMALL
        self._all = np.fromfile(self._file, self._dtype).reshape(-1, width) if small else None

    def __getitem__(self, numbers: Array) -> Array:
        import numpy as np

        if self._all is not None:
            return self._all[numbers]
        different, places = np.unique(numbers, return_inverse=True)
        size, descriptor = self._dtype.itemsize * self._width, self._file.fileno()
        data = b"".join([os.pread(descriptor, size, number * size) for number in different.tolist()])
        return np.frombuffer(data, self._dtype).reshape(-1, self._width)[places]

    def close(self) -> None:
        """Read no more."""
        self._file.close()


class Table:
    """Columns of numbers in files of a folder: written row after row, read column by column.

    A column that is asked for is mapped anew each time, so what nobody holds takes no memory.
    """

    def __init__(self, folder: Path, columns: list[tuple[str, str]]):
        self.folder = folder
        self.columns = dict(columns)
        self.rows = 0
        self._files: dict[str, BinaryIO] = {}
        folder.mkdir(exist_ok=True)
        for name in self.columns:
            self._files[name] = (folder / name).open("wb")

    def add(self, rows: Array) -> None:
        """Append rows of a structured array."""
        for name, file in self._files.items():
            file.write(rows[name].tobytes())
        self.rows += len(rows)

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, name: str) -> Array:
        self._files[name].flush()
        return mapped(self.folder / name, self.columns[name])

    def close(self) -> None:
        """Write no more."""
        for file in self._files.values():
            file.close()


def parts(length: int, size: int) -> Iterator[slice]:
    """Slices of `size` that cover `length`."""
    for begin in range(0, length, size):
        yield slice(begin, min(begin + size, length))
