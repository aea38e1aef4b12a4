"""The tab for text: what is brought, merged, cleaned again, and what that would change, seen before it is done."""

import pytest
from screens import BROAD, USUAL, WIDE, compare, screen_text, wait_for, wait_for_text
from textual import events
from textual.widgets import Input, Select

from newleaf.core import language, store
from newleaf.core.corpus.importing import ImportOptions, import_documents
from newleaf.core.corpus.store import Corpus
from newleaf.trainer.jobs import Job, create, list_jobs
from newleaf.tui.app import NewleafApp
from newleaf.tui.widgets.form import Form
from newleaf.tui.widgets.job_progress import progress_text
from newleaf.tui.widgets.path_input import PathInput, split_paths
from newleaf.tui.widgets.switches import Switches


@pytest.fixture
def texts(tmp_path):
    """A folder with files of several kinds; one is damaged."""
    folder = tmp_path / "texts"
    folder.mkdir()
    story = "\n\n".join(f"Chapter {n}. The caf\u00c3\u00a9 of the fox, and its {n * 7} geese.   " for n in range(200))
    (folder / "story.txt").write_text(story, "utf-8")
    (folder / "poems.csv").write_text("number,text\n" + "".join(f"{n},Poem {n} of the sea.\n" for n in range(50)))
    (folder / "notes.jsonl").write_text("".join(f'{{"text": "Note {n}: more geese."}}\n' for n in range(50)))
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.7 nothing")
    return folder


async def open_dialog(pilot, key, text):
    await wait_for(pilot, lambda: pilot.app.focused is not None, "the focus")
    await pilot.press(key)
    await wait_for_text(pilot, text)
    await wait_for(pilot, lambda: pilot.app.screen.query("#switches"), "the switches")


def option(app, name, value):
    """Type into the form, or choose there."""
    (entry,) = [entry for entry in app.screen.query_one(Form).query("Input, Select") if entry.name == name]
    entry.value = value


async def turn(pilot, name):
    """Turn a switch with keys alone."""
    switches = pilot.app.screen.query_one("#switches", Switches)
    switches.focus()
    await pilot.press("home", *["down"] * switches.names.index(name), "space")


def command(app):
    return str(app.screen.query_one("#command").content)


def found(app):
    return str(app.screen.query_one("#found").content)


async def test_a_folder_of_several_kinds_is_looked_into_and_imported(texts):
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await open_dialog(pilot, "a", "Add text")
        app.screen.query_one("#path", Input).value = str(texts)
        await wait_for_text(pilot, "4 files")
        for text in ("1 cannot be read", "damaged.pdf", "column text", "documents cleaned for a try", "+ ", "- "):
            await wait_for_text(pilot, text)
        assert "Ã©" in found(app) and "café" in found(app)
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: store.names("corpora") == ["texts"], "the corpus")
        await wait_for_text(pilot, "to train on")
    report = Corpus.open("texts").report
    assert report["sources"] == 4 and report["formats"].keys() >= {"text", "table", "JSON"}


async def test_a_switch_changes_what_is_shown_the_command_and_the_job(texts):
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await open_dialog(pilot, "a", "Add text")
        app.screen.query_one("#path", Input).value = str(texts / "story.txt")
        await wait_for_text(pilot, "text in the wrong encoding repaired: ")
        await turn(pilot, "mojibake")
        await wait_for_text(pilot, "[ ] mojibake *")
        await wait_for_text(pilot, "Space turns it")
        await wait_for(pilot, lambda: "wrong encoding" not in found(app), "the next try")
        await turn(pilot, "stop_words")
        await wait_for(pilot, lambda: "most frequent words removed" in found(app), "the next try")
        assert command(app).endswith("--mojibake off --stop-words on")
        await turn(pilot, "strict")
        option(app, "held_out", "0.2")
        option(app, "documents", "paragraph")
        await wait_for(pilot, lambda: "--documents paragraph" in command(app), "the command")
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: list_jobs(), "the job")
    options = list_jobs()[0].spec["options"]
    expected = ImportOptions(mojibake="off", stop_words="on", strict=True, held_out=0.2, documents="paragraph")
    assert options == expected.as_dict()


