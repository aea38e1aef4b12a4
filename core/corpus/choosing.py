"""Which documents a corpus keeps, and which of them are held out, from the numbers of all of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Documents = np.ndarray[Any, Any]  # of preparing.DOCUMENT
    Numbers = np.ndarray[Any, np.dtype[np.int64]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]

PART = 1 << 22  # documents whose hashes are sorted at once
LEAST_GIANT = 2  # a group of more is perhaps a kind of text, and not a text and its copies
TRAIN, VAL = 1, 2


@dataclass
class Choice:
    """For each document, in order: whether it is kept, and its split."""

    kept: Flags
    splits: np.ndarray[Any, np.dtype[np.uint8]]
    duplicates: int  # dropped
    near_duplicates: int  # dropped, or kept in one split with what they resemble
    pairs: list[tuple[int, int]]  # the first near duplicates, each with the document that it resembles
    dropped_near: bool = False  # whether near duplicates are dropped
    alike: bool = False  # whether the held-out documents resemble those that are trained on


def choose(documents: Documents, first_of_group: Numbers | None, options: Any, names: list[str]) -> Choice:
    """Drop duplicates, and hold out a share of what is left.

    `first_of_group` has for each document the number of the first one that it is a near duplicate of. Documents that
    have a split keep it. Of the others the SHA-256 of the text decides, or that of the source's name: as a number, it
    is in the lowest share. A group of near duplicates follows one of its documents, so that none is on both sides; but
    a group larger than the share that is held out is trained on, unless most documents are in such groups. When no
    document would be held out, the one with the lowest number is, and when all would be, the one with the highest is
    not.
    """
    import numpy as np

    fixed = documents["split"]
    kept = np.ones(len(documents), bool)
    if options.is_on("duplicates"):
        kept = first_of_equals(documents) | (fixed > 0)
    duplicates = int(len(kept) - kept.sum())
    groups = np.arange(len(documents)) if first_of_group is None else first_of_group
    near = np.flatnonzero(kept & (groups != np.arange(len(documents))) & (fixed == 0))
    if options.is_on("near_duplicates"):
        kept[near] = False
    splits, alike = _split(documents, kept, groups, options, names)
    pairs = [(int(number), int(groups[number])) for number in near[:5]]
    return Choice(kept, splits, duplicates, len(near), pairs, options.is_on("near_duplicates"), alike)


def first_of_equals(documents: Documents) -> Flags:
    """For each document whether no earlier one has the same text; sorted in parts, as there may be very many."""
    import numpy as np

    first = np.zeros(len(documents), bool)
    parts = -(-len(documents) // PART)
    for part in range(parts):
        numbers = np.flatnonzero(documents["high"] % np.uint64(parts) == part) if parts > 1 else np.arange(PART)
        numbers = numbers[numbers < len(documents)]
        high, low = documents["high"][numbers], documents["low"][numbers]
        order = np.lexsort((numbers, low, high))
        different = np.ones(len(order), bool)
        different[1:] = (np.diff(high[order]) != 0) | (np.diff(low[order]) != 0)
        first[numbers[order[different]]] = True
    return first


def _split(
    documents: Documents, kept: Flags, groups: Numbers, options: Any, names: list[str]
) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], bool]:
    import numpy as np

    if options.held_out_by == "source":
        hashes = np.array([_number(name) for name in names], np.uint64)
        numbers = hashes[documents["source"]]
    else:
        numbers = documents["high"]
    fixed = documents["split"]
    free = kept & (fixed == 0)
    size = int(kept.sum())
    leaders = _leaders(documents, kept, groups)
    giant = np.bincount(groups[kept], minlength=len(documents))[groups] > max(LEAST_GIANT, options.held_out * size)
    alike = bool(giant[free].sum() > free.sum() / 2 and not (fixed[kept] == VAL).any())
    if alike:  # a corpus of one kind of text: there is hardly anything else to hold out
        leaders, giant = np.arange(len(documents)), np.zeros(len(documents), bool)
    val = (numbers < np.uint64(int(options.held_out * 2**64))) & ~giant
    val = np.where(fixed > 0, fixed == VAL, val)
    val = np.where(fixed > 0, val, val[leaders])
    if free.any() and size > 1:
        val = _both_kinds(val, numbers, leaders, free, kept, giant)
    return np.where(val, VAL, TRAIN).astype(np.uint8), alike


def _leaders(documents: Documents, kept: Flags, groups: Numbers) -> Numbers:
    """For each document the one of its group that it follows: one that has a split, else the same in any order."""
    import numpy as np

    members = np.flatnonzero(kept)
    order = members[np.lexsort((documents["low"][members], documents["split"][members] == 0, groups[members]))]
    first = np.ones(len(order), bool)
    first[1:] = np.diff(groups[order]) != 0
    leaders = np.arange(len(documents))
    leaders[members] = order[first][np.searchsorted(groups[order[first]], groups[members])]
    return leaders


def _both_kinds(val: Flags, numbers: Any, leaders: Numbers, free: Flags, kept: Flags, giant: Flags) -> Flags:
    import numpy as np

    candidates = np.flatnonzero(free & ~giant)
    if not val[kept].any() and len(candidates):
        leader = leaders[candidates[np.argmin(numbers[leaders[candidates]])]]
        return val | (free & (leaders == leader))
    if val[kept].all():
        candidates = np.flatnonzero(free)
        leader = leaders[candidates[np.argmax(numbers[leaders[candidates]])]]
        return val & ~(free & (leaders == leader))
    return val


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big")
