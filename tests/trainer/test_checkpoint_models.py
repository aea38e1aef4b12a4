"""A checkpoint of a training becomes a model of its own, or is gone on from, from the command line and in the app."""

import shutil

import pytest
import torch
from command_line import data, newleaf
from homes import TINY, with_training
from screens import screen_text, wait_for, wait_for_text
from textual.widgets import Input, Select

from newleaf.core.errors import UserError
from newleaf.core.home import folder
from newleaf.core.model.store import ModelInfo, load_model
from newleaf.trainer.checkpoint_models import CheckpointSource
from newleaf.trainer.checkpoints import list_checkpoints, list_steps
from newleaf.trainer.jobs import Job
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.work import model_importing
from newleaf.tui.app import NewleafApp
from newleaf.tui.chat import ChatView
from newleaf.tui.widgets.form import Form
from newleaf.tui.widgets.prompt import PromptArea


@pytest.fixture(scope="module")
def home(prepared, tmp_path_factory):
    """One with a finished training of the model m, and its checkpoints of steps 10 to 40."""
    options = TrainOptions(steps=40, eval_every=10, keep_every=10, **TINY)
    return with_training(prepared, tmp_path_factory.mktemp("trained") / "home", "m", options)


@pytest.fixture
def trained(home, newleaf_home):
    """The job, in a home of the test's own."""
    shutil.copytree(home, newleaf_home, ignore=shutil.ignore_patterns("*.partial"))
    return Job.open("train-m")


def test_a_checkpoint_becomes_a_model_with_what_was_measured_then(trained):
    assert data("model", "import", "job:train-m@20")["name"] == "m-step-20"
    info, best = ModelInfo.open("m-step-20"), ModelInfo.open("m")
    measured = [event["bits_per_byte"] for event in trained.events()[0] if event["kind"] == "eval"]
    assert info.bits_per_byte == measured[2]  # of steps 0, 10, 20 ...
    assert (info.provenance["step"], info.provenance["tokens"]) == (20, 20 * 128)
    assert info.provenance["source"] == "job:train-m@20"
    assert (info.provenance["corpus"], info.config) == (best.provenance["corpus"], best.config)
    kept = torch.load(list_checkpoints(trained.path / "checkpoints")[2], weights_only=True)["model"]
    for name, weight in load_model(info.path).state_dict().items():
        assert torch.equal(weight, kept[name]), name
    assert data("model", "show", "m-step-20")["source"] == "job:train-m@20"
    assert newleaf("generate", "m-step-20", "The", "--max-tokens", "5").returncode == 0


def test_the_newest_and_the_best_have_names(trained):
    newest, best = CheckpointSource.find("job:train-m"), CheckpointSource.find("job:train-m@best")
    assert (newest.step, str(newest), newest.model_name) == (40, "job:train-m@40", "m-step-40")
    assert best.step == trained.status()["best_step"]
    assert [each.step for each in CheckpointSource.all()] == [40, 30, 20, 10]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("job:train-m@15", "There is no whole checkpoint of 15. There are: 40, 30, 20, 10."),
        ("job:train-m@soon", "There is no whole checkpoint of soon."),
        ("job:train-n", "There is no job train-n. Did you mean train-m?"),
        ("job:", "name"),
    ],
)
def test_what_is_not_there_is_said(trained, source, said):
    with pytest.raises(UserError, match=said):
        model_importing.submit(source)
    assert {path.name for path in folder("models").iterdir()} == {"m", "tiny"}


def test_a_damaged_checkpoint_is_refused(trained):
    path = list_checkpoints(trained.path / "checkpoints")[2]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="no whole checkpoint of 20"):
        CheckpointSource.find("job:train-m@20")


def test_a_job_that_has_made_no_model_is_refused(trained):
    (folder("models") / "m").rename(folder("models") / "other")
    assert CheckpointSource.all() == []
    with pytest.raises(UserError, match="has no model m yet"):
        CheckpointSource(Job.open("train-m"), 20).make("new", lambda *_arguments, **_more: None)
    assert not (folder("models") / "new").exists()


async def test_a_key_of_the_training_tab_makes_a_model_of_a_checkpoint(trained):
    app = NewleafApp()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("f4")
        await wait_for_text(pilot, "Keep")
        for name in ("", "m-step-30"):
            await pilot.press("k")
            await wait_for_text(pilot, "40, 30, 20, 10, best")
            app.screen.query_one("#path", Input).value = "job:train-m@30"
            app.screen.query_one("#name", Input).value = name
            await wait_for_text(pilot, "newleaf model import job:train-m@30 --name m-step-30")
            await pilot.press("ctrl+s")
            await wait_for(pilot, lambda: (folder("models") / "m-step-30").exists(), "the model")
            if name:
                await wait_for_text(pilot, "exists already")


async def test_a_training_goes_on_for_longer_or_from_an_earlier_checkpoint(trained):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4")
        await wait_for_text(pilot, "m Longer")
        await pilot.press("m")
        await wait_for_text(pilot, "newleaf job resume train-m --time +10m")
        origin, form = app.screen.query_one("#origin", Input), app.screen.query_one(Form)
        for name, text, told in (
            ("steps", "+5", "exclude each other"),
            ("time", "later", "later is not how much longer to train"),
        ):
            form.set(name, text)
            await pilot.press("ctrl+s")
            await wait_for_text(pilot, told)
            form.set(name, "")
        form.set("time", "")
        form.set("steps", "+5")
        form.set("gpus", "some")
        origin.value = "20"
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "it must be a number")
        assert list_steps(trained.path / "checkpoints")[0] == 40  # what is wrong removes nothing
        form.set("gpus", "")
        origin.value = "7"
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "There is no whole checkpoint of 7")
        origin.value = "30"
        await wait_for_text(pilot, "newleaf job resume train-m --from 30 --steps +5")
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: trained.status().get("step") == 35 and trained.state == "finished", "the end")
    steps = [event["step"] for event in trained.events()[0] if event["kind"] == "step"]
    assert steps == [*range(1, 41), *range(31, 36)]


async def test_a_checkpoint_answers_beside_its_model(trained):
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("f5")
        view = app.query_one(ChatView)
        app.query_one("#model", Select).value = "m"
        app.query_one(Form).set("max_tokens", "4")
        app.query_one(PromptArea).text = "The"
        await pilot.press("enter")
        await wait_for_text(pilot, "length")
        await wait_for(pilot, lambda: view.writing() is None, "the end")
        app.query_one(PromptArea).text = "/compare 2"
        await pilot.press("enter")
        await wait_for(pilot, lambda: screen_text(app).count("length") == 2, "two answers")
        choice = app.screen.query_one(Select)
        assert "m, step 10" in [str(title) for title, _value in choice._options]
        choice.value = "job:train-m@10"
        await wait_for_text(pilot, "2  m-step-10")
        await wait_for(pilot, lambda: screen_text(app).count("length") == 2, "two answers")
        await pilot.press("r")  # the model is there now, and stays
        await wait_for(pilot, lambda: screen_text(app).count("length") == 2, "two answers")
        assert [path.name for path in folder("models").glob("m-*")] == ["m-step-10"]