async def test_a_preset_turns_what_nobody_has_turned(texts):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_dialog(pilot, "a", "Add text")
        switches = app.screen.query_one("#switches", Switches)
        await turn(pilot, "quality")
        assert switches.said() == {"quality": True} and not switches.is_on("boilerplate")
        app.screen.query_one("#preset", Select).value = "strict"
        await wait_for(pilot, lambda: switches.is_on("boilerplate"), "the preset")
        assert switches.said() == {}  # quality is on by the preset now
        app.screen.query_one("#preset", Select).value = "none"
        await wait_for(pilot, lambda: not switches.is_on("boilerplate"), "the preset")
        assert not any(map(switches.is_on, switches.names))
        assert app.screen.chosen() == ImportOptions(clean="none")


async def test_several_paths_are_dropped_or_pasted_or_chosen(texts, monkeypatch):
    monkeypatch.chdir(texts)
    (texts / "my poem.txt").write_text("A poem of the sea.")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_dialog(pilot, "a", "Add text")
        path = app.screen.query_one(PathInput)
        path.post_message(events.Paste(f"{texts}/my poem.txt\n{texts}/story.txt\n"))
        await wait_for(pilot, lambda: len(path.paths()) == 2, "the paths")
        assert path.paths() == [f"{texts}/my poem.txt", f"{texts}/story.txt"]
        await wait_for_text(pilot, "2 files")
        path.value = "'my poem.txt'"
        await pilot.press("ctrl+o")
        await wait_for_text(pilot, "Choose a file or a folder")
        await wait_for_text(pilot, "poems.csv")
        await pilot.press("down", "space")
        await wait_for(pilot, lambda: app.screen.query(PathInput), "the dialog")
        await wait_for(pilot, lambda: len(path.paths()) == 2, "the second path")
        assert path.paths()[0] == "my poem.txt" and path.paths()[1].startswith(str(texts))


def test_paths_are_read_as_terminals_write_them(tmp_path):
    (tmp_path / "a b").touch()
    assert split_paths(f"  {tmp_path}/a b ") == [f"{tmp_path}/a b"]
    assert split_paths("/a\\ b '/c d' file:///e%20f") == ["/a b", "/c d", "/e f"]
    assert split_paths("it's") == ["it's"] and split_paths(" ") == []
    assert split_paths("x" * 9000) == ["x" * 9000] and split_paths("a\0b") == ["a\0b"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/no/such/file", "There is no file or folder /no/such/file."),
        pytest.param("-", "Standard input is for the command line", marks=pytest.mark.long),
        ("hf:owner/name", "A data set is loaded when it is imported"),
        pytest.param("/no/such/*.txt", "No file fits /no/such/*.txt.", marks=pytest.mark.long),
    ],
)
async def test_what_cannot_be_looked_into_is_told_in_its_place(newleaf_home, path, sentence):
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await open_dialog(pilot, "a", "Add text")
        app.screen.query_one("#path", Input).value = path
        await wait_for(pilot, lambda: sentence in found(app), sentence)


async def test_wrong_options_are_told_at_once_and_no_job_begins(texts):
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await open_dialog(pilot, "a", "Add text")
        app.screen.query_one("#path", Input).value = str(texts)
        option(app, "languages", "en klingon")
        await wait_for_text(pilot, "--languages is klingon")
        option(app, "held_out", "7")
        await wait_for_text(pilot, "--held-out is 7")
        await pilot.press("ctrl+s", "ctrl+y")
        await pilot.pause()
        assert list_jobs() == [] and not app.clipboard
        option(app, "languages", "en, zh")
        option(app, "held_out", "")
        await wait_for(pilot, lambda: command(app).endswith("--languages en --languages zh"), "the command")


async def test_the_command_is_copied(texts):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_dialog(pilot, "a", "Add text")
        app.screen.query_one("#path", Input).value = f"'{texts}'"
        app.screen.query_one("#name", Input).value = "my text"
        await pilot.press("ctrl+y")
        await wait_for(pilot, lambda: app.clipboard, "the copy")
        assert app.clipboard == f"newleaf corpus add {texts} --name 'my text'"


