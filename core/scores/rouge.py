"""ROUGE: how much of a reference summary's wording a summary has (Lin 2004, "ROUGE: a package for automatic evaluation
of summaries"). F-measures, without stemming.

The usual implementation sees nothing but a-z and 0-9. This one gives the same figures for English, and has words of all
scripts: accented letters belong to a word, and a Chinese character is one.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

from .tokens import letters_and_digits

NAMES = ("rouge_1", "rouge_2", "rouge_l")


def rouge(summary: str, reference: str) -> dict[str, float]:
    """ROUGE-1 and ROUGE-2, of single words and of pairs, and ROUGE-L, of the longest common subsequence."""
    ours, theirs = letters_and_digits(summary), letters_and_digits(reference)
    pairs = [list(itertools.pairwise(words)) for words in (ours, theirs)]
    return {
        "rouge_1": _f_measure((Counter(ours) & Counter(theirs)).total(), len(ours), len(theirs)),
        "rouge_2": _f_measure((Counter(pairs[0]) & Counter(pairs[1])).total(), len(pairs[0]), len(pairs[1])),
        "rouge_l": _f_measure(longest_common(ours, theirs), len(ours), len(theirs)),
    }


def _f_measure(common: int, ours: int, theirs: int) -> float:
    return 2 * common / (ours + theirs) if common else 0.0


def longest_common(one: Sequence[str], two: Sequence[str]) -> int:
    """The length of the longest common subsequence.

    A row of the usual table is a number here, with a bit for each word of `one` (Hyyrö 2004, "Bit-parallel LCS-length
    computation revisited"), so that texts of thousands of words take milliseconds.
    """
    places: dict[str, int] = {}
    for number, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << number
    full = (1 << len(one)) - 1
    row = full
    for word in two:
        same = row & places.get(word, 0)
        row = (row + same | row - same) & full
    return len(one) - row.bit_count()
