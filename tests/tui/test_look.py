"""Colours: dark, light, the terminal's own, none; always legible, chosen at once and kept."""

import os
import pty
import subprocess
import sys

import pytest
from command_line import newleaf
from rich.color import ColorType
from screens import screen_text, wait_for, wait_for_rest, wait_for_text
from trainings import pretend_training

from newleaf.core.home import settings_path
from newleaf.core.settings import change_setting, read_settings
from newleaf.tui.app import NewleafApp
from newleaf.tui.options import AppOptions, chosen_options


def segments(app):
    for strip in app.screen._compositor.render_strips(app.size):
        yield from (segment for segment in strip if segment.text.strip() and segment.style)


def luminance(triplet):
    parts = [value / 255 for value in triplet]
    red, green, blue = (value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(style):
    """Of the Web Content Accessibility Guidelines."""
    less, more = sorted((luminance(style.color.triplet), luminance(style.bgcolor.triplet)))
    return (more + 0.05) / (less + 0.05)


async def walk(pilot):
    """All tabs and two screens, one after the other."""
    await wait_for_text(pilot, "to train on")
    for keys in ([], ["f3"], ["f4"], ["c"], ["escape", "f5"]):
        await pilot.press(*keys)
        await wait_for_rest(pilot)
        yield keys


@pytest.fixture
def something(book, tokenizer, tiny_model):
    pretend_training("alpha")


@pytest.mark.parametrize("theme", [pytest.param(name, marks=pytest.mark.long) for name in ("dark", "light")])
async def test_words_stand_out_in_each_theme(something, theme):
    app = NewleafApp(AppOptions(theme=theme))
    async with app.run_test(size=(80, 24)) as pilot:
        async for _keys in walk(pilot):
            for segment in segments(app):
                if any(character.isalnum() for character in segment.text):
                    assert contrast(segment.style) >= 3, (segment, screen_text(app))


@pytest.mark.long
async def test_the_terminals_own_colours_are_all_that_it_is_told(something):
    app = NewleafApp(AppOptions(theme="terminal"))
    async with app.run_test(size=(80, 24)) as pilot:
        async for _keys in walk(pilot):
            colours = {colour for each in segments(app) for colour in (each.style.color, each.style.bgcolor) if colour}
            assert {colour.type for colour in colours} <= {ColorType.DEFAULT, ColorType.STANDARD}


@pytest.fixture
def no_colour(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")


def reversed_text(app):
    return "".join(segment.text for segment in segments(app) if segment.style.reverse)


async def test_without_colours_the_marked_line_and_the_cursor_are_seen(something, no_colour):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        async for _keys in walk(pilot):
            assert not any(each.style.color or each.style.bgcolor for each in segments(app))
        await pilot.press("f2")
        await wait_for(pilot, lambda: "book" in reversed_text(app), "the marked line")
        await pilot.press("f5", "a", "b", "shift+left")
        await wait_for(pilot, lambda: "b" in reversed_text(app), "the marked letter")
        await pilot.press("f7")
        await wait_for(pilot, lambda: "write" in reversed_text(app), "the marked mode")
        await pilot.press("escape", "ctrl+p")
        await wait_for(
            pilot, lambda: "\n" not in reversed_text(app) and len(reversed_text(app)) > 3, "the marked command"
        )


async def test_an_empty_no_color_asks_for_nothing(newleaf_home, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "Corpora")
        assert any(each.style.color for each in segments(app))


async def test_the_palette_changes_colours_at_once_and_for_good(newleaf_home):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "Corpora")
        dark = {each.style.bgcolor for each in segments(app)}
        commands = {command.title: command.callback for command in app.get_system_commands(app.screen)}
        assert "Dark colours" not in commands and "The terminal's own colours" in commands
        commands["Light colours"]()
        await wait_for(pilot, lambda: not dark & {each.style.bgcolor for each in segments(app)}, "light")
    assert read_settings()["theme"] == "light"
    assert NewleafApp().theme == app.theme
    assert chosen_options({"theme": "dark"})[0].theme == "dark"  # what is given wins


async def test_a_setting_that_cannot_be_is_told_and_the_others_hold(newleaf_home):
    change_setting("theme", "blue")
    change_setting("ascii", True)
    options, (sentence,) = chosen_options()
    assert options == AppOptions(ascii=True)
    assert "settings.toml: theme is blue, and must be one of dark, light, terminal." in sentence
    app = NewleafApp(options)
    app.to_tell.append(sentence)
    async with app.run_test(size=(120, 24), notifications=True) as pilot:
        await wait_for(
            pilot, lambda: any("theme is blue" in each.message for each in app._notifications), "the sentence"
        )
    settings_path().write_text("theme = ")
    assert chosen_options()[0] == AppOptions() and "cannot be read" in chosen_options()[1][0]


@pytest.mark.parametrize("words", [[], ["--ascii"], ["app", "--no-mouse"]])
def test_what_is_no_terminal_gets_one_sentence(newleaf_home, words):
    newleaf_home.mkdir()
    done = newleaf(*words)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "newleaf: the app needs a terminal. For commands see: newleaf --help\n"


def test_nor_does_a_terminal_that_knows_lines_alone(newleaf_home):
    newleaf_home.mkdir()
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "dumb"}
    words = [sys.executable, "-m", "newleaf"]
    done = subprocess.run(words, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env=environment, timeout=60)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2 and b"needs a terminal" in done.stderr and b"\x1b" not in done.stderr


@pytest.mark.parametrize(
    ("word", "sentence"), [("--theme", "blue"), ("--nonsense", "unrecognized"), ("--link", "slowly")]
)
def test_options_that_are_wrong_are_told(newleaf_home, word, sentence):
    newleaf_home.mkdir()
    done = newleaf(word, sentence)
    assert done.returncode == 2 and word in done.stderr and len(done.stderr.splitlines()) == 1
