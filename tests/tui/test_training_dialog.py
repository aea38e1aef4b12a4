"""The dialog that plans and starts a training: the plan is that of what stands there, the name is free."""

import contextlib

import pytest
from screens import wait_for, wait_for_text
from textual.widgets import Input, Select, Static
from trainings import pretend_training

from newleaf.core.corpus.importing import import_documents
from newleaf.core.files import write_json
from newleaf.core.home import folder
from newleaf.trainer.jobs import Job
from newleaf.trainer.plan import Machine, make_plan
from newleaf.tui import training_dialog
from newleaf.tui.app import NewleafApp
from newleaf.tui.kept import free_name
from newleaf.tui.widgets.form import Form

HERE = Machine("cpu", "test", 2, 8 << 30, {"nano": 1e11, "mini": 1e11}, "float32")


@pytest.fixture(autouse=True)
def planner(monkeypatch):
    """Plans at once."""

    async def plan(corpus, tokenizer, options, *_more):
        return make_plan(options, HERE, 420, 1_000_000, 50_000)

    monkeypatch.setattr(training_dialog, "ask_plan", plan)


async def open_dialog(pilot):
    await pilot.press("3", "n")
    await wait_for_text(pilot, "Train a model")
    await wait_for(pilot, lambda: pilot.app.screen.query(Form), "the form")


def option(app, name):
    return next(entry for entry in app.screen.query(Form).last().query(Input) if entry.name == name)


def plan(app):
    return str(app.screen.query_one(".plan", Static).content)


async def test_a_plan_goes_when_anything_that_it_was_made_of_changes(book, tokenizer):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_dialog(pilot)
        await pilot.press("ctrl+l")
        await wait_for_text(pilot, "passes over the text")
        option(app, "time").focus()
        await pilot.pause(0.2)
        assert "passes over the text" in plan(app)  # nothing has changed
        option(app, "time").value = "20m"
        await wait_for(pilot, lambda: not plan(app), "the plan to go")
        await pilot.press("ctrl+l")
        await wait_for_text(pilot, "passes over the text")


@contextlib.contextmanager
def at_work(name, kind="train"):
    """A training that is at work, as far as anybody can see."""
    path = pretend_training(name, state="running")
    if kind != "train":
        path = path.rename(path.with_name(f"{kind}-{name}"))
    lock = Job(path).lock
    assert lock.acquire()
    yield
    lock.release()


def test_a_name_that_a_job_is_making_is_not_free(book, tokenizer):
    with at_work("kj"), at_work("kj-2", kind="finetune"):
        assert free_name("models", "kj") == "kj-3"
        assert free_name("corpora", "kj") == "kj"
    pretend_training("stopped", state="stopped")
    assert free_name("models", "stopped") == "stopped"  # it has no work yet: it gives way
    (folder("jobs") / "train-stopped" / "checkpoints" / "step-10").mkdir(parents=True)
    assert free_name("models", "stopped") == "stopped-2"


async def test_the_name_that_is_proposed_is_free_each_time(book, tokenizer):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_dialog(pilot)
        assert app.screen.query_one("#name", Input).value == "book"
        await pilot.press("escape")
        await wait_for(pilot, lambda: len(app.screen_stack) == 1, "the tab")
        assert app.draft["training"]["name"] == ""  # nobody has typed it
        with at_work("book"):
            await open_dialog(pilot)
            assert app.screen.query_one("#name", Input).value == "book-2"
            await pilot.press(*"mine", "escape")
            await wait_for(pilot, lambda: len(app.screen_stack) == 1, "the tab")
            await open_dialog(pilot)
            assert app.screen.query_one("#name", Input).value == "mine"


async def test_a_tokenizer_that_is_being_trained_has_its_name_already(book):
    path = folder("jobs") / "tokenizer-book"
    path.mkdir()
    spec = {"format": 1, "kind": "tokenizer", "target": "book", "created": 1.0, "inputs": {}, "options": {}}
    write_json(path / "job.json", spec)
    write_json(path / "status.json", {"state": "running", "progress": 0.1, "updated": 1.0, "pid": 1})
    lock = Job(path).lock
    assert lock.acquire()
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "n")
        await wait_for_text(pilot, "Train a tokenizer")
        assert app.screen.query_one("#name", Input).value == "book-2"
        await pilot.press("escape")
        await wait_for(pilot, lambda: len(app.screen_stack) == 1, "the tab")
        assert app.draft["tokenizer"]["name"] == ""
    lock.release()


def chosen(app, key):
    return app.screen.query_one(f"#{key}", Select).value


async def test_what_was_chosen_is_there_again_and_a_start_takes_no_model_along(
    book, tokenizer, tiny_model, monkeypatch
):
    app, started = NewleafApp(), []
    monkeypatch.setattr(training_dialog.training, "submit", lambda *what: started.append(what) or Job(folder("jobs")))
    async with app.run_test(size=(80, 24)) as pilot:
        await open_dialog(pilot)
        app.screen.query_one("#tokenizer", Select).value = "pieces"
        app.screen.query_one("#origin", Select).value = "tiny"
        await pilot.press("escape", "n")
        await wait_for(pilot, lambda: app.screen.query(Form), "the form")
        assert (chosen(app, "tokenizer"), chosen(app, "origin")) == ("pieces", "tiny")
        app.screen.query_one("#tokenizer", Select).clear()
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: started, "the start")
        assert started[0][4] == "tiny"
        await wait_for(pilot, lambda: not app.screen.query(Form), "the dialog to go")
        await pilot.press("n")
        await wait_for(pilot, lambda: app.screen.query(Form), "the form")
        assert chosen(app, "origin") is Select.NULL


async def test_the_name_follows_the_corpus_until_another_is_typed(book, tokenizer):
    import_documents([("A fox. " * 300, "fox")], "foxes")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_dialog(pilot)
        name, corpus = app.screen.query_one("#name", Input), app.screen.query_one("#corpus", Select)
        for each in ("book", "foxes"):
            corpus.value = each
            await wait_for(pilot, lambda each=each: name.value == each, "the name")
        name.value = "mine"
        corpus.value = "book"
        await pilot.pause(0.2)
        assert name.value == "mine"


async def test_of_many_wrong_values_the_first_are_said_and_how_many_there_are_besides(book, tokenizer):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_dialog(pilot)
        for key in ("time", "context", "batch_tokens", "learning_rate", "dropout"):
            option(app, key).value = "nonsense"
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "Wrong besides: 2.")
