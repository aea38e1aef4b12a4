"""Teaching a model from the app: records as it will see them, the job, and how it goes."""

import pytest
from screens import compare, screen_text, wait_for, wait_for_rest, wait_for_text
from textual.widgets import Input, Select, Static

from newleaf.core import language
from newleaf.core.engine.documents import find_task
from newleaf.core.errors import UserError
from newleaf.core.files import append_lines, write_json
from newleaf.core.tasks.data.options import DataOptions
from newleaf.trainer.jobs import list_jobs
from newleaf.tui.app import NewleafApp, next_step
from newleaf.tui.choice_dialog import PAUSE
from newleaf.tui.records_preview import records_content
from newleaf.tui.widgets.form import Form
from newleaf.tui.widgets.switches import Switches

REVIEWS = "review,stars,number\nA great film,good,1\nDull and long,bad,2\n,good,3\n"


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder with records, which is the current one."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "reviews.csv").write_text(REVIEWS.replace("stars", "label"))
    (folder / "stars.csv").write_text(REVIEWS)
    return folder


async def open_dialog(pilot):
    await wait_for(pilot, lambda: pilot.app.focused is not None, "the focus")
    await pilot.press("f4", "f")
    await wait_for_text(pilot, "Fine-tune a model")
    await wait_for(pilot, lambda: pilot.app.screen.query("#command"), "the dialog")


def found(app):
    return str(app.screen.query_one("#found", Static).content)


def command(app):
    return str(app.screen.query_one("#command", Static).content)


async def test_records_are_shown_as_the_model_will_see_them_and_a_job_is_started(tiny_model, data):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_dialog(pilot)
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "Say which file or folder")
        app.screen.look()  # as after the last change: what it finds takes the sentence away from nobody
        await pilot.pause(2 * PAUSE)
        assert "Say which file or folder" in screen_text(app)
        app.screen.query_one("#path", Input).value = "stars.csv"
        await wait_for(pilot, lambda: "fit no task" in found(app), "the columns")
        app.screen.query_one("#column", Input).value = "label=stars"
        await wait_for(pilot, lambda: "Learns classification" in found(app), "the records")
        text = found(app)
        assert "[learns: good<|end|>]" in text and "A great film" in text and "stars.csv, line 4: " in text
        assert "of which it learns" in text and "columns: text=review label=stars" in text
        assert app.screen.query_one("#task", Select).prompt == "classification"
        assert app.screen.query_one("#name", Input).value == "tiny-stars"

        app.screen.query_one("#time", Input).value = "soon"
        await wait_for_text(pilot, "--time is soon")
        app.screen.query_one("#time", Input).value = "90s"
        switches = app.screen.query_one(Switches)
        switches.focus()
        await pilot.press("home", *["down"] * switches.names.index("lora"), "space")
        (rank,) = [entry for entry in app.screen.query_one(Form).query(Input) if entry.name == "rank"]
        rank.value = "4"
        expected = "newleaf finetune tiny stars.csv --task classify --name tiny-stars --time 1m30s --lora --rank 4"
        await wait_for(pilot, lambda: expected in command(app), "the command")
        assert "--column label=stars" in command(app)
        app.keep_draft()
        assert app.draft["finetuning"]["options"] == {"rank": "4", "lora": "on", "time": "90s", "column": "label=stars"}
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: list_jobs(), "the job")
        await wait_for_text(pilot, "tiny-stars")
    (job,) = list_jobs()
    assert job.kind == "finetune" and job.spec["inputs"]["data"] == [["classify", [str(data / "stars.csv")]]]
    assert job.spec["options"]["lora"] and job.spec["options"]["rank"] == 4 and job.spec["options"]["time"] == 90
    assert job.spec["inputs"]["data_options"]["column"] == ["label=stars"]


async def test_without_a_model_there_is_nothing_to_teach(book):
    app = NewleafApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("f4", "f")
        await wait_for_text(pilot, "There is no model yet: press  n")


