"""Where a terminal knows ASCII alone: signs for ornaments, and people's text as it is."""

import pytest
from rich.cells import cell_len
from screens import screen_text, wait_for, wait_for_rest, wait_for_text
from textual.widgets import TextArea
from trainings import pretend_training

from newleaf.core import language
from newleaf.core.corpus.importing import import_documents
from newleaf.core.settings import read_settings
from newleaf.tui.app import NewleafApp
from newleaf.tui.only_ascii import ascii_signs, shape
from newleaf.tui.options import AppOptions

ORNAMENTS = [*range(0x2190, 0x2200), *range(0x2400, 0x2440), *range(0x2500, 0x2600), *range(0x2800, 0x2900)]


def not_ascii(app):
    return {character for character in screen_text(app) if not character.isascii()}


def test_each_ornament_has_a_sign_of_its_width():
    for number in [*ORNAMENTS, *map(ord, "✓✗•…·⏎⇥⌫␡🔎📁📂📄")]:
        sign = ascii_signs(chr(number))
        assert sign.isascii() and len(sign) == cell_len(chr(number)), hex(number)


@pytest.mark.parametrize(
    "text",
    [
        "卡尔·马克思说：“好……”",
        "Überall naïve Wörter – “so”, 5 × 3 €",
        "日本語 한국어 👨\u200d👩\u200d👧",
        "e\u0301 \xa0",
    ],
)
def test_letters_and_punctuation_stay(text):
    assert ascii_signs(text) == text


def test_dots_between_things_and_what_is_cut_off_have_signs():
    assert ascii_signs("a · b···c long nam…") == "a . b...c long nam~"
    assert ascii_signs("训练 · 60%") == "训练 . 60%"


def test_a_character_of_dots_becomes_what_is_like_it():
    assert [shape(dots) for dots in (0, 0x09, 0x12, 0x24, 0xC0)] == [" ", "`", "-", ".", "_"]
    assert (shape(0x47), shape(0x01 | 0x80), shape(0x40 | 0x08)) == ("|", "\\", "/")


@pytest.mark.long
@pytest.mark.parametrize("size", [(80, 24), pytest.param((60, 20), marks=pytest.mark.long)])
async def test_no_screen_has_anything_else(book, tokenizer, tiny_model, size):
    pretend_training("alpha")
    pretend_training("beta", seed=2, level=1.2)
    app = NewleafApp(AppOptions(ascii=True))
    async with app.run_test(size=size) as pilot:
        await wait_for_text(pilot, "to train on")
        for keys in (
            ["f3"],
            ["n"],
            ["escape", "f4"],
            ["c"],
            ["escape", "f5"],
            ["f7"],
            ["escape", "f9"],
            ["escape", "f1"],
        ):
            await pilot.press(*keys)
            await wait_for_rest(pilot)
            assert not not_ascii(app), (keys, screen_text(app))


async def test_lines_over_each_other_are_told_apart_by_their_signs(newleaf_home):
    pretend_training("alpha")
    pretend_training("beta", seed=2, level=1.2)
    app = NewleafApp(AppOptions(ascii=True))
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("f4", "space", "down", "c")
        await wait_for_text(pilot, "~ beta")
        await wait_for(
            pilot, lambda: screen_text(app).count("~") > 40 and screen_text(app).count("-") > 40, "the lines"
        )


async def test_chinese_words_and_the_text_of_a_person_stay(newleaf_home):
    import_documents([("芳林新叶催陈叶，流水前波让后波。" * 9 + str(n), "诗") for n in range(9)], "诗集")
    language.set_language("zh_CN")
    app = NewleafApp(AppOptions(ascii=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "诗集")
        await pilot.press("f5")
        app.query_one("#prompt", TextArea).text = "流水前波让后波"
        await wait_for_text(pilot, "流水前波让后波")
        assert not {
            character for character in not_ascii(app) if not ("\u3000" <= character <= "\u9fff" or character > "\uff00")
        }


async def test_the_palette_changes_signs_at_once_and_for_good(newleaf_home):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "│")
        for title, wished in (("ASCII signs", True), ("All signs", False)):
            command = next(each for each in app.get_system_commands(app.screen) if each.title == title)
            command.callback()
            await wait_for(pilot, lambda wished=wished: bool(not_ascii(app)) != wished, title)
            assert read_settings()["ascii"] is wished and NewleafApp().ascii is wished
