"""A first look at many texts at once: which steps may have something to do in which of them.

Most texts need no cleaning, and most of the time of cleaning would go into finding that out, step by step and text by
text. Here each character is looked up in one table. Whoever is suspected is only looked at closely.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..code_points import code_points, parts
from ..native import library, place
from ..texts import Texts
from .characters import INVISIBLE as INVISIBLE_CHARACTER
from .characters import LINE_END, composing
from .mojibake import BEGINS_MOJIBAKE
from .spaces import BLANKS, ODD_SPACE

if TYPE_CHECKING:
    import numpy

LINE_ENDS, MOJIBAKE, INVISIBLE, COMPOSED, WHITE_SPACE, OTHERS = 1, 2, 4, 8, 16, 32
ANYTHING = LINE_ENDS | MOJIBAKE | INVISIBLE | COMPOSED | WHITE_SPACE | OTHERS
VISIBLE, HALF = 64, 128  # a text is not blank; half of a pair of surrogates is in it
_BLANK = OTHERS  # in the table, which knows nothing of the others
LONG = 1 << 20  # characters; a longer text is suspected of anything, for its arrays would take much memory
_SPACE = re.compile(r"\s")


def look(texts: Sequence[str]) -> list[int]:
    """For each text a number, whose bits say which steps may change it: OTHERS always, and some of those above."""
    seen, _characters = look_at(Texts.of(texts))
    found: list[int] = (seen & ANYTHING).tolist()
    return found


def look_at(texts: Texts, strip: bool = False) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]:
    """What `look` finds, with VISIBLE and HALF besides, as an array of uint8, and the characters of each text.

    With `strip` the line ends at both ends of the texts are taken off first, in `texts` itself.
    """
    import numpy as np

    seen, characters = np.zeros(len(texts), np.uint8), np.zeros(len(texts), np.int64)
    if native := library():
        if strip:
            texts.starts, texts.ends = texts.starts.copy(), texts.ends.copy()
        native.newleaf_look(
            *texts.places(), strip, place(_table()), _BLANK, WHITE_SPACE, place(seen), place(characters)
        )
    else:
        _look_without_c(texts, strip, seen, characters)
    seen |= np.uint8(OTHERS)
    seen[characters > LONG] |= np.uint8(ANYTHING)
    return seen, characters


def _look_without_c(
    texts: Texts, strip: bool, seen: numpy.ndarray[Any, Any], characters: numpy.ndarray[Any, Any]
) -> None:
    strings = list(texts)
    if strip:
        strings = [text.strip("\n") for text in strings]
        stripped = Texts.of(strings)
        texts.data, texts.starts, texts.ends = stripped.data, stripped.starts, stripped.ends
    for begin, end in parts(strings):
        part = strings[begin:end]
        characters[begin:end] = list(map(len, part))
        if len(part[0]) > LONG:
            seen[begin] = (0 if part[0].isspace() else VISIBLE) | HALF  # which is to be looked for
        else:
            seen[begin:end] = _look_with_numpy(*code_points(part))


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

    table = np.full(0x110000, VISIBLE, np.uint8)
    every = "".join(map(chr, range(0x10000)))
    for bit, suspicious in (
        (LINE_ENDS, LINE_END),
        (MOJIBAKE, BEGINS_MOJIBAKE),
        (INVISIBLE, INVISIBLE_CHARACTER),
        (WHITE_SPACE, ODD_SPACE),
    ):
        for match in suspicious.finditer(every):
            table[match.start()] |= bit
    for match in _SPACE.finditer(every):
        table[match.start()] ^= VISIBLE
    table[0xD800:0xE000] |= HALF
    for character in composing():
        table[ord(character)] |= COMPOSED
    table[0x10000:] = INVISIBLE | COMPOSED | VISIBLE  # such characters are among them; the rest is rare
    table[0x3000] |= WHITE_SPACE
    for blank in BLANKS:
        table[ord(blank)] |= _BLANK
    return table
