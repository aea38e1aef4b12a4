"""Sketches of texts: a few numbers a text, of which two texts share as many as they share of their 5-grams."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .code_points import code_points, parts
from .native import library, place
from .texts import Texts

if TYPE_CHECKING:
    import numpy

GRAM = 5  # characters
BANDS = 20  # groups of numbers; texts that share all numbers of one of them are compared
ROWS = 7  # numbers in a band
SIZE = BANDS * ROWS  # numbers in a sketch
SPREADING = 16  # rounds in which the grams are spread over the bins, before what is still empty is filled from all
LONG = 1 << 20  # characters; the grams of a longer text are gathered piece by piece, for an array of all takes memory

_EMPTY = 0xFFFFFFFF
_BASE = 0x9E3779B97F4A7C15  # any odd numbers of 64 bits that look random
_MIXERS = (0xD6E8FEB86659FD93, 0xA0761D6478BD642F)
_WORD = (1 << 64) - 1
_LOOKED_AT = 64  # characters at once, of which most need no change
_BLANK = frozenset(("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Zs", "Zl", "Zp", "Cc", "Cf"))  # spaces and punctuation


def sketch(texts: Sequence[str] | Texts) -> numpy.ndarray[Any, Any]:
    """The sketches of `texts`: an array (len(texts), SIZE) of uint32, the same in every process and on every machine.

    A text is the set of its 5-grams of characters, which works for every language, in lower case, with one space for
    each run of white space and punctuation and one at its end. A text that is shorter is one gram as a whole; one of
    nothing but punctuation is like its exact copies only. The share of places in which two sketches are equal is an
    unbiased estimate of the Jaccard similarity J of the two sets, whatever their lengths, with a standard error of
    sqrt(J (1 - J) / SIZE) at most.

    It is the Fast Similarity Sketching of Dahlgaard, Knudsen and Thorup (2017, arXiv:1704.04370): in each round every
    gram falls into one bin, and a bin keeps the least hash of the first round that reached it. The paper's last rounds,
    in which one bin after another takes the least of all grams, begin here after SPREADING rounds, not after SIZE: a
    bin still draws from the set by the same lot for every text, and short texts are done sooner.
    """
    import numpy as np

    sketches = np.zeros((len(texts), SIZE), np.uint32)
    texts = texts if isinstance(texts, Texts) else Texts.of(texts)
    rest = np.arange(len(texts))
    if native := library():
        sizes = texts.ends - texts.starts
        done = sizes <= LONG
        for number in np.flatnonzero(~done & (sizes <= 4 * LONG)).tolist():
            done[number] = len(texts[number]) <= LONG
        rest = np.concatenate([np.flatnonzero(~done), _sketch_natively(native, texts, np.flatnonzero(done), sketches)])
    strings = [texts[number] for number in rest.tolist()]
    for begin, end in parts(strings):
        sketches[rest[begin:end]] = _sketch(strings[begin:end])
    return sketches


def _sketch_natively(native: Any, texts: Texts, numbers: Any, sketches: numpy.ndarray[Any, Any]) -> Any:
    """Make the sketches of these texts; the numbers of those without a letter, which need one still."""
    import numpy as np

    some = texts.where(numbers)
    made, done = np.zeros((len(numbers), SIZE), np.uint32), np.zeros(len(numbers), np.uint8)
    places = [place(array) for array in (_normal(), made, done)]
    if native.newleaf_sketch(*some.places(), places[0], SIZE, SPREADING, *places[1:]):
        raise MemoryError
    sketches[numbers] = made
    return numbers[done == 0]


def _sketch(texts: Sequence[str]) -> numpy.ndarray[Any, Any]:
    import numpy as np

    grams, counts = _grams(texts) if len(texts) > 1 or len(texts[0]) <= LONG else _grams_of_long(texts[0])
    bins = np.full((len(texts), SIZE), _EMPTY, np.uint32)
    rows = np.arange(len(texts))  # of the texts that have an empty bin
    for number in range(SPREADING):
        hashes = _mixed(grams, number)
        places = ((hashes >> np.uint64(32)) * np.uint64(SIZE) >> np.uint64(32)).view(np.int64)
        places += np.repeat(np.arange(0, len(rows) * SIZE, SIZE), counts)
        least = np.full(len(rows) * SIZE, _EMPTY, np.uint32)
        np.minimum.at(least, places, _values(hashes))
        before = bins[rows]
        after = np.where(before == _EMPTY, least.reshape(-1, SIZE), before)
        bins[rows] = after
        unfinished = (after == _EMPTY).any(axis=1)
        if not unfinished.any():
            return bins
        if not unfinished.all():
            grams, counts, rows = grams[np.repeat(unfinished, counts)], counts[unfinished], rows[unfinished]
    for bin_ in range(SIZE):
        empty = bins[rows, bin_] == _EMPTY
        if empty.any():
            values = _values(_mixed(grams[np.repeat(empty, counts)], SPREADING + bin_))
            lengths = counts[empty]
            bins[rows[empty], bin_] = np.minimum.reduceat(values, np.cumsum(lengths) - lengths)
    return bins


def _mixed(grams: numpy.ndarray[Any, Any], number: int) -> numpy.ndarray[Any, Any]:
    """Other hashes of the grams for every number, as good as drawn anew."""
    import numpy as np

    hashes = grams + np.uint64((number + 1) * _BASE & _WORD)
    for mixer in _MIXERS:
        hashes ^= hashes >> np.uint64(32)
        hashes *= np.uint64(mixer)
    hashes ^= hashes >> np.uint64(32)
    return hashes


def _values(hashes: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
    """31 bits of hashes, so that none of them is _EMPTY."""
    import numpy as np

    return hashes.astype(np.uint32) >> np.uint32(1)


def _grams(texts: Sequence[str]) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]:
    """The hashes of the grams of all texts, uint64, and how many of them are each text's: at least one."""
    import hashlib

    import numpy as np

    raw, lengths = code_points(texts)
    codes = _normal().take(raw)
    letters = codes != 0x20
    keep = letters.copy()
    keep[1:] |= letters[:-1]  # the first space of a run
    lengths = np.add.reduceat(keep, np.cumsum(lengths) - lengths, dtype=np.int64)
    starts = np.cumsum(lengths) - lengths

    codes = np.concatenate([codes[keep], np.zeros(GRAM, np.uint32)]).astype(np.uint64)
    windows = _polynomial([codes[place : len(codes) - GRAM + 1 + place] for place in range(GRAM)])
    counts = np.maximum(lengths - (GRAM - 1), 1)
    firsts = np.cumsum(counts) - counts
    grams = windows.take(np.arange(counts.sum()) + np.repeat(starts - firsts, counts))

    short = np.flatnonzero(lengths < GRAM)
    if len(short):
        places = range(GRAM)
        grams[firsts[short]] = _polynomial(
            [codes[starts[short] + place] * (place < lengths[short]).astype(np.uint64) for place in places]
        )
        for number in np.flatnonzero(lengths == 0).tolist():
            digest = hashlib.blake2b(texts[number].encode("utf-8", "surrogatepass"), digest_size=8).digest()
            grams[firsts[number]] = int.from_bytes(digest, "little")
    return grams, counts


