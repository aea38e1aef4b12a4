"""A first look at many texts at once: which steps may have something to do in which of them.

Most texts need no cleaning, and most of the time of cleaning would go into finding that out, step by step and text by
text. Here each character is looked up in one table. Whoever is suspected is only looked at closely.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..code_points import code_points, parts
from ..native import library
from .characters import INVISIBLE as INVISIBLE_CHARACTER
from .characters import LINE_END, composing
from .mojibake import BEGINS_MOJIBAKE
from .spaces import BLANKS, ODD_SPACE

if TYPE_CHECKING:
    import numpy

LINE_ENDS, MOJIBAKE, INVISIBLE, COMPOSED, WHITE_SPACE, OTHERS = 1, 2, 4, 8, 16, 32
ANYTHING = LINE_ENDS | MOJIBAKE | INVISIBLE | COMPOSED | WHITE_SPACE | OTHERS
_BLANK = OTHERS  # in the table, which knows nothing of the others
LONG = 1 << 20  # characters; a longer text is suspected of anything, for its arrays would take much memory


def look(texts: Sequence[str]) -> list[int]:
    """For each text a number, whose bits say which steps may change it: OTHERS always, and some of those above."""
    found: list[int] = []
    for begin, end in parts(texts):
        part = texts[begin:end]
        found += [ANYTHING] if len(part[0]) > LONG else _look(part)
    return found


def _look(texts: Sequence[str]) -> list[int]:
    import numpy as np

    codes, lengths = code_points(texts)
    if native := library():
        seen = np.empty(len(texts), np.uint8)
        places = [array.ctypes.data for array in (codes, lengths, _table(), seen)]
        native.newleaf_look(places[0], places[1], len(texts), places[2], _BLANK, WHITE_SPACE, places[3])
    else:
        seen = _look_with_numpy(codes, lengths)
    found: list[int] = (seen | np.uint8(OTHERS)).tolist()
    return found


def _look_with_numpy(codes: numpy.ndarray[Any, Any], lengths: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
    import numpy as np

    starts = np.cumsum(lengths) - lengths
    seen = _table().take(codes)
    ends = codes == 0x0A
    seen[:-1][((seen[:-1] & _BLANK) > 0) & ends[1:]] |= WHITE_SPACE  # the line end behind each text counts as one
    seen[2:][ends[:-2] & ends[1:-1] & ends[2:]] |= WHITE_SPACE
    first_and_last = np.concatenate([starts, np.maximum(starts, starts + lengths - 2)])
    seen[first_and_last[ends[first_and_last]]] |= WHITE_SPACE
    return np.bitwise_or.reduceat(seen, starts)


@functools.cache
def _table() -> numpy.ndarray[Any, Any]:
    import numpy as np

    table = np.zeros(0x110000, np.uint8)
    every = "".join(map(chr, range(0x10000)))
    for bit, suspicious in (
        (LINE_ENDS, LINE_END),
        (MOJIBAKE, BEGINS_MOJIBAKE),
        (INVISIBLE, INVISIBLE_CHARACTER),
        (WHITE_SPACE, ODD_SPACE),
    ):
        for match in suspicious.finditer(every):
            table[match.start()] |= bit
    for character in composing():
        table[ord(character)] |= COMPOSED
    table[0x10000:] = INVISIBLE | COMPOSED  # such characters are among them; the rest is rare
    table[0x3000] |= WHITE_SPACE
    for blank in BLANKS:
        table[ord(blank)] |= _BLANK
    return table
