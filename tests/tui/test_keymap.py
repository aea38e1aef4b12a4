"""Keys that a person has changed hold, are shown, and cannot get in each other's way."""

import json

import pytest
from command_line import newleaf
from screens import screen_text, wait_for, wait_for_text

from newleaf.core.home import settings_path
from newleaf.tui.app import NewleafApp, next_step
from newleaf.tui.help import help_text
from newleaf.tui.keyed import key_text, keyed
from newleaf.tui.keymap import all_bound, checked_keys, chosen_keys
from newleaf.tui.training_dialog import TrainingDialog
from newleaf.tui.widgets.dialogs import Message


@pytest.fixture
def settings(newleaf_home):
    def write(text):
        settings_path().parent.mkdir(parents=True, exist_ok=True)
        settings_path().write_text(text, encoding="utf-8")

    return write


def test_every_key_of_the_app_has_an_id():
    bound = all_bound()
    assert {"app.jobs", "chat.mode", "corpus.add", "charts.smooth", "import.import", "log.search"} <= set(bound)
    assert bound["app.corpus"].keys == ("1", "f2") and bound["chat.mode"].priority


@pytest.mark.parametrize(
    ("id_", "given", "keys"),
    [
        ("chat.mode", "f12", "f12"),
        ("chat.mode", " Ctrl+T ", "ctrl+t"),
        ("app.jobs", ["f9", "ctrl+t"], "f9,ctrl+t"),
        ("app.jobs", "f9, alt+ctrl+j", "f9,ctrl+alt+j"),
        ("tokenizer.search", "?", "question_mark"),
        ("corpus.add", "shift+a", "A"),
        ("corpus.add", ",", "comma"),
        ("corpus.add", "加", "加"),
        ("corpus.add", "left_square_bracket", "left_square_bracket"),
    ],
)
def test_keys_that_can_be(id_, given, keys):
    assert checked_keys({id_: given}) == ({id_: keys}, [])


@pytest.mark.parametrize(
    ("id_", "given", "sentence"),
    [
        ("chat.moda", "f12", "nothing called chat.moda that has a key. Did you mean chat.mode?"),
        ("nonsense", "f12", "See: newleaf keys"),
        ("chat.mode", "hyperspace", "hyperspace cannot be the key of chat.mode: there is no such key"),
        ("chat.mode", "left+f1", "no such key"),
        ("chat.mode", "ctrl+", "no such key"),
        ("chat.mode", "", "no such key"),
        ("chat.mode", 7, "no such key"),
        ("chat.mode", [], "would have no key"),
        ("training.stop", "ctrl+i", "for a terminal it is the same as tab"),
        ("chat.new", "x", "it types something"),
        ("corpus.add", "m", "m cannot be the key of corpus.add: it is that of corpus.merge."),
        ("corpus.add", "f1", "it is that of app.help"),
        ("app.jobs", "n", "it is that of"),
        ("log.search", "ctrl+q", "it is that of app.quit"),
    ],
)
def test_keys_that_cannot_be_have_a_sentence_and_the_others_hold(id_, given, sentence):
    keymap, wrong = checked_keys({id_: given, "corpus.clean": "z"})
    assert keymap == {"corpus.clean": "z"}
    assert len(wrong) == 1 and sentence in wrong[0]


def test_two_may_change_places_and_two_places_may_have_the_same():
    assert checked_keys({"corpus.add": "m", "corpus.merge": "a"})[1] == []
    assert checked_keys({"corpus.add": "n", "log.search": "f1"})[1] == []  # n is a key of other tabs
    keymap, wrong = checked_keys({"corpus.add": "z", "corpus.merge": "z"})
    assert keymap == {"corpus.add": "z"} and "corpus.merge" in wrong[0]


def test_the_settings_hold_them_with_or_without_quotation_marks(settings):
    settings('[keys]\nchat.mode = "f12"\n"app.jobs" = ["ctrl+t"]\n')
    assert chosen_keys() == ({"chat.mode": "f12", "app.jobs": "ctrl+t"}, [])
    settings('keys = "f12"')
    assert chosen_keys()[0] == {} and "[keys]" in chosen_keys()[1][0]
    settings("keys = ")
    assert chosen_keys()[0] == {} and "cannot be read" in chosen_keys()[1][0]


