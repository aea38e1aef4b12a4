"""How sure a score is: between which values it lies for other records of the same kind (Efron 1979)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

RESAMPLES = 1_000
CONFIDENCE = 0.95

Indices = np.ndarray[Any, np.dtype[np.int64]]
Statistic = Callable[[Indices], float]


def interval(
    statistic: Statistic, records: int, resamples: int = RESAMPLES, confidence: float = CONFIDENCE, seed: int = 1
) -> tuple[float, float]:
    """The percentile interval of a statistic, which is a function of the numbers of the records that it is of.

    It holds the statistic of all records too, even where resampling moves it to one side, as it does with a calibration
    error: the fewer different records there are in a bin, the larger that gets.
    """
    generator = np.random.default_rng(seed)
    whole = statistic(np.arange(records))
    found = [statistic(generator.integers(0, records, records)) for _number in range(resamples)]
    low, high = np.quantile([*found, whole], [(1 - confidence) / 2, (1 + confidence) / 2])
    return min(float(low), whole), max(float(high), whole)


def mean_interval(
    values: Sequence[float], resamples: int = RESAMPLES, confidence: float = CONFIDENCE, seed: int = 1
) -> tuple[float, float]:
    """The percentile interval of the mean of the records' values."""
    return interval(mean_of(values), len(values), resamples, confidence, seed)


def mean_of(values: Sequence[float]) -> Statistic:
    """The mean as a statistic."""
    numbers = np.asarray(values, dtype=np.float64)
    return lambda chosen: float(numbers[chosen].mean())
