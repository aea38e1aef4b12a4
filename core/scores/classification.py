"""Labels: how often the right one is given, how good each is, which are taken for which, and how sure to be of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .bootstrap import Indices

BINS = 15  # of confidence
LOWEST, HIGHEST = 0.05, 20.0  # temperature
CONFUSIONS = 20
_TINY = -1e4  # the logarithm of a probability that is 0

Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Labelled:
    """The right labels of some records and those that were given, as numbers of names."""

    names: list[str]  # the right ones first
    labels: int  # how many of them are right somewhere
    right: Indices
    given: Indices

    @classmethod
    def of(cls, right: Sequence[str], given: Sequence[str]) -> Labelled:
        """From the labels of each record."""
        assert len(right) == len(given)
        proper = sorted(set(right))
        names = [*proper, *sorted(set(given) - set(proper))]
        numbers = {name: number for number, name in enumerate(names)}
        return cls(
            names,
            len(proper),
            np.array([numbers[label] for label in right], np.int64),
            np.array([numbers[label] for label in given], np.int64),
        )

    def accuracy(self, chosen: Indices | None = None) -> float:
        """The share of records, or of those chosen, with the right label."""
        right, given = self._chosen(chosen)
        return float((right == given).mean())

    def macro_f1(self, chosen: Indices | None = None) -> float:
        """The mean of the labels' F1, each counting alike however rare it is.

        Labels that are right nowhere have none: who makes one up has missed the right one, and pays once.
        """
        right, given = self._chosen(chosen)
        hits, expected, answered = self._counts(right, given)
        occurs = expected > 0
        return float((2 * hits[occurs] / (expected[occurs] + answered[occurs])).mean())

    def table(self) -> list[dict[str, Any]]:
        """For each label that is right somewhere: precision, recall, F1, and how many records it has; most first."""
        hits, expected, answered = self._counts(self.right, self.given)
        rows = [
            {
                "label": self.names[number],
                "precision": float(hits[number] / max(1, answered[number])),
                "recall": float(hits[number] / expected[number]),
                "f1": float(2 * hits[number] / (expected[number] + answered[number])),
                "records": int(expected[number]),
            }
            for number in range(self.labels)
        ]
        return sorted(rows, key=lambda row: -int(row["records"]))

    def confusions(self, most: int = CONFUSIONS) -> list[dict[str, Any]]:
        """Which label was given for which other one, and how often; the commonest first."""
        wrong = self.right != self.given
        pairs = Counter(zip(self.right[wrong].tolist(), self.given[wrong].tolist(), strict=True))
        ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:most]
        return [
            {"right": self.names[right], "given": self.names[given], "records": count}
            for (right, given), count in ordered
        ]

    def _chosen(self, chosen: Indices | None) -> tuple[Indices, Indices]:
        return (self.right, self.given) if chosen is None else (self.right[chosen], self.given[chosen])

    def _counts(self, right: Indices, given: Indices) -> tuple[Indices, Indices, Indices]:
        """For each label how often it is right and given, right, given."""
        size = len(self.names)
        hits, expected, answered = (np.bincount(each, minlength=size) for each in (right[right == given], right, given))
        return hits, expected, answered


def calibration_error(confidences: Numbers, correct: Numbers, bins: int = BINS) -> float:
    """How far confidence is from the share of right answers, on average (Guo et al. 2017, arXiv:1706.04599).

    The records are put into bins of equal width by the probability of the label that they were given.
    """
    places = np.clip(np.ceil(confidences * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(places, weights=confidences - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidences))


def temperature(logprobs: Numbers, labels: Sequence[int]) -> float:
    """What to divide log-probabilities (records, labels) by so that they are most likely (same paper).

    The negative log-likelihood is convex in the inverse of the temperature, so its minimum is where the slope changes
    its sign: found by halving. Where it has none, as when all answers are right, the nearest bound is the result; where
    all labels are equally likely, it is 1.
    """
    if not len(labels):
        return 1.0
    scores = np.maximum(np.asarray(logprobs, np.float64), _TINY)
    right = np.take_along_axis(scores, np.asarray(labels, np.int64)[:, None], axis=1).mean()

    def slope(inverse: float) -> float:
        scaled = inverse * scores
        weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return float(((weights * scores).sum(axis=1) / weights.sum(axis=1)).mean() - right)

    low, high = 1 / HIGHEST, 1 / LOWEST
    if np.ptp(scores, axis=1).max() < 1e-9:
        return 1.0
    if slope(high) <= 0:
        return LOWEST
    if slope(low) >= 0:
        return HIGHEST
    for _step in range(50):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return float((low * high) ** -0.5)