def _grams_of_long(text: str) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]:
    """As `_grams`, for one text, each gram once. A few at the limits of pieces differ: no matter among so many."""
    import numpy as np

    grams = np.empty(0, np.uint64)
    for begin in range(0, len(text), LONG):
        grams = np.union1d(grams, _grams([text[begin : begin + LONG + GRAM - 1]])[0])
    return grams, np.array([len(grams)])


def _polynomial(columns: Sequence[numpy.ndarray[Any, Any]]) -> numpy.ndarray[Any, Any]:
    import numpy as np

    hashes = columns[0].copy()
    for column in columns[1:]:
        hashes *= np.uint64(_BASE)
        hashes += column
    return hashes


@functools.cache
def _normal() -> numpy.ndarray[Any, Any]:
    """What is compared in place of each code point: its small letter, or a space for a space or punctuation.

    Wide and narrow forms (Unicode NFKC) are the same. Beyond U+1FFFF everything stays as it is.
    """
    import numpy as np

    table = np.arange(0x110000, dtype=np.uint32)
    every = "".join(map(chr, range(0x20000)))
    for begin in range(0, len(every), _LOOKED_AT):
        some = every[begin : begin + _LOOKED_AT]
        if unicodedata.is_normalized("NFKC", some) and some.lower() == some:
            continue  # and so it is with each of them
        for code, character in enumerate(some, begin):
            folded = unicodedata.normalize("NFKC", character).lower()
            if len(folded) == 1:
                table[code] = ord(folded)
    categories = map(unicodedata.category, every)
    table[[code for code, category in enumerate(categories) if category in _BLANK]] = 0x20
    return table