async def test_what_was_chosen_and_not_imported_is_there_again(texts):
    for again in (False, True):
        app = NewleafApp()
        async with app.run_test(size=(80, 24)) as pilot:
            await open_dialog(pilot, "a", "Add text")
            if not again:
                app.screen.query_one("#path", Input).value = str(texts)
                await turn(pilot, "personal")
                option(app, "exclude", "*.pdf '*.old file'")
                await wait_for(pilot, lambda app=app: "--exclude" in command(app), "the command")
                app.keep_draft()
            expected = ImportOptions(personal="on", exclude=["*.pdf", "*.old file"])
            assert app.screen.chosen() == expected and app.screen.paths() == [str(texts)]


async def test_a_corpus_is_extended_as_it_was_made(texts, newleaf_home):
    import_documents(
        [(f"Mail {n} to person{n}@example.org", "mail") for n in range(30)], "mine", ImportOptions(personal="on")
    )
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "mine")
        await open_dialog(pilot, "e", "Extend corpus mine")
        assert app.screen.query_one("#switches", Switches).said() == {"personal": True}
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "Say which file or folder to import.")
        app.screen.query_one("#path", Input).value = str(texts / "poems.csv")
        await wait_for_text(pilot, "poems.csv")
        assert command(app).endswith(f"newleaf corpus extend mine {texts / 'poems.csv'}")
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: Corpus.open("mine").manifest.total.documents == 80, "the new documents")
        await wait_for(pilot, lambda: "76 documents" in screen_text(app), "the report")


async def test_corpora_are_merged(newleaf_home):
    for name, word in (("one", "geese"), ("two", "foxes"), ("three", "owls")):
        import_documents([(f"Document {n} is about {word}.", name) for n in range(20)], name)
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "three")
        await open_dialog(pilot, "m", "Merge corpora")
        assert app.screen.corpora() == ["one"]  # the one that is marked
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "Choose two corpora or more")
        await pilot.press("end", "space")
        await wait_for_text(pilot, "40 documents cleaned for a try")
        assert command(app).endswith("newleaf corpus merge one two --name merged")
        await pilot.press("ctrl+s")
        await wait_for(pilot, lambda: "merged" in store.names("corpora"), "the corpus")
    assert Corpus.open("merged").manifest.total.documents == 40


async def test_a_corpus_is_cleaned_again_under_its_name_once_that_is_confirmed(newleaf_home):
    import_documents([(f"Mail {n} to person{n}@example.org", "mail") for n in range(30)], "mine")
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_for_text(pilot, "mine")
        await open_dialog(pilot, "c", "Clean corpus mine again")
        assert app.screen.query_one("#name", Input).value == "mine-clean"
        await wait_for_text(pilot, "nothing to change")
        await turn(pilot, "personal")
        await wait_for_text(pilot, "- Mail 0 to person0@example.org")
        assert command(app).endswith("newleaf corpus clean mine --name mine-clean --personal on")
        app.screen.query_one("#name", Input).value = "mine"
        await pilot.press("ctrl+s")
        await wait_for_text(pilot, "Replace corpus mine")
        assert list_jobs() == []
        await pilot.press("y")
        await wait_for(pilot, lambda: Corpus.open("mine").report["options"]["personal"] == "on", "the new corpus")
        assert not any("@" in text for text in Corpus.open("mine").documents())


async def test_an_import_that_runs_is_watched_and_stopped(tmp_path, newleaf_home):
    (tmp_path / "big.txt").write_text("".join(f"Line {n} of a text that is long.\n\n" for n in range(600_000)))
    job = create("import", "big", {"paths": [str(tmp_path / "big.txt")]}, ImportOptions(documents="line").as_dict())
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "x stops it.")
        await wait_for_text(pilot, "x Stop")
        await pilot.press("x")
        await wait_for(pilot, lambda: Job.open(job.name).state == "stopped", "the stop")
        await wait_for(pilot, lambda: "x stops it." not in screen_text(app), "the line to go")
    assert store.names("corpora") == []


