"""The tab for using a model: asking, summing up, translating and classifying, beside writing and chatting."""

import json

import pytest
from homes import TEMPLATE
from screens import compare, screen_text, wait_for, wait_for_rest, wait_for_text
from textual.widgets import Input, Select

from newleaf.core import language, store
from newleaf.core.errors import UserError
from newleaf.core.files import write_json
from newleaf.core.generation.stream import left_out_text
from newleaf.core.knowledge.adding import add_to_named
from newleaf.core.model.store import ModelInfo
from newleaf.tui.app import NewleafApp
from newleaf.tui.chat import ChatView
from newleaf.tui.chat_answers import bars, left_out_lines
from newleaf.tui.chat_modes import MODES, file_of, is_able, shortcoming, usual_mode
from newleaf.tui.widgets.conversation import Conversation
from newleaf.tui.widgets.mode_inputs import ModeInputs
from newleaf.tui.widgets.path_input import PathInput
from newleaf.tui.widgets.prompt import PromptArea

PAIRS = {"languages": [["de", "zh"], ["en", "zh"]]}
LABELS = {"labels": ["good", "bad"], "temperature": 1.0}
KETTLE = "The kettle holds two litres of water. It is guaranteed for five years."
STORY = "The fox ran far. The fox saw the geese in the field. It was late."


@pytest.fixture
def teach(tiny_model):
    """A function that writes down what the model tiny was taught: tasks with what it remembers of each."""

    def write(follows=False, **tasks):
        (tiny_model / "newleaf.json").write_text(json.dumps({"tasks": tasks, "follows": follows}))
        if tasks or follows:
            (tiny_model / "chat_template.jinja").write_text(TEMPLATE)
        return ModelInfo.open("tiny")

    return write


async def open_chat(pilot, mode=None):
    await wait_for(pilot, lambda: pilot.app.focused is not None, "the focus")
    await pilot.press("f5")
    await wait_for(pilot, lambda: pilot.app.query_one(ChatView).model() == "tiny", "the model")
    if mode:
        pilot.app.query_one("#mode", Select).value = mode
        line = "#prompt" if mode == "write" else f"#for-{mode}"
        await wait_for(pilot, lambda: pilot.app.query_one(line).display, "the mode")
        await pilot.pause()


async def send(pilot, text):
    """Type and send; what stands in the transcript at the end."""
    transcript, view = pilot.app.query_one(Conversation), pilot.app.query_one(ChatView)
    before = transcript.text.count("\n─ ")
    pilot.app.query_one(PromptArea).text = text
    view.take_focus()
    await pilot.press("enter")
    await wait_for(pilot, lambda: transcript.text.count("\n─ ") > before, "the end of the answer")
    return transcript.text.split("▸ ")[-1]


def test_a_model_is_for_what_it_was_taught(teach):
    assert usual_mode(teach()) == "write"
    assert usual_mode(teach(follows=True)) == "chat"
    assert usual_mode(teach(translate=PAIRS)) == "translate"
    assert usual_mode(teach(qa={}, follows=True)) == "ask"
    assert usual_mode(teach(qa={}, summary={}, follows=True)) == "chat"
    assert usual_mode(teach(summary={}, classify=LABELS)) == "summarize"
    assert usual_mode(None) == "write"


def test_a_mode_says_what_the_model_was_not_taught(teach):
    info = teach()
    assert not any(shortcoming(info, MODES[name]) == "" for name in MODES if name != "write")
    assert "Teach it: F4, then  f  there." in shortcoming(info, MODES["translate"])
    assert not is_able(info, MODES["translate"])
    assert shortcoming(teach(follows=True), MODES["translate"]) == ""
    info = teach(translate=PAIRS)
    assert shortcoming(info, MODES["translate"]) == "" and is_able(info, MODES["translate"])
    assert shortcoming(info, MODES["classify"]) and is_able(info, MODES["classify"])


def test_a_prompt_may_be_the_path_of_a_file(tmp_path):
    path = tmp_path / "my story.txt"
    path.write_text("x")
    assert file_of(str(path)) == file_of(f" '{path}'\n") == path
    assert file_of(str(tmp_path)) is None and file_of(f"{path} and more") is None
    assert file_of("") is None and file_of(f"{path}\n{path}") is None and file_of("x" * 9000) is None


def test_bars_tell_with_numbers_and_the_likeliest_comes_first():
    lines = bars({"no": 0.25, "好的": 0.75}).splitlines()
    assert lines == ["好的  ███████████████░░░░░   75.0%", "no    █████░░░░░░░░░░░░░░░   25.0%"]
    many = bars({str(number): 0.1 for number in range(10)}).splitlines()
    assert len(many) == 9 and many[-1] == "and 2 more: 20.0%"


