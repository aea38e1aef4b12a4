"""A list that changes under the person keeps its mark, and what was chosen stays chosen."""

import shutil

import pytest
from screens import screen_text, wait_for, wait_for_text
from textual.widgets import Input, OptionList, Select

from newleaf.core import store
from newleaf.core.conversations import Conversations
from newleaf.core.corpus.importing import import_documents
from newleaf.core.home import folder
from newleaf.tui.app import NewleafApp
from newleaf.tui.chat import ChatView
from newleaf.tui.conversations_screen import ConversationsScreen
from newleaf.tui.corpus import CorpusView
from newleaf.tui.kept import place_of
from newleaf.tui.models_screen import ModelsScreen


def test_the_mark_stays_or_goes_to_what_took_its_place():
    assert place_of("b", ["a", "b", "c"], 0) == 1
    assert place_of("b", ["a", "c"], 1) == 1
    assert place_of("c", ["a", "b"], 2) == 1
    assert place_of("a", [], 0) is None
    assert place_of(None, ["a"], None) == 0


async def test_after_a_deletion_its_neighbour_is_marked(newleaf_home):
    for name in ("one", "three", "two", "zero"):
        import_documents([(f"Document {n} of {name}.", name) for n in range(20)], name)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.query_one(CorpusView)
        await wait_for(pilot, lambda: view.marked() == "one", "the list")
        await pilot.press("down", "down", "d")
        await wait_for_text(pilot, "Delete corpus two?")
        await pilot.press("y")
        await wait_for(pilot, lambda: store.names("corpora") == ["one", "three", "zero"], "the deletion")
        await wait_for(pilot, lambda: view.marked() == "zero", "the neighbour")


async def test_the_card_forgets_a_corpus_that_was_deleted(newleaf_home):
    import_documents([(f"Document {n}.", "one") for n in range(20)], "one")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for_text(pilot, "done: one")
        await pilot.press("d")
        await wait_for_text(pilot, "Delete corpus one?")
        await pilot.press("y")
        await wait_for_text(pilot, "▶ 1 Text")


async def test_a_refused_name_leaves_the_mark_where_it_was(tiny_model):
    for name in ("xa", "xb"):
        shutil.copytree(tiny_model, folder("models") / name)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("f10")
        await wait_for(pilot, lambda: isinstance(app.screen, ModelsScreen), "the models")
        await pilot.press("end", "r")
        await wait_for_text(pilot, "What shall model xb be called?")
        app.screen.query_one(Input).value = "xa"
        await pilot.press("enter")
        await wait_for(pilot, lambda: isinstance(app.screen, ModelsScreen), "the models again")
        await pilot.pause()
        assert app.screen.marked() == "xb" and store.names("models") == ["tiny", "xa", "xb"]


@pytest.mark.parametrize("is_talking", [True, False])
async def test_a_model_that_is_new_is_chosen_but_not_into_a_conversation(tiny_model, is_talking):
    kept = Conversations()
    number = kept.begin()
    kept.add(number, None, "user", "Hello", {"mode": "write", "request": {}, "model": "tiny"})
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("f5")
        view = app.query_one(ChatView)
        view.open_talk(number if is_talking else None)
        view.query_one("#mode", Select).value = "summarize"
        await pilot.pause()
        shutil.copytree(tiny_model, folder("models") / "newer")
        view.refresh_models()
        await pilot.pause()
        if is_talking:
            assert (view.model(), view.mode().name) == ("tiny", "summarize")
        else:
            assert view.model() == "newer"


async def test_what_is_typed_among_conversations_is_looked_for(tiny_model):
    kept = Conversations()
    for text in ("geese", "foxes"):
        kept.add(kept.begin(), None, "user", text, {"mode": "write", "request": {}, "model": "tiny"})
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("f5", "ctrl+f")
        await wait_for(pilot, lambda: isinstance(app.screen, ConversationsScreen), "the conversations")
        assert app.screen.query_one(OptionList).has_focus
        await pilot.press(*"geese")
        await wait_for(pilot, lambda: "foxes" not in screen_text(app), "those found")
        assert app.screen.query_one(Input).value == "geese"
