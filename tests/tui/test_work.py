"""The four tabs do the real work, through the same jobs as the command line."""

import pytest
from homes import TEMPLATE, TINY
from screens import screen_text, wait_for, wait_for_text
from textual.widgets import Input, Select, TextArea

from newleaf.core import store
from newleaf.core.corpus.store import Corpus
from newleaf.core.generation.generate import Writer
from newleaf.trainer.jobs import LIVE, Job, list_jobs
from newleaf.tui.app import NewleafApp
from newleaf.tui.chat import ChatView, PromptArea
from newleaf.tui.widgets.conversation import Conversation
from newleaf.tui.widgets.form import Form


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "my story.txt"
    path.write_text("\n\n".join(f"Chapter {n}. The fox number {n} saw {n * 7} geese." for n in range(900)), "utf-8")
    return path


def fill(app, values):
    """Type into the form of the dialog that is open."""
    for entry in app.screen.query(Form).last().query(Input):
        if entry.name in values:
            entry.value = values[entry.name]
    for choice in app.screen.query(Form).last().query(Select):
        if choice.name in values:
            choice.value = values[choice.name]


async def test_text_is_imported_with_a_preview(text_file):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        await wait_for_text(pilot, "Add text")
        app.screen.query_one("#path", Input).value = f"'{text_file}'"  # as a terminal drops it
        await wait_for_text(pilot, "The fox number 0")
        assert app.screen.query_one("#name", Input).value == "my-story"
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: store.names("corpora") == ["my-story"], "the corpus")
        await wait_for_text(pilot, "Next: press  2 ")
    assert Corpus.open("my-story").manifest.total.documents > 1


@pytest.mark.parametrize(
    ("path", "name", "sentence"),
    [("/no/such/file.txt", "x", "no file or folder"), ("", "x", "Say which file"), ("{file}", "a/b", "slash")],
)
async def test_a_wrong_import_shows_its_sentence_and_goes_on(text_file, path, name, sentence):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        await wait_for_text(pilot, "Add text")
        app.screen.query_one("#path", Input).value = path.format(file=text_file).replace(" ", "\\ ")
        await pilot.pause()  # a name comes with the path
        app.screen.query_one("#name", Input).value = name
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, sentence)
        assert list_jobs() == []
        await pilot.press("escape")


async def test_an_import_that_fails_says_why(tmp_path):
    (tmp_path / "empty.txt").touch()
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        await wait_for_text(pilot, "Add text")
        app.screen.query_one("#path", Input).value = str(tmp_path / "empty.txt")
        app.screen.query_one("#name", Input).value = "nothing"
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "empty.txt was not imported")


async def test_a_tokenizer_is_trained_and_tried(book):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "n")
        await wait_for_text(pilot, "Train a tokenizer")
        app.screen.query_one("#name", Input).value = "mine"
        fill(app, {"vocab_size": "400"})
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: store.names("tokenizers") == ["mine"], "the tokenizer")
        await wait_for_text(pilot, "mine: bpe")
        app.query_one("#try-text", TextArea).text = "The language"
        await wait_for_text(pilot, "12 bytes")
        await wait_for_text(pilot, "|")


async def test_a_wrong_option_shows_its_sentence(book):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "n")
        await wait_for_text(pilot, "Train a tokenizer")
        fill(app, {"vocab_size": "many", "character_coverage": "7"})
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "--vocab-size is many")
        assert "0.98" in screen_text(app)
        assert list_jobs() == []


async def test_a_field_that_was_emptied_stays_empty(book, tokenizer):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        for time, then in (("5m", ""), ("", "10m"), ("10m", "")):
            await pilot.press("3", "n")
            await wait_for_text(pilot, "Train a model")
            assert app.screen.query_one(Form).texts().get("time", "") == time
            fill(app, {"time": "soon"})
            await wait_for_text(pilot, "--time is soon")
            fill(app, {"time": then, "steps": "" if then else "100"})
            await wait_for(pilot, lambda: "is soon" not in screen_text(app), "what was wrong is mended")
            await pilot.press("escape")
            await wait_for(pilot, lambda: len(app.screen_stack) == 1, "the tab")


async def test_a_model_is_planned_trained_watched_stopped_and_resumed(book, tokenizer):
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3", "n")
        await wait_for_text(pilot, "Train a model")
        app.screen.query_one("#name", Input).value = "m"
        values = {"time": "", "steps": "3000", "context": "32", "batch_tokens": "128", "size": "nano"}
        fill(app, {**values, "eval_every": "50", "device": "cpu", "dtype": "float32", "compile": "off"})
        app.keep_draft()
        assert app.draft["training"]["name"] == "m" and app.draft["training"]["options"]["steps"] == "3000"
        await pilot.press("ctrl+l")
        await wait_for_text(pilot, "passes over the text")
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: any(job["state"] == "running" and "loss" in job for job in app.jobs), "steps")
        await wait_for_text(pilot, "bits per byte")
        for tab in "1234":  # what runs shows everywhere
            await pilot.press("f" + str(int(tab) + 1))
            await wait_for_text(pilot, "● training m")
        await pilot.press("f4")
        await wait_for_text(pilot, "it writes:")
        await pilot.press("s")
        await wait_for(pilot, lambda: Job.open("train-m").state == "stopped", "the stop")
        await wait_for_text(pilot, "Press  r")
        await pilot.press("r")
        await wait_for(pilot, lambda: Job.open("train-m").state == "running", "the resumption")
        await wait_for_text(pilot, "s Stop")
        await pilot.press("s")
        await wait_for(pilot, lambda: Job.open("train-m").state == "stopped", "the second stop")


