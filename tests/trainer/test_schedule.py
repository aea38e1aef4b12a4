"""The learning rate rises, stays, and falls to zero; a training by time finds its end on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.trainer.schedule import DECAY, Schedule


@given(steps=st.integers(1, 5000), warmup=st.integers(1, 100))
def test_by_steps_it_stays_between_nothing_and_all_and_ends_when_said(steps, warmup):
    schedule = Schedule.of_steps(steps, warmup)
    factors = [schedule.factor(step) for step in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)
    assert not schedule.is_over(steps - 1) and schedule.is_over(steps)
    assert schedule.factor(steps) == 0


def test_it_rises_then_stays_then_falls_in_a_line():
    schedule = Schedule.of_steps(1000, 10)
    factors = [schedule.factor(step) for step in range(1001)]
    start = 1000 - round(DECAY * 1000)
    assert factors[0] == pytest.approx(1 / 11)
    assert all(factor == 1 for factor in factors[10 : start + 1])
    falls = [before - after for before, after in zip(factors[start:], factors[start + 1 :], strict=False)]
    assert falls == pytest.approx([falls[0]] * len(falls))


@given(seconds_per_step=st.floats(0.01, 2), slower=st.floats(0.3, 3), at=st.floats(0.1, 0.9))
def test_by_time_it_ends_with_the_time_even_when_the_machine_changes_its_speed(seconds_per_step, slower, at):
    time, elapsed, step = 200.0, 0.0, 0
    schedule, begun = Schedule(5), None
    while not schedule.is_over(step) and elapsed < 3 * time:
        schedule.keep_time(step, elapsed, time, elapsed / step if step else 0.0)
        if schedule.is_over(step):
            break
        begun = begun or schedule.decay_start
        elapsed += seconds_per_step * (slower if elapsed > at * time else 1)
        step += 1
    assert 0.9 * time < elapsed < 1.12 * time
    assert begun is not None


def test_a_decay_that_is_drawn_anew_goes_on_from_where_it_was():
    schedule = Schedule.of_steps(100, 1)
    before = schedule.factor(80)
    schedule.begin_decay(80, 10)
    assert schedule.factor(80) == pytest.approx(before)
    assert schedule.is_over(90)


def test_what_is_prolonged_rises_again_and_falls_at_its_new_end():
    schedule = Schedule.of_steps(300, 10, begin=100)
    assert schedule.factor(100) == pytest.approx(1 / 11)
    assert schedule.factor(150) == schedule.factor(200) == 1
    assert 0 < schedule.factor(299) < 0.02 and schedule.is_over(300)


def test_a_rate_that_does_not_fall_yet_falls_from_where_it_is_when_the_end_comes_nearer():
    schedule = Schedule.of_steps(350, 10, at=300)
    assert schedule.factor(300) == 1 and schedule.factor(325) == pytest.approx(0.5)
