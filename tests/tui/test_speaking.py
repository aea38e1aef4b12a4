"""The language is another one at once, and nothing that was typed, marked or written is lost."""

import asyncio

import pytest
from screens import screen_text, wait_for, wait_for_rest, wait_for_text
from textual.widgets import OptionList, TextArea
from trainings import pretend_training

from newleaf.core import language
from newleaf.core.corpus.importing import import_documents
from newleaf.core.settings import read_settings
from newleaf.tui.app import NewleafApp
from newleaf.tui.chat import ChatView
from newleaf.tui.tokenizer import TokenizerView
from newleaf.tui.training import TrainingView
from newleaf.tui.view import View
from newleaf.tui.widgets.conversation import Conversation

TITLES = {
    "en": ["1 Corpus", "2 Tokenizer", "3 Training", "4 Chat"],
    "zh_CN": ["1 语料", "2 分词器", "3 训练", "4 对话"],
}
NAMES = {"en": "English", "zh_CN": "简体中文"}


def speak(app, code):
    next(each for each in app.get_system_commands(app.screen) if each.title == NAMES[code]).callback()


async def speaks(pilot, code):
    await wait_for(pilot, lambda: not making_anew(pilot.app), "the views")  # what is half made cannot be drawn
    await wait_for(pilot, lambda: all(title in screen_text(pilot.app) for title in TITLES[code]), code)


def making_anew(app):
    return app._drafts_rest or len(app.query(View)) < 4 or any(not view.is_mounted for view in app.query(View))


@pytest.mark.parametrize(("before", "after"), [("en", "zh_CN"), pytest.param("zh_CN", "en", marks=pytest.mark.long)])
@pytest.mark.usefixtures("all_views")
async def test_every_word_changes_at_once(book, tokenizer, tiny_model, before, after):
    pretend_training("alpha")
    language.set_language(before)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await speaks(pilot, before)
        await pilot.press("f5")
        await wait_for(pilot, lambda: app.focused.id == "prompt", "the focus")
        speak(app, after)
        await speaks(pilot, after)
        await wait_for(pilot, lambda: app.focused.id == "prompt", "the focus")
        words = [each.binding.description for each in app.screen.active_bindings.values() if each.binding.show]
        assert any(words) and all(is_chinese(each) == (after == "zh_CN") for each in words if each)
        for key in ("f2", "f3", "f4", "f5"):
            await pilot.press(key)
            await wait_for_rest(pilot)
            lines = screen_text(app).splitlines()
            assert is_chinese(lines[0]) == is_chinese("".join(lines[1:])) == (after == "zh_CN"), screen_text(app)
    assert read_settings()["language"] == after


def is_chinese(text):
    return any("\u4e00" <= character <= "\u9fff" for character in text)


async def test_what_was_typed_marked_and_written_stays(book, tokenizer, tiny_model):
    import_documents([("Some other text. " * 9 + str(n), "x") for n in range(9)], "other")
    for name, seed in (("alpha", 1), ("beta", 2)):
        pretend_training(name, seed=seed)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "to train on")
        await pilot.press("down", "f3")
        app.query_one("#try-text", TextArea).text = "try this"
        await pilot.press("f4", "space", "down", "f5")
        await pilot.press(*"The", "enter")
        await wait_for_text(pilot, "tokens/s")
        written = app.query_one(Conversation).turns[0].text
        app.query_one("#prompt", TextArea).text = "half a thought"
        await pilot.press("f4")
        marked = {each.id: each.highlighted for each in app.query(OptionList) if each.id}
        speak(app, "zh_CN")
        await speaks(pilot, "zh_CN")
        await wait_for(pilot, lambda: app.query_one("#prompt", TextArea).text == "half a thought", "the draft")
        assert app.query_one("#try-text", TextArea).text == "try this"
        await wait_for(pilot, lambda: bool(app.query_one(Conversation).turns), "what was written")
        assert app.query_one(Conversation).turns[0].text == written
        assert marked == {each.id: each.highlighted for each in app.query(OptionList) if each.id}
        assert marked["corpora"] == 1 and marked["trainings"] == 1
        await wait_for_text(pilot, "+✓ beta")
        assert app.tab == "training" and app.focused.id == "trainings"


@pytest.mark.usefixtures("all_views")
async def test_the_tokenizer_to_compare_with_stays(book, tokenizer, newleaf_home):
    import shutil

    shutil.copytree(tokenizer, tokenizer.with_name("others"))
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "to train on")
        await pilot.press("f3", "c")
        await wait_for_text(pilot, "◆ others")
        speak(app, "zh_CN")
        await speaks(pilot, "zh_CN")
        await wait_for_text(pilot, "◆ others")
        assert app.query_one(TokenizerView)._kept == "others"


@pytest.mark.usefixtures("all_views")
async def test_a_tab_that_is_written_in_follows_when_it_is_whole(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("f5")
        view, written = app.query_one(ChatView), asyncio.Event()

        async def write():
            await written.wait()
            question = view.talk.say("Say", {"mode": "chat"})
            view.talk.begin_answer(question, {"mode": "chat", "summary": "3 tokens"}, "the end")

        worker = view.run_worker(write(), group="writing")
        speak(app, "zh_CN")
        await speaks(pilot, "zh_CN")
        assert worker.is_running and app.query_one(ChatView) is view
        app.query_one("#prompt", TextArea).text = "typed meanwhile"
        written.set()
        await wait_for(pilot, lambda: app.query(ChatView) and app.query_one(ChatView) is not view, "the new tab")
        await wait_for_text(pilot, "the end")
        await wait_for_text(pilot, "typed meanwhile")
        assert not worker.is_cancelled
        assert app.query_one(TrainingView).heading == "训练"
