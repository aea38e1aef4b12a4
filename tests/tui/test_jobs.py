"""The screen of all jobs, and the log of one."""

import pytest
from homes import TINY
from screens import SMALL, USUAL, WIDE, compare, screen_text, wait_for, wait_for_rest, wait_for_text
from textual.widgets import Input, TextArea
from trainings import pretend_training

from newleaf.cli.main import run
from newleaf.core import language
from newleaf.core.files import read_json, write_json
from newleaf.trainer.history import History
from newleaf.trainer.jobs import Job, list_jobs, place_text
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.work import training
from newleaf.tui.app import NewleafApp
from newleaf.tui.jobs_screen import JobsScreen, job_lines
from newleaf.tui.training import numbers_text


@pytest.fixture
def jobs(newleaf_home, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda form, *moment: "2026-11-26 12:00")
    return [
        pretend_training("alpha"),
        pretend_training("红楼梦", seed=2, state="stopped"),
        pretend_training("gamma", seed=3, state="failed"),
    ]


async def open_jobs(pilot):
    await wait_for(pilot, lambda: pilot.app.focused is not None, "the focus")
    await pilot.press("f9")
    await wait_for(pilot, lambda: isinstance(pilot.app.screen, JobsScreen), "the screen")


@pytest.mark.parametrize("size", [SMALL, USUAL, WIDE])
@pytest.mark.parametrize("code", ["en", pytest.param("zh_CN", marks=pytest.mark.long)])
async def test_all_jobs_at_any_size(jobs, size, code):
    language.set_language(code)
    app = NewleafApp()
    async with app.run_test(size=size) as pilot:
        await open_jobs(pilot)
        await pilot.press("down")
        await wait_for_rest(pilot)
        compare(app, f"jobs-{size[0]}x{size[1]}-{code}")


async def test_from_every_tab_and_back(newleaf_home):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("f2", "f3", "f4", "f5"):
            await pilot.press(key)
            await open_jobs(pilot)
            await wait_for_text(pilot, "There is no job yet.")
            await pilot.press("f9")
            await wait_for(pilot, lambda: not isinstance(app.screen, JobsScreen), "the tab")


async def test_a_job_is_deleted_once_that_is_confirmed(jobs):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_jobs(pilot)
        await wait_for_text(pilot, "gamma")
        await pilot.press("d")
        await wait_for_text(pilot, "Delete job train-gamma")
        await pilot.press("escape")
        assert len(list_jobs()) == 3
        await pilot.press("d")
        await wait_for_text(pilot, "Delete job train-gamma")
        await pilot.press("y")
        await wait_for(pilot, lambda: len(list_jobs()) == 2, "the deletion")
        await wait_for(pilot, lambda: "gamma" not in screen_text(app), "the line")
        assert app.screen.marked() == "train-红楼梦"


@pytest.mark.long
async def test_a_job_that_runs_moves_on_and_can_be_stopped(book, tokenizer):
    options = TrainOptions(steps=100_000, **TINY)
    job = training.submit("book", "big", options, "pieces")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_jobs(pilot)
        await wait_for_text(pilot, "● training")
        await wait_for_text(pilot, "s Stop")
        await pilot.press("s")
        await wait_for(pilot, lambda: job.status()["state"] == "stopped", "the stop")
        await wait_for_text(pilot, "◼ training")


def test_a_line_has_what_there_is_room_for():
    job = {"kind": "train", "target": "story", "state": "running", "progress": 0.5, "eta_s": 60, "created": 0}
    (line,) = job_lines([job], 200)
    assert "story" in line and "50%" in line and "1m left" in line and line.startswith("● ")
    (short,) = job_lines([job], 24)
    assert "story" in short and "left" not in short


async def test_a_log_is_searched_and_followed(jobs):
    log = jobs[2] / "log.txt"
    log.write_text("".join(f"line {n}\n" for n in range(3000)) + "Boom: it failed\n")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_jobs(pilot)
        await pilot.press("l")
        await wait_for_text(pilot, "Boom: it failed")
        await pilot.press("slash", *"line 7", "enter")
        await wait_for_text(pilot, "111 of 111")  # 7, 70 to 79, 700 to 799: from the end upwards
        assert app.screen.query_one(TextArea).selected_text == "line 7"
        await pilot.press("n")
        await wait_for_text(pilot, "1 of 111")
        await pilot.press("N", "N")
        await wait_for_text(pilot, "110 of 111")
        await pilot.press("slash")
        app.screen.query_one(Input).value = "absent"
        await pilot.press("enter")
        await wait_for_text(pilot, "Not found.")
        await pilot.press("e")
        with log.open("a") as file:
            file.write("and more\n")
        await wait_for_text(pilot, "and more")
        await pilot.press("escape", "escape")
        await wait_for(pilot, lambda: not isinstance(app.screen, JobsScreen), "the tab")


@pytest.mark.parametrize(
    ("state", "shown"), [("stopped", False), ("failed", False), ("lost", False), ("running", True)]
)
def test_only_what_runs_has_a_rate_and_time_left(newleaf_home, capsys, state, shown):
    path = pretend_training("m", state="running" if state == "lost" else state)
    status = read_json(path / "status.json")
    write_json(path / "status.json", {**status, "progress": 0.18, "eta_s": 64.0, "mfu": 0.56})
    lock = Job(path).lock
    assert state != "running" or lock.acquire()
    text = numbers_text(NewleafApp(), Job(path).summary(), History())
    assert ("tokens/s" in text, "of the peak" in text, "left" in text) == (shown, shown, shown)
    assert run(["job", "show", "train-m"]) == 0
    assert ("1m04s left" in capsys.readouterr().out) is shown
    lock.release()


def test_what_folds_and_a_model_from_before_came_to_is_beside_the_numbers():
    found = History()
    for bits in (2.0, 2.1):
        assert not found.folds  # until all are there
        found.feed([{"kind": "fold", "folds": 2, "bits_per_byte": bits}])
    found.feed([{"kind": "forgotten", "corpus": "old", "before": 2.0, "after": 2.2}])
    text = numbers_text(NewleafApp(), Job(pretend_training("folded")).summary(), found)
    assert "2 folds: 2.0500 bits per byte" in text and "10.0% was forgotten" in text


@pytest.mark.parametrize(
    ("status", "place"),
    [
        ({"state": "lost", "message": "waits until the device is free"}, ""),
        ({"state": "stopped", "message": "measuring this machine", "step": 117}, "step 117"),
        ({"state": "stopped", "message": "", "step": 1, "total_steps": 5}, "step 1 of 5"),
        ({"state": "running", "message": "measuring this machine", "step": 117}, "measuring this machine"),
        ({"state": "finished", "message": "3 files"}, "3 files"),
    ],
)
def test_what_a_process_was_about_to_do_is_not_said_of_one_that_is_gone(status, place):
    assert place_text(status) == place
