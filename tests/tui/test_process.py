"""The app as a process in a terminal: what it imports, what it leaves behind, what it keeps."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from homes import TINY
from screens import plain
from terminal import Terminal

from newleaf.core.files import read_json
from newleaf.core.home import home
from newleaf.trainer.jobs import LIVE, Job
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.work import training

LEFT_ALTERNATE_SCREEN = b"\x1b[?1049l"
LEFT_MOUSE = b"\x1b[?1000l"


@pytest.fixture(scope="module")
def home_with_job(prepared, tmp_path_factory):
    """A home in which a training goes on as long as its tests do."""
    folder = tmp_path_factory.mktemp("running") / "home"
    shutil.copytree(prepared, folder)
    options = TrainOptions(steps=10**6, **TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(folder))
        job = training.submit("book", "m", options, "pieces")
        while "loss" not in job.status():
            assert job.state in LIVE
            time.sleep(0.1)
        os.kill(job.status()["pid"], signal.SIGSTOP)
    yield folder
    os.kill(job.status()["pid"], signal.SIGKILL)


@pytest.fixture
def running_job(home_with_job, monkeypatch):
    monkeypatch.setenv("NEWLEAF_HOME", str(home_with_job))
    (home_with_job / "draft.json").unlink(missing_ok=True)
    job = Job.open("train-m")
    os.kill(job.status()["pid"], signal.SIGCONT)
    yield job
    os.kill(job.status()["pid"], signal.SIGSTOP)  # it takes nothing from the tests between


def draft_has(text):
    path = home() / "draft.json"
    return path.exists() and read_json(path).get("prompt") == text


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 128 + 15), pytest.param(signal.SIGHUP, 128 + 1, marks=pytest.mark.long)]
)
def test_a_signal_leaves_the_terminal_clean_the_draft_kept_and_the_job_running(running_job, number, code):
    terminal = Terminal()
    terminal.wait_for(b"Corpora")
    terminal.type("4")
    terminal.wait_for(b"model")
    terminal.read(1.0)
    terminal.type("half a thought")
    terminal.wait_for(b"thought")
    os.kill(terminal.pid, number)
    assert terminal.wait_for_end() == code
    assert LEFT_ALTERNATE_SCREEN in terminal.output and LEFT_MOUSE in terminal.output
    assert draft_has("half a thought")
    assert running_job.state == "running"
    again = Terminal()  # the draft and the tab are there again
    again.wait_for(b"thought")
    os.kill(again.pid, signal.SIGKILL)
    again.wait_for_end()


def test_a_terminal_that_closes_leaves_the_draft_and_the_job(running_job):
    terminal = Terminal()
    terminal.wait_for(b"Corpora")
    terminal.type("4")
    terminal.wait_for(b"model")
    terminal.read(1.0)
    terminal.type("half a thought")
    terminal.wait_for(b"thought")
    os.close(terminal.descriptor)
    deadline = time.monotonic() + 30
    while os.waitpid(terminal.pid, os.WNOHANG)[0] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert draft_has("half a thought")
    assert Job.open("train-m").state == "running"


def test_a_kill_of_the_app_leaves_the_job_running_and_the_draft_of_seconds_ago(running_job):
    terminal = Terminal()
    terminal.wait_for(b"Corpora")
    terminal.type("4")
    terminal.wait_for(b"model")
    terminal.read(1.0)
    terminal.type("half a thought")
    deadline = time.monotonic() + 30
    while not draft_has("half a thought"):
        assert time.monotonic() < deadline
        terminal.read(0.1)
    os.kill(terminal.pid, signal.SIGKILL)
    terminal.wait_for_end()
    step = running_job.status()["step"]
    while running_job.status()["step"] <= step:
        assert running_job.state == "running"
        time.sleep(0.1)


def test_ctrl_q_leaves_with_a_word_about_what_goes_on(running_job):
    terminal = Terminal()
    terminal.wait_for(b"Corpora")
    terminal.read(1.5)
    terminal.type("\x11")
    assert terminal.wait_for_end() == 0
    assert b"newleaf job list" in terminal.output


def test_the_title_of_the_terminal_says_what_runs_and_is_given_back(running_job):
    terminal = Terminal()
    terminal.wait_for(b"% training m - newleaf\x07")
    assert terminal.output.index(b"\x1b[22;2t") < terminal.output.index(b"\x1b]2;")
    terminal.type("\x11")
    assert terminal.wait_for_end() == 0
    assert terminal.output.rindex(b"\x1b[23;2t") > terminal.output.rindex(b"\x1b]2;")


def test_an_idle_app_writes_nothing(tiny_model):
    terminal = Terminal()
    terminal.wait_for(b"Corpora")
    terminal.type("4")
    terminal.read(3.0)
    before = len(terminal.output)
    terminal.read(4.0)
    assert len(terminal.output) == before, terminal.output[before:]
    os.kill(terminal.pid, signal.SIGTERM)
    terminal.wait_for_end()


def test_without_mouse_and_colours_the_terminal_is_asked_for_neither(tiny_model, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal(start=("-m", "newleaf", "--no-mouse"))
    terminal.wait_for(b"Corpora")
    terminal.type("4")
    terminal.wait_for(b"tiny")
    assert not re.search(rb"\x1b\[\?100[0-3]h", terminal.output)
    told = {part for found in re.findall(rb"\x1b\[([\d;:]*)m", terminal.output) for part in found.split(b";")}
    assert told and told <= {b"", *(b"%d" % number for number in range(30))}
    terminal.type("\x11")
    assert terminal.wait_for_end() == 0


SLOWLY = """
from newleaf.cli.main import run
run(["--link", "slow"])
from textual.constants import MAX_FPS
print("frames:", MAX_FPS)
"""


def test_a_slow_line_gets_few_frames(newleaf_home):
    terminal = Terminal(start=("-c", SLOWLY))
    terminal.wait_for(b"Corpora")
    terminal.type("\x11")
    terminal.wait_for(b"frames: 10")
    assert terminal.wait_for_end() == 0
    every_move, presses = terminal.output.rindex(b"\x1b[?1003h"), terminal.output.index(b"\x1b[?1003l\x1b[?1002h")
    assert every_move < presses < terminal.output.index(b"\x1b[?1002l")  # moves are not told, and nothing is at the end


BROKEN = """
from newleaf.tui.widgets.status_line import StatusLine
def render(self):
    secret = "what a person typed"
    raise KeyError("drawing")
StatusLine.render = render
from newleaf.__main__ import main
raise SystemExit(main())
"""


def test_a_fault_in_drawing_is_one_sentence_and_a_report(tiny_model, a_fault_is_expected):
    terminal = Terminal(start=("-c", BROKEN))
    assert terminal.wait_for_end() == 1
    assert LEFT_ALTERNATE_SCREEN in terminal.output
    words = b" ".join(plain(terminal.output).split())
    assert b"Jobs go on running" in words and b"Traceback" not in words and b"a person typed" not in words
    (report,) = (home() / "crash").iterdir()
    assert "Traceback" in report.read_text()


def test_the_app_imports_nothing_heavy(book, tokenizer, tiny_model):
    script = """
import asyncio, sys
from newleaf.tui.app import NewleafApp
async def main():
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("f2", "f3", "f4", "n", "escape", "f5", "f1", "escape", "ctrl+p"):
            await pilot.press(key)
            await pilot.pause(0.2)
asyncio.run(main())
heavy = {"torch", "numpy", "sentencepiece", "pyarrow", "transformers", "safetensors", "pandas"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
