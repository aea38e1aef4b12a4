"""Keys that come at once take effect in the order in which they were pressed."""

from itertools import pairwise

from screens import wait_for, wait_for_rest, wait_for_text
from textual import events
from textual.keys import _character_to_key
from textual.widgets import Input, TextArea

from newleaf.tui.app import NewleafApp


def at_once(app, *keys):
    """Press keys without a pause between them, as a slow line brings them."""
    for key in keys:
        character = key if len(key) == 1 else None
        app.post_message(events.Key(_character_to_key(key) if character else key, character))


TYPED = [
    ([*"teh", "backspace", "backspace", *"he cat"], "the cat"),
    ([*"wrong", "ctrl+u", *"right"], "right"),
    ([*"bc", "home", *"a", "end", *"d"], "abcd"),
    ([*"ac", "left", *"b"], "abc"),
    ([*"one", "ctrl+j", *"tow", "left", "left", "delete", "right", *"o"], "one\ntwo"),
    ([*"a", "ctrl+j", *"c", "up", "end", *"b"], "ab\nc"),
]


async def test_in_the_prompt(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("f5")
        prompt = app.query_one("#prompt", TextArea)
        for keys, text in TYPED:
            prompt.text = ""
            await pilot.pause()
            at_once(app, *keys)
            await wait_for_rest(pilot)
            assert prompt.text == text


async def test_in_a_field_of_a_dialog(newleaf_home):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("a")
        await wait_for_text(pilot, "Add text")
        name = app.screen.query_one("#name", Input)
        name.focus()
        await pilot.pause()
        at_once(app, *"helo", "backspace", *"lo", "home", "delete", *"H")
        await wait_for_rest(pilot)
        assert name.value == "Hello"


async def test_what_follows_a_tab_is_for_the_next_field(newleaf_home):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("a")
        await wait_for_text(pilot, "Add text")
        chain = app.screen.focus_chain
        pairs = [(one, other) for one, other in pairwise(chain) if isinstance(one, Input) and isinstance(other, Input)]
        one, other = pairs[-1]
        one.value = other.value = ""
        one.focus()
        await pilot.pause()
        at_once(app, *"12", "tab", *"3", "shift+tab", "end", *"4")
        await wait_for_rest(pilot)
        assert (one.value, other.value) == ("124", "3")


async def test_a_key_that_a_field_has_no_use_for_is_not_lost(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("f5")
        at_once(app, *"ab", "ctrl+c")
        await wait_for_text(pilot, "Quit")
        assert app.query_one("#prompt", TextArea).text == "ab"
