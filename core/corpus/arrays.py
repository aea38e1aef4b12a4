"""Arrays of Arrow from what lies in memory: `pyarrow.array` takes half a second to import pandas where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def text_array(encoded: Sequence[bytes]) -> Any:
    """A large_string array of texts that are UTF-8."""
    import numpy as np
    import pyarrow

    ends = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=ends[1:])
    return pyarrow.LargeStringArray.from_buffers(
        len(encoded), pyarrow.py_buffer(ends), pyarrow.py_buffer(b"".join(encoded))
    )


def number_array(numbers: np.ndarray[Any, Any]) -> Any:
    """An array of the same numbers."""
    import numpy as np
    import pyarrow

    kind = pyarrow.from_numpy_dtype(numbers.dtype)
    return pyarrow.Array.from_buffers(kind, len(numbers), [None, pyarrow.py_buffer(np.ascontiguousarray(numbers))])


def mask_array(mask: np.ndarray[Any, Any]) -> Any:
    """A Boolean array."""
    import numpy as np
    import pyarrow

    packed = pyarrow.py_buffer(np.packbits(mask, bitorder="little"))
    return pyarrow.Array.from_buffers(pyarrow.bool_(), len(mask), [None, packed])
