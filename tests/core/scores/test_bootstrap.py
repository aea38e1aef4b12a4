"""Intervals: as wide as they should be, the same for the same seed, and quick."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newleaf.core.scores.bootstrap import interval, mean_interval


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(2).normal(5, 2, 2000)
    low, high = mean_interval(values)
    error = 1.96 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - error, abs=0.02)
    assert high == pytest.approx(values.mean() + error, abs=0.02)
    narrow = mean_interval(values, confidence=0.5)
    assert low < narrow[0] < values.mean() < narrow[1] < high


def test_a_seed_gives_an_interval():
    values = [0.0, 1.0, 1.0, 0.5] * 20
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3)
    assert mean_interval(values, seed=3) != mean_interval(values, seed=4)


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_an_interval_holds_the_value(values):
    low, high = mean_interval(values, resamples=20)
    assert 0 <= low <= np.mean(values) <= high <= 1 + 1e-9
    assert mean_interval([0.25] * len(values), resamples=20) == (0.25, 0.25)


def test_it_holds_a_value_that_resampling_moves():
    """How many different records there are is less in every resample."""
    low, high = interval(lambda chosen: float(len(set(chosen.tolist()))), 50)
    assert low < 40 < high == 50


def test_thousands_of_records_are_quick():
    rows = np.random.default_rng(1).integers(0, 50, (5000, 18))
    begin = time.perf_counter()
    interval(lambda chosen: float(rows[chosen].sum(axis=0).max()), len(rows))
    assert time.perf_counter() - begin < 5  # under one second on a machine that does nothing else
