"""The app survives what terminals, disks, processes and people do to it."""

import contextlib
import json
import os
import random
import shutil
import signal
import time

import psutil
import pytest
from screens import screen_text, wait_for, wait_for_text
from terminal import Terminal
from textual.events import Paste, Resize
from textual.geometry import Size
from textual.widgets import Input, TextArea
from trainings import pretend_training

from newleaf.core.files import read_json
from newleaf.core.home import home
from newleaf.trainer import jobs
from newleaf.tui.app import NewleafApp

LONG_TEXT = "leaf " * 1_000_000
# What is pressed on each tab until a dialog or a screen is open.
PLACES = {
    "corpus": ("f2",),
    "import": ("f2", "a"),
    "extend": ("f2", "e"),
    "clean": ("f2", "c"),
    "merge": ("f2", "m"),
    "tokenizer": ("f3",),
    "new tokenizer": ("f3", "n"),
    "tokenizer import": ("f3", "i"),
    "training": ("f4",),
    "new training": ("f4", "n"),
    "fine-tuning": ("f4", "f"),
    "charts": ("f4", "c"),
    "log": ("f4", "l"),
    "chat": ("f5",),
    "jobs": ("f9",),
    "help": ("f1",),
    "commands": ("ctrl+p",),
}
SHORT = ("chat",)  # the others are tested in the long run
EACH = [pytest.param(keys, id=name, marks=[] if name in SHORT else pytest.mark.long) for name, keys in PLACES.items()]


@pytest.fixture
def full(book, tokenizer, tiny_model, monkeypatch, tmp_path):
    """A home with something on each tab, in which no process of a job is started."""
    monkeypatch.setattr(jobs, "start", lambda job, stdin=None: None)
    monkeypatch.chdir(tmp_path)
    pretend_training("alpha")
    pretend_training("beta", seed=2, state="stopped")
    return home()


async def open_place(pilot, keys):
    await wait_for(pilot, lambda: pilot.app.focused is not None, "the focus")
    await pilot.press(*keys)
    await pilot.pause(0.3)


async def lives(pilot):
    """It answers: a key that works everywhere does what it does."""
    app = pilot.app
    for _ in range(100):  # the first one may only close a list that is open
        if len(app.screen_stack) == 1:
            break
        await pilot.press("escape")
        await pilot.pause(0.1)
    assert len(app.screen_stack) == 1, screen_text(app)
    for key, tab in (("f2", "corpus"), ("f4", "training")):
        await pilot.press(key)
        await wait_for(pilot, lambda tab=tab: app.tab == tab, tab)


@pytest.mark.long
@pytest.mark.parametrize("keys", EACH)
async def test_a_storm_of_resizes(full, keys):
    chance, app = random.Random(1), NewleafApp()
    sizes = [(chance.randint(20, 300), chance.randint(5, 100)) for _ in range(98)]
    async with app.run_test(size=(80, 24)) as pilot:
        await open_place(pilot, keys)
        for number, size in enumerate([*sizes, (20, 5), (300, 100)]):
            app._driver._size = size  # as a terminal does it: no word beforehand, none awaited
            app.post_message(Resize(Size(*size), Size(*size)))
            if number % 10 == 0:
                await pilot.pause()
        await pilot.resize_terminal(80, 24)
        await lives(pilot)


@pytest.mark.parametrize("keys", EACH)
async def test_a_paste_of_5_mb_into_each_field(full, keys):
    app = NewleafApp()
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await open_place(pilot, keys)
        fields = [field for field in app.screen.query("Input, TextArea") if field.focusable and field.is_on_screen]
        for field in fields:
            field.focus()
            await pilot.pause()
            before = len(field.value if isinstance(field, Input) else field.text)
            app.post_message(Paste(LONG_TEXT))
            await pilot.pause()
            assert len(field.value if isinstance(field, Input) else field.text) == before
        if fields:
            await wait_for_text(pilot, "characters")
        await lives(pilot)


@pytest.mark.long
async def test_what_is_not_too_long_is_pasted(full):
    app = NewleafApp()
    async with app.run_test(size=(100, 40)) as pilot:
        await open_place(pilot, ("f5",))
        app.post_message(Paste("leaf " * 10_000))
        await wait_for(pilot, lambda: any(len(area.text) == 50_000 for area in app.query(TextArea)), "the text")
        await open_place(pilot, ("f2", "a"))
        app.post_message(Paste("/nowhere/leaf.txt\n" * 1_000))
        field = app.screen.query(Input).first()
        await wait_for(pilot, lambda: field.value.count("leaf.txt") == 1_000, "the paths")
        await lives(pilot)


