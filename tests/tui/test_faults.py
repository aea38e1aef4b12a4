"""Nothing that lies damaged on the disk, and no error in a handler, ends the app."""

import pytest
from screens import screen_text, wait_for, wait_for_text

from newleaf.core import store
from newleaf.core.files import write_json
from newleaf.core.home import home
from newleaf.trainer.jobs import create
from newleaf.tui.app import NewleafApp
from newleaf.tui.corpus import CorpusView
from newleaf.tui.kept import JobWatch, entries


@pytest.mark.parametrize("content", ["{", pytest.param("[]", marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("file", "tab"),
    [
        ("corpora/book/manifest.json", "f2"),
        ("corpora/book/report.json", "f2"),
        ("tokenizers/pieces/report.json", "f3"),
        ("models/tiny/config.json", "f5"),
        ("models/tiny/newleaf.json", "f5"),
    ],
)
async def test_a_damaged_file_is_said_to_be_one(book, tokenizer, tiny_model, file, tab, content):
    (home() / file).write_text(content)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(tab)
        await pilot.pause(0.2)
        assert "4 Chat" in screen_text(app)
        if content == "{":
            await wait_for_text(pilot, "damaged")


async def test_a_damaged_corpus_can_be_deleted(book):
    (book / "manifest.json").write_text("{")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "book  damaged")
        await pilot.press("d")
        await wait_for_text(pilot, "Delete corpus book?")
        await pilot.press("y")
        await wait_for(pilot, lambda: store.names("corpora") == [], "the deletion")


def test_one_damaged_folder_does_not_hide_the_others(book, tokenizer):
    (book.parent / "other").mkdir()
    (book.parent / "other" / "manifest.json").write_text("{")

    def describe(name):
        from newleaf.core.corpus.store import Corpus

        return Corpus.open(name).manifest.created, "fine"

    assert [(entry.name, entry.detail) for entry in entries("corpora", describe)] == [
        ("book", "fine"),
        ("other", "damaged"),
    ]


def test_a_damaged_job_does_not_hide_the_others(newleaf_home):
    for number, name in enumerate(("import-a", "import-b")):
        folder = newleaf_home / "jobs" / name
        folder.mkdir(parents=True)
        spec = {"kind": "import", "target": name[-1], "created": float(number), "inputs": {}, "options": {}}
        write_json(folder / "job.json", spec)
        write_json(folder / "status.json", {"state": "finished", "progress": 1.0, "updated": 0.0})
    watch = JobWatch()
    assert [job["name"] for job in watch.look()] == ["import-b", "import-a"]
    (newleaf_home / "jobs" / "import-b" / "job.json").write_text("{")
    assert [job["name"] for job in JobWatch().look()] == ["import-a"]


def test_a_job_that_begins_again_is_looked_at_again(newleaf_home, tmp_path):
    empty = tmp_path / "empty.txt"
    empty.touch()
    watch, states = JobWatch(), []
    for _again in range(2):
        job = create("import", "a", {"paths": [str(empty)]}, {})
        states.append(watch.look()[0]["state"])
        for _events in job.follow():
            pass
        states.append(watch.look()[0]["state"])
    assert states[1::2] == ["failed", "failed"] and set(states[::2]) <= {"queued", "running"}


@pytest.mark.parametrize(
    "draft",
    [
        "{",
        pytest.param("[]", marks=pytest.mark.long),
        pytest.param('{"tab": 7, "prompt": 3, "try": {}, "model": []}', marks=pytest.mark.long),
        pytest.param('{"tab": "nowhere", "controls": [], "training": "x"}', marks=pytest.mark.long),
        '{"controls": {"temperature": 1, "seed": null}, "training": {"corpus": 1, "name": 2, "options": {"time": 3}}}',
    ],
)
async def test_any_draft_is_survived(book, tokenizer, tiny_model, draft):
    (home() / "draft.json").write_text(draft)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("f4", "n")
        await wait_for_text(pilot, "Train a model")
        await pilot.press("escape", "f5")
        await pilot.pause(0.2)
        assert "1 Corpus" in screen_text(app)


async def test_an_error_in_a_handler_is_told_and_leaves_a_report(book, monkeypatch, a_fault_is_expected):
    def broken(self):
        raise RuntimeError("[red]the sky fell")

    monkeypatch.setattr(CorpusView, "action_cancel", broken)
    monkeypatch.setattr(CorpusView, "is_possible", lambda self, action: True)
    app = NewleafApp()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await pilot.pause()
        await pilot.press("x")
        await wait_for_text(pilot, "[red]the sky fell")
        await pilot.press("f3")  # and the app goes on
        await wait_for(pilot, lambda: app.tab == "tokenizer", "the other tab")
    (report,) = (home() / "crash").glob("*.txt")
    assert "the sky fell" in report.read_text()


async def test_an_error_at_each_look_is_told_once(book, monkeypatch, a_fault_is_expected):
    def broken(self):
        raise RuntimeError("again")

    monkeypatch.setattr(JobWatch, "look", broken)
    app = NewleafApp()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await wait_for_text(pilot, "RuntimeError:")
        await pilot.pause(1.5)
        assert len(list(app._notifications)) == 1
