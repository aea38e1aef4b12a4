"""A clock that stands still while its process is stopped."""

import itertools

import pytest

from newleaf.trainer import pauses


class Clocks:
    """Both clocks of a process, which is stopped for five seconds when the second is read for the `stopped`-th time."""

    def __init__(self, stopped):
        self.stopped, self.readings, self.now = stopped, 0, 100.0

    def perf_counter(self):
        self.now += 0.001
        return self.now

    def process_time(self):
        if self.readings == self.stopped:
            self.now += 5.0
        self.readings += 1
        return 0.0


@pytest.mark.parametrize("stopped", range(5))
def test_a_pause_that_begins_while_it_is_looked_for_is_in_no_reading(stopped, monkeypatch):
    monkeypatch.setattr(pauses, "time", Clocks(stopped))
    found = pauses.Pauses()
    readings = [found.look() for _ in range(6)]
    assert all(0 <= after - before < 0.01 for before, after in itertools.pairwise(readings))
    assert found.seconds == pytest.approx(5.0, abs=0.01)


def test_a_process_that_only_worked_was_not_stopped(monkeypatch):
    clocks = Clocks(-1)
    monkeypatch.setattr(pauses, "time", clocks)
    found = pauses.Pauses()
    before = found.look()
    clocks.now += 30.0
    clocks.process_time = lambda: 25.0
    assert found.look() - before > 29 and not found.seconds