@pytest.mark.parametrize(
    ("columns", "task", "fits"),
    [
        ("question,answer", "qa", ["chat", "qa"]),
        ("instruction,input,output", "qa", ["chat", "qa", "summary"]),
        ("article,highlights", "summary", ["summary"]),
        ("text,label", "classify", ["classify"]),
        ("en,zh", "translate", ["translate"]),
        ("text,label,summary", "", ["summary", "classify"]),
    ],
)
def test_the_task_is_found_where_the_columns_say_it(tmp_path, columns, task, fits):
    names = columns.split(",")
    rows = [",".join(f"The {name} number {n} of the fox" for name in names) for n in range(6)]
    (tmp_path / "data.csv").write_text("\n".join([columns, *rows]))
    assert find_task([str(tmp_path / "data.csv")], DataOptions()) == (task, fits)


def test_what_fits_no_task_is_said(tmp_path):
    (tmp_path / "data.csv").write_text("a,b,c\n1,2,3\n")
    with pytest.raises(UserError, match="fit no task"):
        find_task([str(tmp_path / "data.csv")], DataOptions())


def test_where_several_tasks_fit_they_are_named():
    text = str(records_content({"task": "", "fits": ["summary", "classify"]}))
    assert text == "The records fit summaries, classification: choose the task."


def test_what_is_wrong_with_records_is_told():
    cut = {"parts": [["Read", False], ["said", True]], "text": "", "tokens": 9, "learnt": 1, "cut": True}
    left_out = {"parts": [], "text": "", "tokens": 0, "learnt": 0, "cut": True}
    problems = [f"a.csv, line {number}: its text is empty" for number in range(5)]
    found = {"task": "qa", "fits": ["chat", "qa"], "columns": {}, "said": ["Left out: 3."], "problems": problems}
    text = str(records_content({**found, "records": [cut, left_out]}))
    assert "its end is left out" in text and "Read[learns: said]" in text and "it is left out" in text
    assert "The records fit chat too." in text and "5 problems" in text and text.endswith(problems[-1])


async def test_a_fine_tuning_is_shown_as_a_training_with_its_scores(newleaf_home):
    folder = newleaf_home / "jobs" / "finetune-a"
    folder.mkdir(parents=True)
    job = {"kind": "finetune", "target": "a", "created": 0.0, "inputs": {}, "options": {}}
    write_json(folder / "job.json", job)
    status = {"state": "finished", "progress": 1.0, "updated": 0.0, "loss": 1.5, "scores": {"classify": 0.9}}
    write_json(folder / "status.json", status)
    events = [{"kind": "step", "step": step, "loss": 3.0 - step, "bits_per_byte": 4.0 - step} for step in (1, 2)]
    events.append({"kind": "eval", "step": 2, "bits_per_byte": 1.25, "scores": {"classify": 0.9}})
    events.append({"kind": "sample", "step": 2, "prompt": "A fine film → ", "text": "good"})
    append_lines(folder / "events.jsonl", events)
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f4")
        await wait_for_text(pilot, "classification: accuracy 0.900")
        screen = screen_text(app)
        assert "held-out answers 1.250 bits per byte" in screen and "A fine film → good" in screen
        await wait_for_text(pilot, "m Longer")
    assert "press F5" in next_step({**job, "state": "finished"})[0]


@pytest.mark.long
@pytest.mark.parametrize("code", ["en", pytest.param("zh_CN", marks=pytest.mark.long)])
async def test_all_of_the_dialog_can_be_seen(tiny_model, data, code):
    language.set_language(code)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("f4", "f")
        await wait_for(pilot, lambda: app.screen.query("#command"), "the dialog")
        app.screen.query_one("#path", Input).value = "reviews.csv"
        await wait_for(pilot, lambda: app.screen.query_one("#column", Input).placeholder, "the records")
        for size in ((80, 24), (60, 20), (200, 50)):
            await pilot.resize_terminal(*size)
            await wait_for_rest(pilot)
            compare(app, f"finetune-{size[0]}x{size[1]}-{code}")
