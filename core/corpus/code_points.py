"""Many texts as one array of code points, for what numpy or C does with all of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy

TOGETHER = 1 << 16  # characters worked on at once: their arrays stay in the processor's cache


def code_points(texts: Sequence[str]) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]:
    """The code points of all texts, a line end behind each, and how many are each text's, that included."""
    import numpy as np

    codes = np.frombuffer("\n".join([*texts, ""]).encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))
    return codes, np.fromiter(map(len, texts), np.int64, len(texts)) + 1


def parts(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where the parts of some TOGETHER characters begin and end; a longer text is one by itself."""
    begin = characters = 0
    for number, text in enumerate(texts):
        if number > begin and characters + len(text) > TOGETHER:
            yield begin, number
            begin, characters = number, 0
        characters += len(text) + 1
    if begin < len(texts):
        yield begin, len(texts)