def test_messages_that_are_left_out_are_counted():
    assert "its 4 oldest messages are left out" in left_out_text(99, True, 4)
    assert left_out_text(0, True, 0) == ""


def test_files_that_were_left_out_are_told_some_by_name():
    lines = left_out_lines([(f"{number}.pdf", "it has no text") for number in range(7)])
    assert lines[0] == "0.pdf: it has no text; left out." and len(lines) == 6 and "2 more" in lines[-1]


async def test_each_mode_says_its_shortcoming_before_anything_is_sent(teach):
    teach()
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot)
        assert app.query_one("#mode", Select).value == "write"
        for mode, words in {
            "chat": "not taught to chat",
            "ask": "best sentence",
            "summarize": "own sentences",
            "classify": "the names of those",
            "translate": "cannot do it",
        }.items():
            app.query_one("#mode", Select).value = mode
            await wait_for_text(pilot, words)
        app.query_one("#prompt", PromptArea).text = "Good morning."
        app.query_one(ChatView).take_focus()
        await pilot.press("enter")
        await pilot.pause()
        assert app.query_one("#prompt", PromptArea).text == "Good morning."  # kept
        assert "cannot do it" in screen_text(app) and app.query_one(Conversation).text == ""

        await pilot.press("f7", "down", "enter")  # with keys alone
        await wait_for_text(pilot, "two or more")
        await wait_for(pilot, lambda: app.focused.id == "prompt", "the prompt")
        await pilot.press("shift+tab")
        assert app.focused.id == "labels"
        await pilot.press(*"a,b", "enter")
        assert app.focused.id == "prompt"


async def test_documents_are_asked_by_path_and_as_a_knowledge_base(teach, tmp_path):
    teach()
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "manual.txt").write_text(KETTLE)
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.7 nothing")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot, "ask")
        app.query_one(PathInput).value = "/no/such/file"
        assert "/no/such/file" in await send(pilot, "Why?")
        app.query_one(PathInput).value = str(folder)
        answer = await send(pilot, "How much water does the kettle hold?")
        assert "\nThe kettle holds two litres of water.\n" in answer and "[1] papers/manual.txt" in answer
        assert "damaged.pdf: " in answer and "best passage" in answer and "1 passage" in answer
        answer = await send(pilot, "Where do penguins sleep?")
        assert "\nNot found in the documents.\n" in answer and "litres" not in answer

        await pilot.press("f8")
        await wait_for_text(pilot, "Add documents to ask")
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "Say which files")
        app.screen.query_one("#path", Input).value = str(folder)
        await wait_for(pilot, lambda: app.screen.query_one("#name", Input).value == "papers", "the name")
        await wait_for_text(pilot, "Ctrl+Y copies: newleaf knowledge add")
        await pilot.press("ctrl+y")
        assert app.clipboard == f"newleaf knowledge add {folder} --name papers"
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "Knowledge base papers: 1 document, 1 passage")
        await wait_for_text(pilot, "damaged.pdf: ")
        await pilot.press("escape")
        await wait_for(pilot, lambda: app.query_one("#knowledge", Select).value == "papers", "the choice")
        assert not app.query_one(PathInput).display
        assert "two litres" in await send(pilot, "How much water does the kettle hold?")
    assert store.names("knowledge") == ["papers"]


async def test_texts_and_files_are_classified_summed_up_and_translated_and_escape_ends_it(teach, tmp_path):
    teach(classify=LABELS, translate=PAIRS)
    path = tmp_path / "a story.txt"
    path.write_text(STORY)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot, "summarize")
        app.query_one("#words", Input).value = "20"
        app.query_one("#style", Select).value = "bullets"
        answer = await send(pilot, str(path))
        assert "\n- The fox " in answer and "sentences of the text" in answer
        app.query_one("#words", Input).value = "many"
        app.query_one("#prompt", PromptArea).text = "x"
        await pilot.press("enter")
        await wait_for_text(pilot, "many is no number of words")

        app.query_one("#mode", Select).value = "translate"
        await wait_for(pilot, lambda: app.query_one("#for-translate").display, "the mode")
        assert app.query_one("#to", Select).value == "zh"  # the only one
        app.query_one("#from", Select).value = "en"
        option(app, "max_tokens", "3")
        answer = await send(pilot, "Good morning.\nIt is late.")
        assert "─ en → zh · " in answer and "sentences" in answer
        app.query_one("#prompt", PromptArea).text = "It is late, and the fox is far away.\n" * 2000
        await pilot.press("enter")
        await wait_for_text(pilot, "% of the text")
        await pilot.press("escape")
        await wait_for_text(pilot, "─ stopped")

        app.query_one("#mode", Select).value = "classify"  # the engine is free for it
        await wait_for_text(pilot, "those it learnt: good, bad")
        typed, of_file = await send(pilot, STORY), await send(pilot, f"'{path}'")
        assert "good  " in typed and "bad  " in typed and "%" in typed and "of 2 labels" in typed
        assert typed.split("\n")[1:] == of_file.split("\n")[1:]
        app.query_one("#labels", Input).value = "one"
        app.query_one("#prompt", PromptArea).text = "Well"
        await pilot.press("enter")
        await wait_for_text(pilot, "Name two labels at least")


