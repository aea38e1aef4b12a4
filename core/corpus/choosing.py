"""Which documents a corpus keeps, and which of them are held out, from the numbers of all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .mapped import parts

if TYPE_CHECKING:
    import numpy as np

    from .mapped import Table

    Numbers = np.ndarray[Any, np.dtype[np.int64]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]

PART = 1 << 22  # documents whose numbers are worked on at once
PAIRS = 5  # near duplicates that the report shows
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


def choose(documents: Table, grouped: Callable[[Flags], Numbers], options: Any, names: list[str]) -> Choice:
    """Drop duplicates, and hold out a share of what is left.

    `grouped` is told which documents do not matter, and gives for each other one the number of the first document that
    it is a near duplicate of. Documents that have a split keep it. Of the others the SHA-256 of the text decides, or
    that of the source's name: as a number, it is in the lowest share. A group of near duplicates follows one of its
    documents, so that none is on both sides; but a group larger than the share that is held out is trained on, unless
    most documents are in such groups, and so is a document that is most of the text. When no document would be held
    out, the one with the lowest number is, and when all would be, the one with the highest is not.
    """
    import numpy as np

    fixed = documents["split"]
    kept = np.ones(len(documents), bool)
    if options.is_on("duplicates"):
        kept = first_of_equals(documents) | (fixed > 0)
    duplicates = int(len(kept) - kept.sum())
    groups = grouped(~kept)
    near = _resembling(kept, groups, fixed)
    pairs = [(int(number), int(groups[number])) for number in near[:PAIRS]]
    if options.is_on("near_duplicates"):
        kept[near] = False
    number_of_near = len(near)
    del near
    splits, alike = _split(documents, kept, groups, options, names)
    return Choice(kept, splits, duplicates, number_of_near, pairs, options.is_on("near_duplicates"), alike)


def _resembling(kept: Flags, groups: Numbers, fixed: Any) -> Numbers:
    """The documents that are near duplicates of an earlier one."""
    import numpy as np

    found = [
        np.flatnonzero(kept[part] & (groups[part] != np.arange(part.start, part.stop)) & (fixed[part] == 0))
        + part.start
        for part in parts(len(kept), PART)
    ]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def first_of_equals(documents: Table) -> Flags:
    """For each document whether no earlier one has the same text; sorted in parts, as there may be very many."""
    import numpy as np

    first = np.zeros(len(documents), bool)
    number_of_parts = -(-len(documents) // PART)
    all_high, all_low = documents["high"], documents["low"]
    for number in range(number_of_parts):
        numbers = np.concatenate(
            [
                np.flatnonzero(all_high[part] % np.uint64(number_of_parts) == number) + part.start
                for part in parts(len(documents), PART)
            ]
        )
        high, low = all_high[numbers], all_low[numbers]
        order = np.lexsort((numbers, low, high))
        different = np.ones(len(order), bool)
        different[1:] = (np.diff(high[order]) != 0) | (np.diff(low[order]) != 0)
        first[numbers[order[different]]] = True
    return first


def _split(
    documents: Table, kept: Flags, groups: Numbers, options: Any, names: list[str]
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
    sizes = np.bincount(groups[kept], minlength=len(documents)).astype(np.uint32)
    giant = (sizes > max(LEAST_GIANT, options.held_out * size))[groups]
    several = kept & (sizes > 1)[groups]
    one_group = bool(size > 1 and sizes.max() == size)
    del sizes
    alike = bool((giant & free).sum() > free.sum() / 2 or one_group) and not (kept & (fixed == VAL)).any()
    val = numbers < np.uint64(int(options.held_out * 2**64))
    if alike:  # a corpus of one kind of text: there is hardly anything else to hold out
        giant[:] = several[:] = False
    giant |= documents["bytes"] > documents["bytes"][kept].sum() / 2
    val = np.where(fixed > 0, fixed == VAL, val & ~giant)
    members, leaders = _leaders(documents, several, groups)
    val[members] = np.where(fixed[members] > 0, val[members], val[leaders])
    if free.any() and size > 1:
        _have_both_kinds(val, numbers, groups, free, kept, giant, alike)
    return np.where(val, VAL, TRAIN).astype(np.uint8), alike


def _leaders(documents: Table, several: Flags, groups: Numbers) -> tuple[Numbers, Numbers]:
    """Documents of groups of several, and the one of its group that each follows.

    That is one that has a split already, else the same one in whatever order the documents come.
    """
    import numpy as np

    members = np.flatnonzero(several)
    its_group = groups[members]
    order = np.lexsort((documents["low"][members], documents["split"][members] == 0, its_group))
    members, its_group = members[order], its_group[order]
    first = np.ones(len(members), bool)
    first[1:] = np.diff(its_group) != 0
    return members, members[np.maximum.accumulate(np.where(first, np.arange(len(members)), 0))]


def _have_both_kinds(
    val: Flags, numbers: Any, groups: Numbers, free: Flags, kept: Flags, giant: Flags, alike: bool
) -> None:
    """Move one group, or one document where all are alike, to the side that has none."""
    import numpy as np

    if not val[kept].any():
        candidates, best, side = np.flatnonzero(free & ~giant), np.argmin, True
    elif val[kept].all():
        candidates, best, side = np.flatnonzero(free), np.argmax, False
    else:
        return
    if len(candidates):
        chosen = candidates[best(numbers[candidates])]
        val[chosen if alike else free & (groups == groups[chosen])] = side


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big")