def test_the_progress_of_an_import_has_a_rate_and_the_time_left():
    job = {"kind": "import", "target": "books", "state": "running", "progress": 0.4, "message": "a.txt"}
    text = progress_text({**job, "bytes_per_second": 2.5e6, "eta_s": 90})
    assert "40%" in text and "2.5 MB/s" in text and "1m30s left" in text
    assert "/s" not in progress_text({**job, "bytes_per_second": 0.0})


async def test_the_event_loop_goes_on_while_cleaning_is_tried(texts):
    (texts / "many.jsonl").write_text("".join(f'{{"text": "{"word " * 9000}{n}"}}\n' for n in range(40)))
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_dialog(pilot, "a", "Add text")
        app.screen.query_one("#preset", Select).value = "strict"
        app.screen.query_one("#path", Input).value = str(texts)
        for _again in range(5):  # each takes the place of the one before
            await turn(pilot, "quality")
        await wait_for_text(pilot, "documents cleaned for a try")
        await wait_for(pilot, lambda: "Before and after: trying" not in screen_text(app), "the last try's end")
        assert "documents cleaned for a try" in screen_text(app)


@pytest.mark.long
@pytest.mark.parametrize(
    ("key", "heading", "size"),
    [
        pytest.param("a", "Add text", (60, 20), marks=pytest.mark.long),
        ("a", "Add text", (80, 24)),
        pytest.param("e", "Extend corpus one", (60, 20), marks=pytest.mark.long),
        pytest.param("m", "Merge corpora", (60, 20), marks=pytest.mark.long),
        pytest.param("c", "Clean corpus one", (60, 20), marks=pytest.mark.long),
        pytest.param("a", "Add text", (200, 50), marks=pytest.mark.long),
        pytest.param("e", "Extend corpus one", (80, 24), marks=pytest.mark.long),
        pytest.param("m", "Merge corpora", (80, 24), marks=pytest.mark.long),
        pytest.param("c", "Clean corpus one", (80, 24), marks=pytest.mark.long),
    ],
)
async def test_every_option_of_a_dialog_can_be_reached_and_nothing_is_cut_off(newleaf_home, size, key, heading):
    for name in ("one", "two"):
        import_documents([(f"Document {n} of {name}.", name) for n in range(20)], name)
    app = NewleafApp()
    async with app.run_test(size=size) as pilot:
        await wait_for_text(pilot, "one")
        await open_dialog(pilot, key, heading)
        screen = app.screen
        names = set()
        for _step in range(30):
            names.add(app.focused.name)
            assert app.focused.region in screen.region, app.focused
            await pilot.press("tab")
            await pilot.pause()
        assert names >= {"clean", "chinese", "languages", "held_out", "held_out_by", "near_duplicate_similarity"}
        for node in screen.query("Button, .meaning, .command, #name, #path"):
            assert node.region in screen.region, node
        for button in screen.query("Button"):
            assert str(button.label) in screen_text(app)
        switches = screen.query_one("#switches", Switches)
        switches.focus()
        for name in switches.names:
            await wait_for_text(pilot, f"] {name.replace('_', '-')}")
            meaning = screen.query_one(".meaning")
            assert meaning.get_content_height(meaning.size, app.size, meaning.size.width) <= meaning.size.height
            await pilot.press("down")


@pytest.mark.parametrize("size", [USUAL, BROAD, WIDE])
@pytest.mark.parametrize("code", ["en", pytest.param("zh_CN", marks=pytest.mark.long)])
async def test_the_dialog_with_a_before_and_after(texts, size, code, monkeypatch):
    monkeypatch.chdir(texts.parent)
    language.set_language(code)
    app = NewleafApp()
    async with app.run_test(size=size) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("a")
        await wait_for(pilot, lambda: app.screen.query("#switches"), "the dialog")
        app.screen.query_one("#path", Input).value = "texts"
        await wait_for(pilot, lambda: "+ " in found(app), "the before and after")
        before = app.screen._tried
        await turn(pilot, "boilerplate")
        await wait_for(pilot, lambda: app.screen._tried is not before and "..." not in title(app), "the next try")
        await pilot.pause()
        compare(app, f"import-{size[0]}x{size[1]}-{code}")


def title(app):
    return str(app.screen.query_one(".found-title").content)