def option(app, name, value):
    """Type into the controls."""
    (entry,) = [entry for entry in app.query("Form Input") if entry.name == name]
    entry.value = value


async def test_the_system_prompt_comes_first_and_the_oldest_messages_go(teach, monkeypatch):
    teach(follows=True)
    app = NewleafApp()
    prompts = []
    generate = app.engine.generate
    monkeypatch.setattr(app.engine, "generate", lambda *asked: prompts.append(asked[1]) or generate(*asked))
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot)
        await wait_for(pilot, lambda: app.query_one("#for-chat").display, "the mode")
        app.query_one("#system", Input).value = "Be short."
        option(app, "max_tokens", "4")
        for _again in range(3):
            await send(pilot, "Do you know the way?")
        assert [message["role"] for message in prompts[1]] == ["system", "user", "assistant", "user"]
        assert prompts[2][0]["content"] == "Be short."
        await wait_for_text(pilot, "oldest messages are left out")


async def test_who_asks_without_documents_hears_by_which_keys_they_come(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot, "ask")
        app.query_one(ChatView).take_focus()
        await pilot.press(*"Who?", "enter")
        await wait_for_text(pilot, "Ctrl+O chooses a file")
        assert app.query_one(PromptArea).text == "Who?"


async def test_where_the_language_of_a_text_says_into_which_none_is_to_be_chosen(teach):
    teach(translate={"languages": [["en", "zh"], ["zh", "en"]]})
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot)
        await wait_for_text(pilot, "the other one")
        assert app.query_one(ModeInputs).request("translate") == {"from": None, "to": None}
        teach(translate={"languages": [["en", "zh"], ["en", "de"]]})
        app.query_one(ModeInputs).show("translate", ModelInfo.open("tiny"))
        with pytest.raises(UserError, match="Choose the language"):
            app.query_one(ModeInputs).request("translate")


async def test_the_draft_keeps_the_mode_and_what_it_needs(teach, newleaf_home):
    teach(follows=True)
    kept = {"model": "tiny", "mode": "translate", "inputs": {"style": "prose", "to": "fr", "words": "30"}}
    write_json(newleaf_home / "draft.json", kept)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot)
        await wait_for(pilot, lambda: app.query_one("#mode", Select).value == "translate", "the mode")
        await wait_for(pilot, lambda: app.query_one("#to", Select).value == "fr", "the language")
        assert app.query_one(ModeInputs).texts() == kept["inputs"]
        app.query_one("#to", Select).value = "de"
        app.keep_draft()
        assert app.draft["inputs"]["to"] == "de" and app.draft["mode"] == "translate"


@pytest.mark.long
@pytest.mark.parametrize("code", ["en", pytest.param("zh_CN", marks=pytest.mark.long)])
async def test_all_of_a_mode_can_be_seen(teach, code, tmp_path):
    teach(follows=True, translate=PAIRS, classify=LABELS)
    (tmp_path / "manual.txt").write_text(KETTLE)
    add_to_named([tmp_path / "manual.txt"], "papers")
    language.set_language(code)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot)
        for mode in ("chat", "summarize", "translate", "classify", "ask"):
            app.query_one("#mode", Select).value = mode
            await wait_for(pilot, lambda m=mode: app.query_one(f"#for-{m}").display, "the mode")
            await wait_for_rest(pilot)
            compare(app, f"chat-{mode}-80x24-{code}")
        for size in ((60, 20), (200, 50)):
            await pilot.resize_terminal(*size)
            await wait_for_rest(pilot)
            compare(app, f"chat-ask-{size[0]}x{size[1]}-{code}")
