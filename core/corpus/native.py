"""What C does faster than Python and numpy, built when newleaf is installed, where there is a C compiler."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.machinery
from pathlib import Path
from typing import Any

_POINTER, _NUMBER, _FLAG, _BYTE = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int, ctypes.c_uint8
_TEXTS = [_POINTER, _POINTER, _POINTER, _NUMBER]  # data, starts, ends, how many
# Each function: what it takes and what it gives; its file in C says what that means.
_FUNCTIONS: dict[str, tuple[list[Any], Any]] = {
    "newleaf_json_lines": ([_POINTER, _NUMBER, _POINTER, _NUMBER, _POINTER, _POINTER, _POINTER], _NUMBER),
    "newleaf_look": ([*_TEXTS, _FLAG, _POINTER, _BYTE, _BYTE, _POINTER, _POINTER], None),
    "newleaf_pack": ([*_TEXTS, _POINTER, _POINTER], None),
    "newleaf_seen": ([_POINTER, _NUMBER, _POINTER, _POINTER, _NUMBER, ctypes.c_uint64, _POINTER], None),
    "newleaf_sketch": ([*_TEXTS, _POINTER, _NUMBER, _NUMBER, _POINTER, _POINTER], _FLAG),
}


@functools.cache
def library() -> Any | None:
    """The functions in C; None where they could not be built."""
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        path = Path(__file__).with_name(f"_native{suffix}")
        if path.exists():
            with contextlib.suppress(OSError, AttributeError):
                found = ctypes.CDLL(str(path))
                for name, (takes, gives) in _FUNCTIONS.items():
                    function = getattr(found, name)
                    function.argtypes, function.restype = takes, gives
                return found
    return None


def place(array: Any) -> int:
    """Where an array of numpy lies, for C."""
    where: int = array.ctypes.data
    return where
