"""From nothing to a model that writes, with a key a step and no dialog."""

import pytest
from homes import TINY
from screens import SMALL, USUAL, screen_text, wait_for, wait_for_text
from textual.widgets import Input
from trainings import pretend_training

from newleaf.core import store
from newleaf.trainer import resuming, usual
from newleaf.trainer.jobs import Job
from newleaf.trainer.options import TrainOptions
from newleaf.tui.app import NewleafApp
from newleaf.tui.first_steps import is_possible, steps
from newleaf.tui.widgets.steps_card import StepsCard


@pytest.fixture
def short(monkeypatch):
    options = TrainOptions(steps=4, **TINY)
    monkeypatch.setattr(usual, "SHORT", options)


def offered(app):
    """What the footer offers for t."""
    return [active.binding.description for key, active in app.screen.active_bindings.items() if key == "t"]


@pytest.mark.parametrize("size", [USUAL, SMALL])
async def test_one_key_leads_from_a_corpus_to_a_model(book, short, size):
    app = NewleafApp()
    async with app.run_test(size=size) as pilot:
        await wait_for_text(pilot, "done: book")
        assert "▶ 2 Tokenizer" in screen_text(app)
        await pilot.press("t")
        await wait_for(pilot, lambda: store.names("tokenizers") == ["book"], "the tokenizer")
        assert app.tab == "tokenizer" and len(app.screen_stack) == 1
        await wait_for_text(pilot, "press  t  and train a model")
        await wait_for(pilot, lambda: offered(app) == ["Train for 5 minutes"], "the key")
        await pilot.press("t")
        await wait_for(pilot, lambda: store.names("models") == ["book"], "the model")
        assert app.tab == "training" and len(app.screen_stack) == 1
        await wait_for(pilot, lambda: Job.open("train-book").state == "finished", "the end")
        assert offered(app) == []
        await pilot.press("1")
        await wait_for_text(pilot, "▶ 4 Writing")
        await pilot.press("f5")
        app.keep_draft()
        await pilot.press("f2")
        await wait_for(pilot, lambda: not app.query_one(StepsCard).display, "the card to go")


@pytest.mark.long
async def test_the_sample_text_is_the_first_step(newleaf_home):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await wait_for_text(pilot, "to take sample text")
        await pilot.press("t")
        await wait_for_text(pilot, "at work:")
        assert app.tab == "corpus"
        await wait_for(pilot, lambda: store.names("corpora") == ["python"], "the corpus")
        await wait_for_text(pilot, "done: python")


async def test_a_path_that_is_pasted_opens_the_import(newleaf_home, tmp_path):
    (tmp_path / "story.txt").write_text("A fox.")
    app = NewleafApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for_text(pilot, "1 Text")
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        app.post_message(_paste("no path at all"))
        await wait_for_text(pilot, "What was pasted")
        app.post_message(_paste(str(tmp_path / "story.txt")))
        await wait_for_text(pilot, "Add text")
        await wait_for(pilot, lambda: app.screen.query_one("#name", Input).value == "story", "the name")


def _paste(text):
    from textual.events import Paste

    return Paste(text)


def test_who_has_a_model_needs_no_step(tiny_model):
    assert [step.done for step in steps([])] == [True, True, True]
    assert is_possible("first_text", []) and not is_possible("first_model", [])


def test_a_step_at_work_is_not_offered_again(newleaf_home):
    job = {"kind": "import", "target": "python", "state": "running", "progress": 0.5}
    assert steps([job])[0].share == 0.5
    assert is_possible("first_text", []) and not is_possible("first_text", [job])


async def test_a_training_that_was_stopped_goes_on(book, tokenizer, monkeypatch):
    pretend_training("book", state="stopped")
    resumed = []
    monkeypatch.setattr(resuming, "resume", lambda job: resumed.append(job.name))
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "▶ 3 Model")
        await pilot.press("t")
        await wait_for(pilot, lambda: resumed == ["train-book"], "the training to go on")
