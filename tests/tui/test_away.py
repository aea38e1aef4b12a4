"""What went on while the app was closed is said when it is opened; the terminal's title says what runs."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from screens import screen_text, wait_for, wait_for_text
from trainings import pretend_training

from newleaf.core.home import home
from newleaf.tui.app import NewleafApp
from newleaf.tui.away import AGAIN, LONG, away_lines, seen
from newleaf.tui.terminal_title import title_sequence, title_text

RUNNING = {"name": "train-m", "kind": "train", "target": "m", "state": "running", "progress": 0.42}


def job(**values):
    return {**RUNNING, **values}


def test_a_training_that_goes_on_tells_how_far_it_came():
    before = {"time": 1000.0, "jobs": {"train-m": {"state": "running", "step": 4200, "bits_per_byte": 3.34}}}
    now = [job(step=6950, bits_per_byte=3.12)]
    first, line = away_lines(before, now, 1000 + 3600)
    assert first == "While you were away (1h00m):"
    assert line == "training m: step 4,200 to 6,950, 3.340 to 3.120 bits per byte"
    assert away_lines(before, now, 1000 + LONG / 2) == []  # one who was hardly away
    assert away_lines(before, [job(step=4200)], 1000 + 3600) == []


def test_what_has_ended_or_failed_is_told_however_short_it_was():
    before = {"time": 1000.0, "jobs": {"train-m": {"state": "running", "step": 10}, "old": {"state": "finished"}}}
    _first, line = away_lines(before, [job(state="finished", step=20, bits_per_byte=1.5)], 1001)
    assert line == "training m: finished, step 10 to 20, 1.500 bits per byte"
    _first, line = away_lines(before, [job(state="failed", error="The disk is full.")], 1001)
    assert line == "training m: failed. The disk is full."
    assert away_lines(before, [job(name="old", state="finished")], 9000) == []
    assert away_lines(before, [], 9000) == away_lines(None, [RUNNING], 9000) == []


def test_what_began_and_ended_meanwhile_is_told_too():
    before = {"time": 1000.0, "jobs": {}}
    new = job(state="finished", step=20, created=1500.0)
    assert away_lines(before, [new], 2000)[1] == "training m: finished, step 0 to 20"
    assert away_lines(before, [{**new, "created": 500.0}], 2000) == []  # it was there before
    assert away_lines({"jobs": {}}, [new], 2000) == away_lines(before, [{**new, "state": "running"}], 2000) == []


def test_steps_are_written_down_now_and_then_and_states_at_once(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    first = seen([job(step=1)], None)
    assert first == {"time": 1000.0, "jobs": {"train-m": {"state": "running", "step": 1}}}
    assert seen([job(step=2)], first) == first
    assert seen([job(step=2, state="stopped")], first)["jobs"]["train-m"] == {"state": "stopped", "step": 2}
    monkeypatch.setattr(time, "time", lambda: 1000.0 + AGAIN)
    assert seen([job(step=2)], first)["jobs"]["train-m"]["step"] == 2
    assert seen([job(step=1)], first) == first  # nothing has changed: nothing is written


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=8)
)
def test_a_damaged_note_is_survived(junk):
    for before in ({"jobs": junk}, {"jobs": {"train-m": junk}, "time": junk}, {"jobs": {"train-m": {"step": junk}}}):
        away_lines(before, [job(step=3, bits_per_byte=1.0)], 5000.0)
        seen([job(step=3)], before)


@pytest.mark.parametrize("state", ["finished", "failed"])
async def test_it_is_said_when_the_app_is_opened(newleaf_home, state):
    path = pretend_training("m", state=state)
    if state == "failed":
        status = json.loads((path / "status.json").read_text())
        (path / "status.json").write_text(json.dumps({**status, "error": "The disk is full."}))
    kept = {"time": time.time() - 7200, "jobs": {"train-m": {"state": "running", "step": 100}}}
    (home() / "draft.json").write_text(json.dumps({"seen": kept}))
    app = NewleafApp()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await wait_for_text(pilot, "While you were away (2h00m):")
        assert "The disk is full." in screen_text(app) or "step 100 to 400" in screen_text(app)
        app.keep_draft()
    assert json.loads((home() / "draft.json").read_text())["seen"]["jobs"]["train-m"]["state"] == state
    again = NewleafApp()
    async with again.run_test(size=(100, 30), notifications=True) as pilot:
        await wait_for(pilot, lambda: again._away is None, "the look at the jobs")
        await pilot.pause(0.2)
        assert "While you were away" not in screen_text(again)


def test_the_title_says_what_runs_or_how_it_ended():
    assert title_text([], None) == "newleaf"
    assert title_text([RUNNING], None) == "42% training m - newleaf"
    assert title_text([job(state="failed")], job(state="failed")) == "training m failed - newleaf"
    assert title_sequence("a\x1b]b\x07c") == "\x1b]2;a]bc\x07"
