"""What grows in a conversation is followed, and moves nothing else on the screen."""

import pytest
from screens import screen_text, wait_for
from textual.app import App

from newleaf.tui.widgets.conversation import Conversation, Turn

LINES = 100


class Talk(App):
    """A conversation whose last answer has filled the screen."""

    def compose(self):
        yield Conversation()


@pytest.fixture
async def talk():
    app = Talk()
    async with app.run_test(size=(80, 24)) as pilot:
        conversation = app.query_one(Conversation)
        conversation.show([Turn(1, True, "Count."), Turn(2, False)])
        await pilot.pause()
        conversation.grow("".join(f"line {number}\n" for number in range(LINES)))
        await wait_for(pilot, lambda: conversation.show_vertical_scrollbar, "the scroll bar")
        await pilot.pause()
        yield pilot, conversation


def rows(app):
    """What stands on the screen at the left of the scroll bar."""
    return [line[:79].rstrip() for line in screen_text(app).split("\n")]


async def test_an_answer_is_followed_without_a_layout_of_the_screen(talk):
    pilot, conversation = talk
    layouts = []
    pilot.app.screen.screen_layout_refresh_signal.subscribe(conversation, layouts.append)
    for number in range(LINES, LINES + 30):
        conversation.grow(f"line {number}\n")
        await pilot.pause()
        assert f"▌ line {number}" in rows(pilot.app)
    bar = conversation.vertical_scrollbar
    assert (bar.window_virtual_size, bar.position) == (conversation.virtual_size.height, conversation.max_scroll_y)
    assert not layouts


async def test_who_reads_further_up_is_left_there(talk):
    pilot, conversation = talk
    conversation.scroll_to(y=3, animate=False)
    await pilot.pause()
    before = rows(pilot.app)
    conversation.grow("".join(f"line {number}\n" for number in range(LINES, LINES + 30)))
    await pilot.pause()
    assert rows(pilot.app) == before
    await pilot.press("end")
    await pilot.pause()
    assert f"▌ line {LINES + 29}" in rows(pilot.app)


async def test_no_letter_is_under_the_scroll_bar():
    text = "0123456789" * 500
    app = Talk()
    async with app.run_test(size=(80, 24)) as pilot:
        conversation = app.query_one(Conversation)
        conversation.show([Turn(1, True, "Count."), Turn(2, False, text)])
        await wait_for(pilot, lambda: conversation.show_vertical_scrollbar, "the scroll bar")
        await pilot.pause()
        seen = "".join(row[2:] for row in rows(app))
        assert len(seen) > 1000 and seen in text


@pytest.fixture
async def read():
    """A conversation of twenty turns in a window that shows all of it."""
    app = Talk()
    async with app.run_test(size=(120, 100)) as pilot:
        conversation = app.query_one(Conversation)
        conversation.show([Turn(number, number % 2 == 1, f"turn {number} " + "word " * 20) for number in range(1, 21)])
        await pilot.pause()
        assert "turn 1 " in screen_text(app) and "turn 20 " in screen_text(app)
        yield pilot, conversation


async def resized(pilot, width, height):
    await pilot.resize_terminal(width, height)
    for _ in range(3):  # the layout, the scroll bar, what it takes from the width
        await pilot.pause()


async def test_the_end_stays_in_sight_in_a_smaller_window(read):
    pilot, conversation = read
    for width, height in [(80, 24), (60, 20), (80, 12), (200, 50), (80, 24)]:
        await resized(pilot, width, height)
        assert conversation.scroll_offset.y == conversation.max_scroll_y
        assert "turn 20 " in screen_text(pilot.app)


async def test_what_is_read_stays_in_sight_in_another_width(read):
    pilot, conversation = read
    await resized(pilot, 80, 12)
    conversation.scroll_to(y=conversation._ends[8], animate=False)
    for width in (60, 100, 40, 80):
        await resized(pilot, width, 12)
        assert screen_text(pilot.app).split("\n")[0].split()[:2] == ["turn", "10"]


async def test_a_marked_turn_stays_in_sight_and_the_end_is_not_asked_for(read):
    pilot, conversation = read
    await resized(pilot, 80, 12)
    conversation.show(conversation.turns, marked=4)
    await resized(pilot, 80, 13)
    assert "turn 5 " in screen_text(pilot.app) and "turn 20 " not in screen_text(pilot.app)
    await resized(pilot, 60, 13)
    assert "turn 5 " in screen_text(pilot.app)
