"""What C does faster than numpy: sketch.c and look.c, built when newleaf is installed, where there is a C compiler."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.machinery
from pathlib import Path
from typing import Any


@functools.cache
def library() -> Any | None:
    """The functions of both; None where they could not be built."""
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        path = Path(__file__).with_name(f"_native{suffix}")
        if path.exists():
            with contextlib.suppress(OSError, AttributeError):
                found = ctypes.CDLL(str(path))
                pointer, number, byte = ctypes.c_void_p, ctypes.c_int64, ctypes.c_uint8
                found.newleaf_sketch.argtypes = [pointer, pointer, number, pointer, number, number, pointer, pointer]
                found.newleaf_sketch.restype = ctypes.c_int
                found.newleaf_look.argtypes = [pointer, pointer, number, pointer, byte, byte, pointer]
                found.newleaf_look.restype = None
                return found
    return None
