"""Over a slow line there is less of everything, and a small terminal is enough."""

import pytest
from screens import screen_text, wait_for, wait_for_rest
from trainings import pretend_training

from newleaf.core import language
from newleaf.tui.app import NewleafApp
from newleaf.tui.link import FAST, SLOW, link_of, link_to
from newleaf.tui.options import AppOptions

FAR = {"SSH_CONNECTION": "10.0.0.1 50000 10.0.0.2 22"}


@pytest.mark.parametrize(
    ("wish", "environment", "link"),
    [
        ("auto", {}, FAST),
        ("auto", {"SSH_CONNECTION": ""}, FAST),
        ("auto", FAR, SLOW),
        ("fast", FAR, FAST),
        ("slow", {}, SLOW),
    ],
)
def test_ssh_is_slow_unless_somebody_knows_better(wish, environment, link):
    assert link_of(wish, environment) is link


async def test_the_app_and_its_screens_know_the_line(newleaf_home, monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", FAR["SSH_CONNECTION"])
    app = NewleafApp()
    assert link_to(app) is SLOW and app.beat == SLOW.beat > FAST.beat
    assert NewleafApp(AppOptions(link="fast")).beat == FAST.beat
    assert link_to(object()) is FAST


@pytest.mark.parametrize("code", ["en", pytest.param("zh_CN", marks=pytest.mark.long)])
async def test_a_small_terminal_shows_what_matters_on_each_tab(book, tokenizer, tiny_model, code):
    pretend_training("alpha")
    language.set_language(code)
    app = NewleafApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        for key, things in (
            ("f2", ["book", "37"]),
            ("f3", ["pieces", "420"]),
            ("f4", ["alpha", "└1", "And the earth"]),
            ("f5", ["tiny", "3.500"]),
        ):
            await pilot.press(key)
            await wait_for(pilot, lambda things=things: all(each in screen_text(app) for each in things), str(things))
            await wait_for_rest(pilot)
            last = "\n".join(screen_text(app).splitlines()[-3:])
            assert "f1" in last and "^p" in last