@pytest.mark.usefixtures("all_views")
async def test_a_changed_key_works_and_is_shown_everywhere(settings, tiny_model):
    settings('[keys]\n"app.help" = "f12"\n"chat.controls" = "ctrl+t"\n"app.jobs" = "nothing"\n')
    app = NewleafApp()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for_text(pilot, "nothing cannot be the key of app.jobs")
        await wait_for_text(pilot, "f12 Help")
        offered = lambda: {each.title for each in app.get_system_commands(app.screen)}  # noqa: E731
        await wait_for(pilot, lambda: "Controls" in offered(), "all tabs")
        assert "  f12            Help" in help_text(app) and "  ^t             Controls" in help_text(app)
        palette = {command.title: command.help for command in app.get_system_commands(app.screen)}
        assert palette["Controls"].endswith("^t") and palette["Jobs"].endswith("f9")
        await pilot.press("f1")
        assert not isinstance(app.screen, Message)
        await pilot.press("f12")
        await wait_for(pilot, lambda: isinstance(app.screen, Message), "the help")
        await pilot.press("escape", "f5")
        await wait_for_text(pilot, "^t Controls")
        before = "repetition-penalty" in screen_text(app)
        await pilot.press("ctrl+t")
        await wait_for(pilot, lambda: ("repetition-penalty" in screen_text(app)) != before, "the controls")


async def test_buttons_and_sentences_name_a_changed_key(settings, book):
    settings('[keys]\n"app.training" = "f12"\n"training_dialog.plan" = "alt+p"\n"training_dialog.cancel" = "f8"\n')
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f5")
        await wait_for_text(pilot, "Press F12 and train one")
        await pilot.press("f12", "n")
        await wait_for_text(pilot, "Plan (Alt+P)")
        assert "Start (Ctrl+S)" in screen_text(app) and "Cancel (F8)" in screen_text(app)
        await pilot.click("#cancel")
        await wait_for(pilot, lambda: not isinstance(app.screen, TrainingDialog), "the tab")


async def test_sentences_name_a_changed_letter(settings, book):
    settings('[keys]\n"first.model" = "z"\n"first.tokenizer" = "j"\n"app.tokenizer" = "f12"\n"tokenizer.train" = "w"\n')
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "Next: press  F12  and train a tokenizer")
        await pilot.press("f12")
        await wait_for_text(pilot, "Press  j  to train one now")
        assert "Press  w  to choose how" in screen_text(app) and "Press  i  to import" in screen_text(app)
        told = [
            keyed(app, *next_step({"kind": kind, "target": "book", "state": "finished"}))
            for kind in ("import", "tokenizer")
        ]
        assert told == ["Next: press  j  and train a tokenizer.", "Next: press  z  and train a model."]


def test_keys_are_named_as_on_a_keyboard():
    told = [key_text(key) for key in ("ctrl+s", "escape", "f4", "c", "alt+ctrl+page_down", "A", "question_mark")]
    assert told == ["Ctrl+S", "Esc", "F4", "c", "Alt+Ctrl+Page Down", "A", "Question Mark"]


def test_a_command_tells_all_of_them(settings, newleaf_home):
    newleaf_home.mkdir()
    settings('[keys]\n"chat.mode" = "f12"\n"chat.moda" = "f12"\n')
    done = newleaf("keys")
    assert done.returncode == 1 and "chat.moda" in done.stderr
    lines = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert lines["chat.mode"] == ["f12", "*", "Mode"] and lines["app.jobs"] == ["f9", "Jobs"]
    found = {each["id"]: each for each in json.loads(newleaf("keys", "--json").stdout)}
    assert found["chat.mode"] == {"id": "chat.mode", "keys": ["f12"], "changed": True, "description": "Mode"}
    assert set(found) == set(all_bound())
