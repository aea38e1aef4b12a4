"""How quick and how quiet the app is: `python tests/benchmarks/app.py [PART ...]`, on a quiet machine.

Parts, all of them without one: start, nodes, idle, training, streaming, keys, paint, stalls. Each has a home of its
own, with 20 models, 50 trainings that have ended, and what it needs besides. Figures, what they shall be, and one line
of JSON last.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil
from homes import crowd, prepare
from terminal import Terminal
from trainings import going_on

TESTS = Path(__file__).resolve().parent.parent
FIRST_SCREEN = b"Corpora"
SIZES = ((24, 80), (50, 200))
FOUND: dict[str, float] = {}


def tell(name: str, value: float, unit: str, goal: float | None = None) -> None:
    """A figure, and what it shall be at most."""
    word = "" if goal is None else f"   at most {goal:g}" + ("" if value <= goal else ": MISSED")
    print(f"{name:52} {value:10.1f} {unit}{word}", flush=True)
    FOUND[name] = round(value, 2)


def end(terminal: Terminal) -> None:
    """Let the app go."""
    os.kill(terminal.pid, signal.SIGTERM)
    terminal.wait_for_end()
    os.close(terminal.descriptor)


def forget_draft() -> None:
    """The next app begins on the first tab."""
    Path(os.environ["NEWLEAF_HOME"], "draft.json").unlink(missing_ok=True)


# The start


def start(rounds: int) -> None:
    """From the command to the first screen, against the import of Textual alone, by turns."""
    imports, screens, import_cpu, screen_cpu = [], [], [], []
    for number in range(rounds + 1):
        forget_draft()
        begun, before = time.perf_counter(), _cpu_of_children()
        subprocess.run([sys.executable, "-c", "import textual.app"], check=True)
        imported, cpu = time.perf_counter() - begun, _cpu_of_children() - before
        begun = time.perf_counter()
        terminal = Terminal()
        while FIRST_SCREEN not in terminal.output:
            terminal.read(0.002)
        shown = time.perf_counter() - begun
        used = sum(psutil.Process(terminal.pid).cpu_times()[:2])
        os.kill(terminal.pid, signal.SIGKILL)
        terminal.wait_for_end()
        os.close(terminal.descriptor)
        if number:  # the first one fills the caches
            imports.append(imported)
            import_cpu.append(cpu)
            screens.append(shown)
            screen_cpu.append(used)
    imported, shown = statistics.median(imports), statistics.median(screens)
    tell("import textual.app", 1000 * imported, "ms")
    tell("to the first screen", 1000 * shown, "ms", round(1300 * imported + 150))
    tell("import textual.app, CPU", 1000 * statistics.median(import_cpu), "ms")
    tell("to the first screen, CPU", 1000 * statistics.median(screen_cpu), "ms")


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


# Bytes


def idle(_rounds: int) -> None:
    """Bytes a second when nothing happens, on each tab."""
    for tab in "1234":
        forget_draft()
        terminal = Terminal()
        terminal.wait_for(FIRST_SCREEN)
        terminal.type(tab)
        terminal.read(4)
        tell(f"idle on tab {tab}", _bytes_a_second(terminal, 8), "B/s", 0)
        end(terminal)


def training(_rounds: int) -> None:
    """Bytes a second while a training is watched that makes 20 steps a second."""
    with going_on("live"):
        for rows, columns in SIZES:
            forget_draft()
            terminal = Terminal(rows, columns)
            terminal.wait_for(FIRST_SCREEN)
            terminal.read(2)
            terminal.type("3")
            terminal.wait_for(b"Trainings")
            terminal.read(4)
            goal = 5000 if columns < 100 else 10_000
            tell(f"watching a training at {columns}x{rows}", _bytes_a_second(terminal, 15), "B/s", goal)
            tell(f"watching a training at {columns}x{rows}, CPU", 100 * _cpu_share(terminal, 10), "%")
            end(terminal)


def streaming(_rounds: int) -> None:
    """Bytes a second while a model writes 50 tokens a second."""
    for rows, columns in SIZES:
        terminal = _writing(rows, columns)
        tell(f"streaming 50 tokens/s at {columns}x{rows}", _bytes_a_second(terminal, 15), "B/s", 20_000)
        tell(f"streaming 50 tokens/s at {columns}x{rows}, CPU", 100 * _cpu_share(terminal, 10), "%")
        end(terminal)


def _writing(rows: int, columns: int) -> Terminal:
    """An app in which a model writes on and on."""
    terminal = _chat(rows, columns, 50, 100_000)
    terminal.type("Once\r")
    terminal.wait_for(b"beginning")
    terminal.read(3)
    return terminal


def _chat(rows: int, columns: int, rate: float, tokens: int) -> Terminal:
    forget_draft()
    terminal = Terminal(rows, columns, start=(str(TESTS / "paced_app.py"), str(rate), str(tokens)))
    terminal.wait_for(FIRST_SCREEN)
    terminal.type("4")
    terminal.read(2)
    return terminal


def _bytes_a_second(terminal: Terminal, seconds: float) -> float:
    before, begun = len(terminal.output), time.perf_counter()
    terminal.read(seconds)
    return (len(terminal.output) - before) / (time.perf_counter() - begun)


def _cpu_share(terminal: Terminal, seconds: float) -> float:
    process = psutil.Process(terminal.pid)
    before, begun = sum(process.cpu_times()[:2]), time.perf_counter()
    terminal.read(seconds)
    return (sum(process.cpu_times()[:2]) - before) / (time.perf_counter() - begun)


# Keys


def keys(_rounds: int) -> None:
    """What a key press costs in a conversation of many turns."""
    terminal = _chat(24, 80, 0, 30)
    process = psutil.Process(terminal.pid)
    for turn in range(1, 201):
        terminal.type(f"turn {turn}")
        terminal.read(0.05)
        terminal.type("\r")
        terminal.wait_for(f"[{turn}]".encode())
        if turn in (1, 200):
            terminal.read(2)
            before = sum(process.cpu_times()[:2])
            for key in KEYS[:100]:
                _press(terminal, key)
            goal = 15 if turn == 200 else None
            tell(f"a key press after {turn} turns, CPU", 10 * (sum(process.cpu_times()[:2]) - before), "ms", goal)
            terminal.type("\x7f" * 100)
            terminal.read(3)
        terminal.read(0.1)
    end(terminal)


# Characters that stand nowhere else on the screen: each says by itself that its key has been painted.
KEYS = [chr(number) for number in range(0x0410, 0x0450)] + [chr(number) for number in range(0x0561, 0x0587)]


def _press(terminal: Terminal, key: str) -> float:
    """The seconds until it is painted."""
    terminal.output = terminal.output[-64:]
    begun = time.perf_counter()
    terminal.type(key)
    while key.encode() not in terminal.output:
        terminal.read(0.001)
        assert time.perf_counter() - begun < 30, "a key is not painted"
    return time.perf_counter() - begun


@contextlib.contextmanager
def _a_training() -> Iterator[None]:
    """A model trains on all processors."""
    from newleaf.trainer.options import TrainOptions
    from newleaf.trainer.work import training

    options = TrainOptions(steps=10**6, size="micro", context=128, batch_tokens=4096, compile="off", device="cpu")
    job = training.submit("book", "real", options, "pieces")
    while "loss" not in job.status():
        time.sleep(0.2)
    yield
    os.kill(job.status()["pid"], signal.SIGKILL)


def paint(rounds: int) -> None:
    """From a key to its paint, while one model trains on all processors and another one writes."""
    chance = random.Random(1)
    with _a_training():
        terminal = _writing(24, 80)
        took = []
        for _ in range(max(3, rounds)):
            for key in KEYS:
                took.append(_press(terminal, key))
                terminal.read(chance.uniform(0.02, 0.15))
            terminal.type("\x7f" * len(KEYS))
            terminal.read(2)
        end(terminal)
    tell("key to paint, median", 1000 * statistics.median(took), "ms")
    tell("key to paint, 99th percentile", 1000 * statistics.quantiles(took, n=100)[98], "ms", 50)
    tell("key to paint, the slowest", 1000 * max(took), "ms")


# In this process


def nodes(_rounds: int) -> None:
    """How many nodes each tab has, and the app in all."""
    from textual.widgets import TabPane

    from newleaf.tui.app import TABS, NewleafApp

    async def count() -> None:
        app = NewleafApp()
        async with app.run_test(size=(200, 50)) as pilot:
            for number, tab in enumerate(TABS, 1):
                await pilot.press(f"f{number + 1}")
                await pilot.pause(1)
                tell(f"nodes of the tab {tab}", len(list(app.query_one(f"#{tab}", TabPane).walk_children())), "", 200)
            tell("nodes of the app", len(list(app.screen.walk_children())), "")

    forget_draft()
    asyncio.run(count())


def stalls(_rounds: int) -> None:
    """How often the app did not answer for 50 ms: at its start, in an import, a training, the streaming of a reply."""
    from paced_app import paced_app
    from watchdog import Watchdog

    from newleaf.trainer.jobs import LIVE, Job
    from newleaf.trainer.work.importing import submit

    async def watch(name: str, act, seconds: float) -> None:  # type: ignore[no-untyped-def]
        forget_draft()
        app = paced_app(50, 100_000)
        async with Watchdog() as opening, app.run_test(size=(200, 50)) as pilot:
            await pilot.pause(2)
            if name == "opening":
                _tell_stalls(name, opening)
                return
            app.tidying.begin()  # which it does by itself on a terminal
            async with Watchdog() as watchdog:
                until = time.monotonic() + seconds
                await act(pilot)
                while time.monotonic() < until:
                    await pilot.pause(0.2)
                    await pilot.press("tab")
            _tell_stalls(name, watchdog)

    async def an_import(pilot) -> None:  # type: ignore[no-untyped-def]
        text = Path(os.environ["NEWLEAF_HOME"], "text.txt")
        with text.open("w", encoding="utf-8") as file:
            for number in range(300_000):
                file.write(f"Leaf {number} fell on the {number % 7919}th day of the year.\n\n")
        submit([str(text)], "leaves")
        await pilot.press("f2")
        while Job.open("import-leaves").state in LIVE:
            await pilot.pause(0.1)

    async def a_training(pilot) -> None:  # type: ignore[no-untyped-def]
        await pilot.press("f4")

    async def a_reply(pilot) -> None:  # type: ignore[no-untyped-def]
        await pilot.press("f5", *"Once", "enter")
        while "beginning" not in str(getattr(pilot.app.query_one("#transcript"), "text", "beginning")):
            await pilot.pause(0.1)

    async def nothing(pilot) -> None:  # type: ignore[no-untyped-def]
        pass

    asyncio.run(watch("opening", nothing, 0))
    asyncio.run(watch("an import", an_import, 2))
    with going_on("live"):
        asyncio.run(watch("a training", a_training, 15))
    asyncio.run(watch("a reply", a_reply, 15))


def _tell_stalls(name: str, watchdog) -> None:  # type: ignore[no-untyped-def]
    ours = sum(stall.is_ours for stall in watchdog.stalls)
    tell(f"stalls in {name}, by our own work", ours, "", 0)
    tell(f"stalls in {name}, in all", len(watchdog.stalls), "")
    for line in list(watchdog.report())[1:]:
        print(line)


PARTS = {part.__name__: part for part in (start, nodes, idle, training, streaming, keys, paint, stalls)}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=11)
    parsed = parser.parse_args()
    if unknown := set(parsed.parts) - set(PARTS):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="newleaf-app-") as folder:
        full = Path(folder, "full")
        os.environ.update(NEWLEAF_HOME=str(full), XDG_CONFIG_HOME=f"{folder}/config", NEWLEAF_LANGUAGE="en")
        os.environ.pop("SSH_CONNECTION", None)
        prepare()
        crowd()
        gc.freeze()  # PyTorch, which the app does not load
        for name in parsed.parts or PARTS:
            os.environ["NEWLEAF_HOME"] = str(shutil.copytree(full, Path(folder, name)))
            PARTS[name](parsed.rounds)
    print(json.dumps(FOUND))


if __name__ == "__main__":
    main()