KEYS = [
    *"abcdefghijklmnopqrstuvwxyz0123456789/.-+[]? ",
    *("enter", "escape", "tab", "shift+tab", "up", "down", "left", "right", "home", "end", "pageup", "pagedown"),
    *("backspace", "delete", "f1", "f2", "f3", "f4", "f5", "f9", "ctrl+p", "ctrl+o", "ctrl+j", "ctrl+c", "ctrl+u"),
]


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 9))])
@pytest.mark.parametrize("tab", [*(pytest.param(tab, marks=pytest.mark.long) for tab in ("f2", "f3", "f4")), "f5"])
async def test_keys_hammered_at_random(full, tab, seed):
    chance, app = random.Random(f"{seed}{tab}"), NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_place(pilot, (tab,))
        for _ in range(15):
            await pilot.press(*chance.choices(KEYS, k=20))
        await lives(pilot)


@pytest.mark.parametrize(
    "keys", [("f4",), *(pytest.param(more, marks=pytest.mark.long) for more in (("f4", "c"), ("f4", "l"), ("f9",)))]
)
async def test_a_job_whose_folder_is_deleted_while_it_is_shown(full, keys):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_place(pilot, keys)
        await wait_for_text(pilot, "beta")
        shutil.rmtree(full / "jobs" / "train-beta")
        await wait_for(pilot, lambda: [job["name"] for job in app.jobs] == ["train-alpha"], "the look at the jobs")
        await pilot.press("up", "down", "pagedown", "end", "s", "l")
        await pilot.pause(0.3)
        await lives(pilot)
        await wait_for(pilot, lambda: "beta" not in screen_text(app), "its line to be gone")


DAMAGE = [
    b"\x00\xff\xfe not json\n",
    b'5\n[]\nnull\n"text"\n',
    *(
        json.dumps({"t": t, "kind": kind, **more}).encode() + b"\n"
        for t in (None, "soon", 1e400, 1.0)
        for kind in ("step", "eval", "sample", "message", "resume", "plan", ["step"], None)
        for more in ({}, {"step": "x"}, {"step": 1e308, "loss": None}, {"step": 3, "loss": "x", "bits_per_byte": []})
    ),
    b'{"kind": "step", "step": 9, "loss": NaN, "bits_per_byte": Infinity}\n',
    b'{"kind": "step", "step": -5, "loss": 1e308, "bits_per_byte": -1e308}\n',
    b'{"kind": "step", "half a li',
]


@pytest.mark.parametrize("keys", [("f4",), pytest.param(("f4", "c"), marks=pytest.mark.long)])
async def test_damaged_events(full, keys):
    path = full / "jobs" / "train-alpha" / "events.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    chance = random.Random(1)
    for damage in DAMAGE[:-1]:
        lines.insert(chance.randrange(len(lines)), damage)
    path.write_bytes(b"".join(lines) + DAMAGE[-1])
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_place(pilot, ("f4", "down", *keys[1:]))
        await wait_for_text(pilot, "alpha")
        await pilot.pause(0.5)
        await lives(pilot)


async def test_an_engine_that_is_killed_in_the_midst_of_an_answer(full):
    app = NewleafApp()
    async with app.run_test(size=(100, 40)) as pilot:
        await open_place(pilot, ("f5",))
        for entry in app.query(Input):
            if entry.name in ("max_tokens", "min_tokens"):
                entry.value = "1000000"
        await pilot.press(*"Once", "enter")

        def engine():
            for each in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):  # one that has just ended
                    if "newleaf.core.engine.server" in each.cmdline():
                        return each
            return None

        await wait_for(pilot, engine, "the engine")
        process = engine()
        await pilot.pause(3)
        process.kill()
        await wait_for_text(pilot, "The engine")
        await lives(pilot)


@pytest.mark.long
def test_a_terminal_that_is_killed_in_the_midst_of_a_dialog(book):
    terminal = Terminal()
    terminal.wait_for(b"Corpora")
    terminal.type("a")
    terminal.wait_for(b"what the corpus will be called")
    terminal.type("/nowhere/leaf.txt")
    terminal.read(2)
    os.close(terminal.descriptor)
    deadline = time.monotonic() + 60
    while os.waitpid(terminal.pid, os.WNOHANG)[0] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "/nowhere/leaf.txt" in json.dumps(read_json(home() / "draft.json"))


@pytest.mark.long
def test_a_paste_of_5_mb_through_a_terminal(full):
    terminal = Terminal()
    terminal.wait_for(b"Corpora")
    terminal.type("4")
    terminal.read(2)
    data = f"\x1b[200~{LONG_TEXT}\x1b[201~".encode()
    os.set_blocking(terminal.descriptor, False)
    while data:
        try:
            data = data[os.write(terminal.descriptor, data) :]
        except BlockingIOError:
            terminal.read(0.01)
    os.set_blocking(terminal.descriptor, True)
    terminal.wait_for(b"characters", patience=200)
    terminal.type("after")
    terminal.wait_for(b"after")
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait_for_end() == 128 + signal.SIGTERM
