"""Trainings side by side, and a training that is paused."""

import json

import pytest
from screens import SMALL, USUAL, screen_text, wait_for, wait_for_text
from trainings import pretend_training

from newleaf.core.files import read_json, write_json
from newleaf.trainer.comparing import compare
from newleaf.trainer.jobs import Job
from newleaf.tui import job_actions
from newleaf.tui.app import NewleafApp
from newleaf.tui.compare_screen import CompareScreen


def with_options(folder, **options):
    path = folder / "job.json"
    write_json(path, {**read_json(path), "options": options})
    return Job(folder)


@pytest.fixture
def two(newleaf_home):
    first = with_options(pretend_training("first"), learning_rate=0.02, seed=1)
    second = with_options(pretend_training("second", seed=2, level=1.2), learning_rate=0.01, seed=1)
    return first, second


def test_what_differs_comes_first(two):
    rows = compare(two)
    differs = [row.differs for row in rows]
    assert differs == sorted(differs, reverse=True)
    by_label = {row.label: row for row in rows}
    assert by_label["learning-rate"].values == ("0.02", "0.01") and by_label["learning-rate"].differs
    assert not by_label["corpus"].differs and "gpus" not in by_label
    assert float(by_label["held out, bits per byte"].values[0]) < float(by_label["held out, bits per byte"].values[1])


def test_the_tokenizer_that_a_training_made_for_itself_is_the_one_of_its_name(two, tokenizer):
    own, other = pretend_training("pieces", seed=3), two[0]
    spec = read_json(own / "job.json")
    write_json(own / "job.json", {**spec, "inputs": {"corpus": "book", "tokenizer": None}})
    rows = {row.label: row for row in compare([Job(own), other])}
    assert rows["tokenizer"].values == ("pieces", "pieces")


@pytest.mark.parametrize("size", [USUAL, SMALL])
async def test_two_that_are_marked_are_compared_in_a_table(two, size):
    app = NewleafApp()
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await wait_for_text(pilot, "first")
        assert not app.screen.active_bindings.get("v")
        await pilot.press("space", "down")
        await wait_for_text(pilot, "v Compare")
        await pilot.press("v")
        await wait_for_text(pilot, "What differs")
        await wait_for_text(pilot, "learning-rate")
        lines = screen_text(app).splitlines()
        assert "first" in lines[1] and "second" in lines[1]
        await pilot.press("end")
        await wait_for_text(pilot, "seed")
        await pilot.press("escape")
        await wait_for(pilot, lambda: not isinstance(app.screen, CompareScreen), "the tab")


def test_a_paused_job_is_a_stopped_one_with_a_word(newleaf_home):
    folder = pretend_training("story", state="running")
    job = Job(folder)
    lock = job.lock
    assert lock.acquire()
    job.pause()
    assert (job.status()["state"], job.status()["paused"]) == ("stopping", True)
    write_json(folder / "status.json", {**read_json(folder / "status.json"), "state": "stopped"})
    lock.release()
    assert json.loads(json.dumps(job.summary()))["paused"] is True


async def test_a_key_pauses_and_the_same_key_goes_on(newleaf_home, monkeypatch):
    resumed = []
    monkeypatch.setattr(job_actions, "resume", lambda job, *more, **other: resumed.append(job.name))
    folder = pretend_training("story", state="running")
    lock = Job(folder).lock
    assert lock.acquire()
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await wait_for_text(pilot, "p Pause")
        await pilot.press("p")
        await wait_for_text(pilot, "story  pausing")
        write_json(folder / "status.json", {**read_json(folder / "status.json"), "state": "stopped"})
        lock.release()
        await wait_for_text(pilot, "story  paused")
        await wait_for_text(pilot, "Press  p  to go on")
        await pilot.press("p")
        await wait_for(pilot, lambda: resumed == ["train-story"], "the training to go on")
