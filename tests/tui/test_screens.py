"""What a person sees who has nothing yet, at all sizes and in both languages."""

import pytest
from screens import BROAD, SMALL, USUAL, WIDE, compare, wait_for_text

from newleaf.core import language


@pytest.mark.parametrize("size", [SMALL, USUAL, BROAD, WIDE])
@pytest.mark.parametrize("code", ["en", pytest.param("zh_CN", marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("key", "tab", "text"),
    [
        ("1", "corpus", {"en": "t  sample text", "zh_CN": "t  "}),
        ("2", "tokenizer", {"en": "Press  1", "zh_CN": "按  1"}),
        ("3", "training", {"en": "Press  1", "zh_CN": "按  1"}),
        ("4", "chat", {"en": "Press F4", "zh_CN": "按 F4"}),
    ],
)
async def test_each_tab_says_what_is_missing_and_the_key_for_it(size, code, key, tab, text):
    from newleaf.tui.app import NewleafApp

    language.set_language(code)
    app = NewleafApp()
    async with app.run_test(size=size) as pilot:
        await pilot.press(key)
        await wait_for_text(pilot, text[code])
        await pilot.pause()
        compare(app, f"first-{tab}-{size[0]}x{size[1]}-{code}")


@pytest.mark.parametrize("code", ["en", pytest.param("zh_CN", marks=pytest.mark.long)])
async def test_the_help_lists_every_key(code):
    from newleaf.tui.app import NewleafApp
    from newleaf.tui.help import help_text
    from newleaf.tui.view import View

    language.set_language(code)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        text = help_text(app)
        for node in (app, *app.query(View)):
            for bindings in node._bindings.key_to_bindings.values():
                for binding in bindings:
                    assert not binding.description or binding.description in text
        await pilot.press("f1")
        await wait_for_text(pilot, "Esc closes this" if code == "en" else "Esc")
        await pilot.press("escape")


async def test_bindings_speak_the_language_of_the_person():
    from newleaf.tui.app import NewleafApp

    language.set_language("zh_CN")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        shown = {active.binding.description for active in app.screen.active_bindings.values() if active.binding.show}
        assert shown and all(not description.isascii() for description in shown if description)


async def test_the_palette_offers_what_has_a_key(book):
    from newleaf.tui.app import NewleafApp

    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        titles = {command.title for command in app.get_system_commands(app.screen)}
        assert {"Add text", "Quit", "Training", "简体中文"} <= titles
        await pilot.press("ctrl+p")
        await wait_for_text(pilot, "Search for a command")
