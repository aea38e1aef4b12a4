"""The screens of models and of knowledge bases: each thing that the command line does with them has a key."""

import pytest
from screens import SMALL, USUAL, screen_text, wait_for, wait_for_text
from textual.widgets import Input, Select
from trainings import pretend_training

from newleaf.core import store
from newleaf.core.errors import UserError
from newleaf.core.knowledge.adding import add_to_named
from newleaf.trainer.jobs import Job
from newleaf.trainer.renaming import rename_model
from newleaf.tui.app import NewleafApp
from newleaf.tui.models_screen import ModelsScreen
from newleaf.tui.widgets.form import Form


async def open_models(pilot):
    await wait_for(pilot, lambda: pilot.app.focused is not None, "the focus")
    await pilot.press("f10")
    await wait_for(pilot, lambda: isinstance(pilot.app.screen, ModelsScreen), "the screen")


@pytest.mark.parametrize("size", [USUAL, SMALL])
async def test_a_model_is_shown_and_renamed(tiny_model, size):
    app = NewleafApp()
    async with app.run_test(size=size) as pilot:
        await open_models(pilot)
        await wait_for_text(pilot, "architecture")
        await pilot.press("r")
        await wait_for_text(pilot, "What shall model tiny be called?")
        app.screen.query_one(Input).value = "small"
        await pilot.press("enter")
        await wait_for(pilot, lambda: store.names("models") == ["small"], "the new name")
        await wait_for_text(pilot, "small  ")
        await pilot.press("d")
        await wait_for_text(pilot, "Delete model small")
        await pilot.press("y")
        await wait_for_text(pilot, "There is no model yet.")


def test_a_model_that_is_at_work_keeps_its_name(tiny_model):
    job = Job(pretend_training("tiny", state="running"))
    lock = job.lock
    assert lock.acquire()
    with pytest.raises(UserError, match="train-tiny is at work"):
        rename_model("tiny", "other")
    lock.release()
    rename_model("tiny", "other")
    with pytest.raises(UserError, match="slash"):
        rename_model("other", "a/b")


async def test_a_model_is_measured_and_written_as_a_file(book, tokenizer, tiny_model, tmp_path):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_models(pilot)
        await wait_for_text(pilot, "architecture")
        await pilot.press("e")
        await wait_for_text(pilot, "newleaf evaluate tiny book")
        await pilot.press("ctrl+y")
        assert app.clipboard == "newleaf evaluate tiny book"
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: "Last evaluation" in screen_text(app), "what it found")
        await pilot.press("x")
        await wait_for_text(pilot, "Write model tiny")
        app.screen.query_one("#path", Input).value = "/no/such/folder/x"
        await wait_for_text(pilot, "--out /no/such/folder/x")
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "cannot be written")
        app.screen.query_one("#path", Input).value = str(tmp_path / "tiny.gguf")
        app.screen.query(Select).last().value = "f16"
        await wait_for_text(pilot, "--type f16")
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: (tmp_path / "tiny.gguf").exists(), "the file")
        assert Job.open("export-tiny").spec["options"]["type"] == "f16"


async def test_a_model_is_imported_and_served(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_models(pilot)
        await pilot.press("i")
        await wait_for_text(pilot, "newleaf model import SOURCE --name NAME")
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "Say which model to import.")
        app.screen.query_one("#path", Input).value = str(tiny_model)
        await wait_for_text(pilot, "--name tiny-2")
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: store.names("models") == ["tiny", "tiny-2"], "the second model")
        await pilot.press("s")
        await wait_for_text(pilot, "newleaf serve tiny --detach")
        app.screen.query_one(Form).set("port", "0")
        await wait_for_text(pilot, "newleaf serve tiny --detach --port 0")
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: "/v1" in Job.open("serve-tiny").status().get("message", ""), "the address")
        await pilot.press("escape", "f9")
        await wait_for_text(pilot, "/v1")
        await pilot.press("s")
        await wait_for(pilot, lambda: Job.open("serve-tiny").state == "stopped", "its end")


async def test_knowledge_bases_are_shown_and_deleted(newleaf_home, tmp_path):
    (tmp_path / "fox.txt").write_text("The fox lives in the wood. " * 20)
    add_to_named([tmp_path / "fox.txt"], "woods")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "k Knowledge")
        await pilot.press("k")
        await wait_for_text(pilot, "fox.txt")
        await wait_for_text(pilot, "passages")
        await pilot.press("ctrl+y")
        assert app.clipboard.startswith("newleaf knowledge add ") and app.clipboard.endswith("--name woods")
        await pilot.press("d")
        await wait_for_text(pilot, "Delete knowledge base woods")
        await pilot.press("y")
        await wait_for(pilot, lambda: store.names("knowledge") == [], "the deletion")
