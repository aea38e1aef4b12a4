"""Copying: through the terminal, through tmux and screen, and into a file."""

import base64

import pytest

from newleaf.core.home import home
from newleaf.tui import clipboard
from newleaf.tui.app import NewleafApp


@pytest.fixture
def outside(monkeypatch):
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.delenv("STY", raising=False)


def test_outside_of_tmux_and_screen_nothing_more_is_told(outside):
    assert clipboard.wrapped("text") == ""


def test_tmux_hands_it_on(outside, monkeypatch):
    monkeypatch.setenv("TMUX", "/tmp/tmux")
    told = clipboard.wrapped("床前")
    assert told.startswith("\x1bPtmux;\x1b\x1b]52;c;") and told.endswith("\x07\x1b\\")
    assert base64.b64decode(told.split(";")[3].split("\x07")[0]).decode() == "床前"


def test_screen_gets_it_in_pieces(outside, monkeypatch):
    monkeypatch.setenv("STY", "1.pts")
    told = clipboard.wrapped("x" * 2000)
    pieces = told.split("\x1b\\")[:-1]
    assert len(pieces) > 2 and all(piece.startswith("\x1bP") and len(piece) < 800 for piece in pieces)
    joined = "".join(piece.removeprefix("\x1bP") for piece in pieces)
    assert base64.b64decode(joined.removeprefix("\x1b]52;c;").removesuffix("\x07")) == b"x" * 2000


@pytest.mark.parametrize(("size", "sentence"), [(10, "Copied."), (100_000, "copied.txt")])
async def test_it_is_in_a_file_too_which_is_named_where_the_terminal_would_not_take_it(newleaf_home, size, sentence):
    app = NewleafApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.copy("é" * size)
        await pilot.pause()
        (shown,) = app._notifications
        assert sentence in shown.message
        assert (app.clipboard == "é" * size) == (size == 10)
    assert (home() / "copied.txt").read_text() == "é" * size