async def test_the_app_finds_jobs_that_run_and_leaves_them_running(book, tokenizer):
    from newleaf.trainer.options import TrainOptions
    from newleaf.trainer.work import training

    options = TrainOptions(steps=100_000, **TINY)
    job = training.submit("book", "m", options, "pieces")
    for _again in range(2):
        app = NewleafApp()
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("f4")
            await wait_for_text(pilot, "● training m")
        assert job.state in LIVE
    job.stop()


async def test_a_model_writes_and_the_same_seed_writes_the_same(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        fill(app, {"seed": "5", "max_tokens": "12"})
        texts = []
        for number in (1, 2):
            await pilot.press(*"The")
            await pilot.press("enter")
            transcript = app.query_one(Conversation)
            await wait_for(pilot, lambda n=number, t=transcript: t.text.count("seed 5") == n, "the text")
            texts.append(transcript.text.split("▸ ")[number].split("\n─")[0])
        assert texts[0] == texts[1] and texts[0].startswith("The") and len(texts[0]) > 3
        assert app.query_one("#prompt", PromptArea).text == ""


@pytest.mark.long
async def test_a_model_that_was_taught_to_chat_chats(tiny_model):
    (tiny_model / "chat_template.jinja").write_text(TEMPLATE)
    app = NewleafApp()
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        assert app.query_one("#mode", Select).value == "chat"
        entries = {entry.name: entry for entry in app.query_one(Form).query(Input)}
        assert entries["temperature"].placeholder == "0.0"  # what holds in a chat
        fill(app, {"seed": "5", "max_tokens": "6"})
        transcript, view = app.query_one(Conversation), app.query_one(ChatView)
        for number, text in enumerate(("Hi", "More"), 1):
            await pilot.press(*text)
            await pilot.press("enter")
            await wait_for(pilot, lambda n=number: transcript.text.count("seed 5") == n, "the answer")
        said = [(message.role, message.text.strip()) for message in view.talk.path]
        assert [role for role, _text in said] == ["user", "assistant"] * 2
        assert [said[0][1], said[2][1]] == ["Hi", "More"]
        answers = [completion.text.strip() for completion in expected(tiny_model, [said[:1], said[:3]])]
        assert [said[1][1], said[3][1]] == answers
        await pilot.press("ctrl+n")
        assert view.talk.path == [] and transcript.turns == []
        app.query_one("#mode", Select).value = "write"
        await pilot.pause()
        assert entries["temperature"].placeholder == "0.8"


def expected(path, chats):
    """What the library answers."""
    writer = Writer.at(path)
    for chat in chats:
        messages = [{"role": role, "content": text} for role, text in chat]
        yield writer.generate(messages, writer.options(messages, {"max_tokens": 6}))[0][0]


async def test_writing_can_be_stopped_and_the_app_stays(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        fill(app, {"max_tokens": "100000", "temperature": "0"})  # at 0 this model never ends
        await pilot.press(*"The")
        await pilot.press("enter")
        transcript = app.query_one(Conversation)
        await wait_for(pilot, lambda: len(transcript.text) > 60, "some text")
        await pilot.press("escape")
        await wait_for(pilot, lambda: "stopped" in transcript.text, "the stop")
        fill(app, {"max_tokens": "3"})
        await pilot.press(*"Again")
        await pilot.press("enter")
        await wait_for(pilot, lambda: "3 tokens" in transcript.text, "the next text")


async def test_a_wrong_sampling_option_shows_its_sentence(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("4")
        fill(app, {"temperature": "warm"})
        await pilot.press("x", "enter")
        await wait_for_text(pilot, "--temperature is warm")
        assert app.query_one("#prompt", PromptArea).text == "x"  # kept


async def test_ctrl_j_begins_a_new_line(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4", "a", "ctrl+j", "b")
        assert app.query_one("#prompt", PromptArea).text == "a\nb"


async def test_what_is_deleted_is_asked_for_first(book, tokenizer):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "book")
        await pilot.press("d")
        await wait_for_text(pilot, "Delete corpus book?")
        await pilot.press("escape")
        await pilot.pause()
        assert store.names("corpora") == ["book"]
        await pilot.press("d")
        await wait_for_text(pilot, "Delete corpus book?")
        await pilot.press("y")
        await wait_for(pilot, lambda: store.names("corpora") == [], "the deletion")


async def test_names_that_look_like_markup_are_shown_as_they_are(book):
    book.rename(book.with_name("[bold]x[reverse] [red"))
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "[bold]x[reverse] [red")
        for key in ("2", "n"):
            await pilot.press(key)
        await wait_for_text(pilot, "[bold]x[reverse] [red")


async def test_every_button_of_the_training_dialog_is_seen_in_a_small_window(book, tokenizer):
    app = NewleafApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("3", "n")
        await wait_for_text(pilot, "Cancel (Esc)")
        assert "Start (Ctrl+S)" in screen_text(app) and "Plan (Ctrl+L)" in screen_text(app)
        assert "Ctrl+Y" in screen_text(app)


async def test_in_a_small_window_the_controls_have_all_of_it(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.press("f5", "f6")
        await wait_for_text(pilot, "temperature")
        form = app.query_one("ChatView").query_one(Form)
        assert form.region.width > 50
        await pilot.press("f6")
        await wait_for(pilot, lambda: app.query_one("#prompt").has_focus, "the prompt")
