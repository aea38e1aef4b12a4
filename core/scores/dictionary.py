"""A dictionary learnt from translated texts, which translates word by word: what a model of language has to beat.

IBM Model 1 (Brown et al. 1993, "The mathematics of statistical machine translation"): each word of a translation comes
from one word of the source, wherever that stands, or from none. Which word gives which, and how often, is what makes
the pairs likeliest, found by expectation and maximisation.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .segments import Segments
from .tokens import UNSPACED, joined

ITERATIONS = 5
MOST_PAIRS = 100_000  # that are learnt from, and the first words of each
MOST_WORDS = 60
MOST_MEETINGS = 10_000_000  # of a word of the source with one of the translation: 0.7 GB of memory
_NONE = ""  # the source of words that come from none
_LETTER = f"[^\\W\\d_{UNSPACED}]"
# What is not translated: directives of printf and others, variables, addresses, and what has a digit.
_KEPT = (
    r"%(?:\d+\$)?[-+#0]?\d*(?:\.\d+)?(?:hh?|ll?|z)?[a-zA-Z]\b|%\(\w+\)[a-z]|\{\w*\}|\$\{?\w+\}?|"
    f"[A-Za-z]+://[^\\s{UNSPACED}]+|(?:{_LETTER}|_)*\\d[^\\W{UNSPACED}]*(?:[.,]\\d+)*"
)
_UNIT = re.compile(f"(?P<kept>{_KEPT})|(?P<run>[{UNSPACED}]+)|{_LETTER}+(?:['’-]{_LETTER}+)*|\\S")

Numbers = np.ndarray[Any, np.dtype[Any]]


class Dictionary:
    """For each word the likeliest one of another language."""

    def __init__(self, entries: dict[str, str], segments: Segments):
        self.entries = entries
        self._segments = segments

    @classmethod
    def learn(cls, pairs: Iterable[tuple[str, str]], iterations: int = ITERATIONS) -> Dictionary:
        """From texts and their translations."""
        some = list(itertools.islice(pairs, MOST_PAIRS))
        sources, targets = (Segments.learn(_runs(pair[side] for pair in some)) for side in (0, 1))
        units = [
            (
                [_NONE, *(unit.lower() for unit, kept in _units(source, sources) if not kept)][: MOST_WORDS + 1],
                [unit for unit, kept in _units(target, targets) if not kept][:MOST_WORDS],
            )
            for source, target in some
        ]
        sizes = itertools.accumulate(len(source) * len(target) for source, target in units)
        enough = sum(size <= MOST_MEETINGS for size in sizes)
        return cls(_likeliest(units[:enough], iterations), sources)

    def translate(self, text: str) -> str:
        """Each word replaced; what is unknown, names and numbers, is copied."""
        found = (unit if kept else self.entries.get(unit.lower(), unit) for unit, kept in _units(text, self._segments))
        return joined([unit for unit in found if unit])


def _units(text: str, segments: Segments) -> Iterator[tuple[str, bool]]:
    """The words of a text and its other signs, and whether each is never translated."""
    for match in _UNIT.finditer(text):
        if match["run"]:
            for segment in segments.cut(match[0]):
                yield segment, False
        else:
            yield match[0], match["kept"] is not None


def _runs(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for match in _UNIT.finditer(text):
            if match["run"]:
                yield match[0]


def _likeliest(pairs: Sequence[tuple[list[str], list[str]]], iterations: int) -> dict[str, str]:
    """For each source word the target word that it most probably gives."""
    sources, targets = _Numbers(), _Numbers()
    numbered = [(sources.of(source), targets.of(target)) for source, target in pairs]
    if not targets:
        return {}
    # One entry for each source word and each target word of a pair: (entries,).
    meetings = np.concatenate([(one[None, :] * len(targets) + two[:, None]).ravel() for one, two in numbered])
    widths = np.concatenate([np.full(len(two), len(one)) for one, two in numbered])
    places = np.repeat(np.arange(len(widths)), widths)  # the target word in the texts that an entry is about
    kinds, entries = np.unique(meetings, return_inverse=True)
    source_of, target_of = np.divmod(kinds, len(targets))
    probabilities = np.full(len(kinds), 1 / len(targets))
    for _iteration in range(iterations):
        weights = probabilities[entries]
        weights /= np.bincount(places, weights)[places]
        counts = np.bincount(entries, weights)
        probabilities = counts / np.bincount(source_of, counts)[source_of]
    best = np.lexsort((target_of, -probabilities, source_of))
    firsts = best[np.unique(source_of[best], return_index=True)[1]]
    from_number, to_number = list(sources), list(targets)
    return {from_number[source_of[place]]: to_number[target_of[place]] for place in firsts if source_of[place]}


class _Numbers(dict[str, int]):
    """Words and their numbers, in the order of their first appearance."""

    def of(self, words: Sequence[str]) -> Numbers:
        return np.array([self.setdefault(word, len(self)) for word in words], np.int64)
