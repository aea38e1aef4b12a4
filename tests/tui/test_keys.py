"""Everything is done with keys alone, from wherever the focus is."""

import pytest
from screens import screen_text, wait_for, wait_for_text
from textual.widgets import Button, DirectoryTree, Input, Static, TextArea

from newleaf.core.corpus.importing import import_documents
from newleaf.trainer.jobs import list_jobs
from newleaf.tui.app import NewleafApp, next_step
from newleaf.tui.chat import ChatView
from newleaf.tui.chat_modes import MODES
from newleaf.tui.kept import free_name
from newleaf.tui.view import View
from newleaf.tui.widgets.form import Form
from newleaf.tui.widgets.status_line import status_text


async def test_the_controls_open_from_the_prompt_and_close_again(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4", "f6")
        await wait_for_text(pilot, "repetition-penalty")
        assert app.focused.name == "n"
        await pilot.press("f6")
        await wait_for(pilot, lambda: "temperature" not in screen_text(app), "the controls to go")
        assert app.focused.id == "prompt"


async def test_the_last_text_is_copied_from_the_prompt(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("4")
        app.query_one(Form).set("min_tokens", "3")  # else it may end at once
        await pilot.press(*"The", "enter")
        await wait_for_text(pilot, "tokens/s")
        await pilot.press("ctrl+y")
        await wait_for_text(pilot, "Copied.")
        assert app.clipboard and app.clipboard == app.query_one(ChatView).last_answer().text


async def test_ctrl_c_without_a_selection_says_how_to_leave(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("4", "ctrl+c")
        await wait_for_text(pilot, "Ctrl+Q leaves newleaf")


async def test_escape_never_quits(book, tokenizer, tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("f2", "f3", "f4", "f5"):
            await pilot.press(key, "escape", "escape")
        assert app.is_running


async def test_digits_go_to_tabs_but_are_typed_into_fields(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3", "4", "2")
        assert app.tab == "chat" and app.query_one("#prompt", TextArea).text == "2"
        await pilot.press("f3")
        assert app.tab == "tokenizer"


async def test_a_choice_shows_all_that_can_be_chosen(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(60, 20)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("f5", "f7")
        await wait_for(pilot, lambda: all(mode in screen_text(app) for mode in MODES), "all modes")
        await pilot.press("escape")
        await wait_for(pilot, lambda: "summarize" not in screen_text(app), "the list is closed")


async def test_a_long_sample_is_scrolled_with_keys(newleaf_home):
    import_documents((("line\n" * 100 + f"end {n}", "file.txt") for n in range(3)), "long")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "to train on")
        await pilot.press("tab", "pagedown")
        await wait_for(pilot, lambda: "to train on" not in screen_text(app), "the next page")
        await pilot.press("end")
        await wait_for_text(pilot, "end 2")


async def test_the_palette_has_what_every_tab_does(book, tokenizer, tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        commands = list(app.get_system_commands(app.screen))
        where = {command.help.split(" · ")[0] for command in commands}
        assert {view.heading for view in app.query(View)} <= where
        assert "Stop writing" not in {command.title for command in commands}  # nothing is being written
        run = next(command.callback for command in commands if command.title == "Add text")
        await run()
        await wait_for_text(pilot, "what the corpus will be called")
        assert app.tab == "corpus"


async def test_the_palette_is_searched_by_what_a_command_does_too(newleaf_home):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("ctrl+p", *"language")
        await wait_for_text(pilot, "简体中文")
        await pilot.press(*" zzz")
        await wait_for_text(pilot, "No command has these words.")


async def test_the_picker_goes_up_and_takes_a_folder(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "beside").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        await wait_for_text(pilot, "Add text")
        await pilot.press("ctrl+o")
        await wait_for_text(pilot, "Choose a file or a folder")
        await pilot.press("backspace")
        await wait_for_text(pilot, "beside")
        assert str(app.screen.query_one(DirectoryTree).path) == str(tmp_path)
        await pilot.press("down", "space")
        await wait_for(pilot, lambda: app.screen.query("#path"), "the dialog")
        await wait_for(pilot, lambda: app.screen.query_one("#path", Input).value, "the path")
        assert app.screen.query_one("#path", Input).value == str(tmp_path / "beside")


async def test_dialogs_propose_names_that_are_free(book, tokenizer, tiny_model, tmp_path):
    assert [free_name("corpora", name) for name in ("book", "new")] == ["book-2", "new"]
    (tmp_path / "book.txt").write_text("Some text.")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        await wait_for_text(pilot, "Add text")
        app.screen.query_one("#path", Input).value = str(tmp_path / "book.txt")
        await wait_for(pilot, lambda: app.screen.query_one("#name", Input).value == "book-2", "the name")


@pytest.mark.parametrize(
    ("kind", "words"), [("import", "press  t  and"), ("tokenizer", "press  t  and"), ("train", "press F5")]
)
def test_what_has_ended_well_leads_to_the_next_step(book, kind, words):
    job = {"kind": kind, "target": "book", "state": "finished"}
    assert words in next_step(job)[0]
    assert next_step({**job, "state": "stopped"}) == ("", "")


def test_who_has_a_tokenizer_is_not_sent_to_train_one(book, tokenizer):
    assert next_step({"kind": "import", "target": "book", "state": "finished"}) == ("", "")


def test_the_status_line_drops_words_but_never_is_cut():
    job = {"kind": "train", "target": "story", "state": "running", "progress": 0.42, "loss": 3.21}
    job |= {"tokens_per_second": 18400.0, "eta_s": 4020.0}
    assert status_text([job], 80) == "● training story 42% · loss 3.210 · 18,400 tokens/s · 1h07m left"
    assert status_text([job], 50) == "● training story 42% · loss 3.210 · 1h07m left"
    assert status_text([job], 36) == "● training story 42% · loss 3.210"
    assert status_text([job] * 5, 80) == "● 5 jobs are running"
    assert all(len(status_text([job] * number, 80)) <= 80 for number in range(1, 9))


def test_the_status_line_counts_those_that_wait_behind_the_one_that_runs():
    job = {"kind": "train", "target": "story", "state": "running", "progress": 0.42, "loss": 3.21}
    job |= {"tokens_per_second": 18400.0, "eta_s": 4020.0}
    queued = {"kind": "train", "target": "next", "state": "queued", "progress": 0.0, "message": "waits"}
    assert status_text([job] + [queued] * 3, 80).endswith("1h07m left  │  3 wait")
    assert status_text([queued, job], 40) == "● training story 42%  │  1 waits"
    assert status_text([job] + [queued] * 3, 24) == "● training story 42%"
    assert status_text([queued] * 9, 40) == "● 9 jobs wait"


async def test_another_preview_takes_the_place_of_the_first(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_text(f"The text of {name}.")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        await wait_for_text(pilot, "Add text")
        for name in ("one", "two"):
            app.screen.query_one("#path", Input).value = str(tmp_path / f"{name}.txt")
            await wait_for_text(pilot, f"The text of {name}.")


@pytest.mark.parametrize(
    "keys",
    [
        ("f2", "a"),
        ("f4", "n"),
        *(pytest.param(keys, marks=pytest.mark.long) for keys in (("f3", "n"), ("f3", "i"), ("f4", "f"))),
    ],
    ids="-".join,
)
async def test_the_buttons_of_a_dialog_do_what_their_keys_do(book, tokenizer, tiny_model, keys):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press(*keys)
        await wait_for(pilot, lambda: len(app.screen_stack) == 2 and app.screen.query("#cancel"), "the dialog")
        if app.screen.query("#pick"):
            app.screen.query_one("#pick", Button).press()
            await wait_for_text(pilot, "Choose a file or a folder")
            await pilot.press("escape")
            await wait_for(pilot, lambda: len(app.screen_stack) == 2, "the dialog again")
            app.screen.query_one("#start", Button).press()
            await wait_for(pilot, lambda: str(app.screen.query(".problem").first(Static).content), "what is missing")
        app.screen.query_one("#cancel", Button).press()
        await wait_for(pilot, lambda: len(app.screen_stack) == 1, "the tab")
        assert list_jobs() == []


async def test_after_the_list_of_modes_one_goes_on_writing(tiny_model):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("f5")
        prompt = app.query_one("#prompt", TextArea)
        for keys in (["escape"], ["enter"], ["down", "enter"], ["end", "enter"]):
            await pilot.press("f7")
            await wait_for_text(pilot, "▲")
            await pilot.press(*keys)
            await wait_for(pilot, lambda: app.focused is prompt, f"the prompt after {keys}")
        await pilot.press("2")
        assert (app.tab, prompt.text, app.query_one(ChatView).mode().name) == ("chat", "2", "classify")
