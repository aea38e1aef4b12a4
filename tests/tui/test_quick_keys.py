"""Keys that follow each other at once, as they come through a slow line, mean what they would mean one by one."""

import asyncio

import pytest
from screens import wait_for, wait_for_rest, wait_for_text
from textual import events

from newleaf.tui.app import NewleafApp

pytestmark = pytest.mark.usefixtures("all_views")


def burst(app, *keys):
    """Keys that the terminal sends together."""
    for key in keys:
        app._driver.send_message(events.Key(key, key if len(key) == 1 else None))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param(["2", "i"], "Import a tokenizer", marks=pytest.mark.long),
        (["3", "n"], "newleaf train"),
        (["f3", "i"], "Import a tokenizer"),
        pytest.param(["2", "1", "a"], "Import (Ctrl+S)", marks=pytest.mark.long),
        (["f5", "4", "f4", "2", "1", "2", "i"], "Import a tokenizer"),
    ],
)
async def test_a_key_that_follows_a_tabs_own_is_for_that_tab(book, tokenizer, keys, expected):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        burst(app, *keys)
        await asyncio.sleep(0)
        await wait_for_text(pilot, expected)


async def test_the_last_of_many_tabs_is_the_one_that_stays(book, tokenizer):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        burst(app, *["f2", "f3", "f4", "f5"] * 5, "f3", "f2", "f4")
        await wait_for(pilot, lambda: app.tab == "training", "the tab")
        await wait_for_rest(pilot)
        assert app.tab == "training" and app.focused.id == "trainings"
