"""Help for tests of the app: run it at a size, wait for conditions, read the screen as text."""

import asyncio
import os
import re
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
PATIENCE = 60.0  # seconds
USUAL = pytest.param((80, 24), id="80x24")
SMALL = pytest.param((60, 20), id="60x20", marks=pytest.mark.long)
BROAD = pytest.param((120, 40), id="120x40", marks=pytest.mark.long)
WIDE = pytest.param((200, 50), id="200x50", marks=pytest.mark.long)


def screen_text(app):
    """What the terminal would show, line by line, without spaces at the ends."""
    lines = app.screen._compositor.render_strips(app.size)
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in lines)


async def wait_for(pilot, condition, what="a condition"):
    """Until `condition()` holds."""
    for _ in range(int(PATIENCE / 0.05)):
        await pilot.pause(0.05)
        if condition():
            return
    raise AssertionError(f"waited in vain for {what}; the screen:\n{screen_text(pilot.app)}")


async def wait_for_text(pilot, text):
    """Until the screen shows `text`."""
    await wait_for(pilot, lambda: text in screen_text(pilot.app), repr(text))


async def wait_for_rest(pilot):
    """Until the screen stays as it is: the keys at the bottom are made anew whenever others make sense."""
    before, same = "", 0
    for _ in range(int(PATIENCE / 0.05)):
        await pilot.pause(0.05)
        text = screen_text(pilot.app)
        before, same = text, same + 1 if text == before else 0
        if same == 5:
            return
    raise AssertionError(f"it never rests:\n{before}")


def compare(app, name):
    """The screen is the golden one; NEWLEAF_UPDATE_GOLDEN=1 writes it anew."""
    path = GOLDEN / f"{name}.txt"
    text = screen_text(app) + "\n"
    if os.environ.get("NEWLEAF_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{name} looks different:\n{text}"


def plain(terminal_output):
    """Output of a terminal without its control sequences."""
    return re.sub(rb"\x1b(\[[0-9;?]*[a-zA-Z]|[()][A-B0-2]|[=>]|\][^\x07]*\x07)", b"", terminal_output)


async def settle():
    """Let the loop run what is due."""
    await asyncio.sleep(0)
