"""Conversations in the chat tab: turns are edited, written again, gone on with, compared, judged, found, and kept."""

import json

import pytest
from homes import TEMPLATE
from screens import SMALL, USUAL, WIDE, compare, screen_text, wait_for, wait_for_rest, wait_for_text
from textual.widgets import Input, Select

from newleaf.core.conversations import Conversations
from newleaf.core.language import set_language
from newleaf.tui.app import NewleafApp
from newleaf.tui.chat import ChatView
from newleaf.tui.conversations_screen import ConversationsScreen
from newleaf.tui.side_by_side import SideBySide
from newleaf.tui.widgets.conversation import Conversation
from newleaf.tui.widgets.form import Form
from newleaf.tui.widgets.prompt import PromptArea


@pytest.fixture
def chatting(tiny_model):
    """A home with a model that chats."""
    (tiny_model / "chat_template.jinja").write_text(TEMPLATE)
    return Conversations()


def talk(kept, *texts, mode="chat"):
    """Keep a conversation of questions and answers, the first of them last; its number."""
    number, parent = kept.begin(), None
    for index, text in enumerate(texts):
        role = "assistant" if index % 2 else "user"
        details = {"mode": mode, "request": {}, "model": "tiny", "summary": "3 tokens"}
        parent = kept.add(number, parent, role, text, details)
    return number


async def open_chat(pilot, number=None, **options):
    """The chat tab with a conversation, and with what is set in the controls."""
    await wait_for(pilot, lambda: pilot.app.focused is not None, "the focus")
    await pilot.press("f5")
    view = pilot.app.query_one(ChatView)
    if number is not None:
        view.open_talk(number)
    for name, value in {"seed": 1, "max_tokens": 4, **options}.items():
        pilot.app.query_one(Form).set(name, str(value))
    await pilot.pause()
    return view


async def send(pilot, text):
    pilot.app.query_one(PromptArea).text = text
    pilot.app.query_one(PromptArea).focus()
    await pilot.press("enter")


def newest(view):
    """The number of the last message that is shown."""
    return view.talk.path[-1].id if view.talk.path else 0


async def written(pilot, view, before):
    """Wait for an answer that is newer than the message `before`."""

    def is_there():
        path = view.talk.path
        return path and path[-1].role == "assistant" and path[-1].id > before and not view.is_writing

    await wait_for(pilot, is_there, "the end of the answer")
    await wait_for_rest(pilot)


def shown(app):
    return [(turn.by_person, turn.text) for turn in app.query_one(Conversation).turns]


async def test_what_was_said_is_there_again_when_the_app_is_opened_again(chatting):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_chat(pilot)
        await send(pilot, "Hello there")
        await written(pilot, view, 0)
        before = shown(app)
        assert before[0] == (True, "Hello there") and before[1][1]
        app.keep_draft()
    again = NewleafApp()
    async with again.run_test(size=(80, 24)) as pilot:
        await pilot.press("f5")
        await wait_for_text(pilot, "Hello there")
        assert shown(again) == before
        await pilot.press("ctrl+n")
        assert shown(again) == []
    (summary,) = chatting.all()
    assert (summary.title, summary.messages) == ("Hello there", 2)


async def test_an_answer_is_written_again_beside_the_first_and_both_can_be_shown(chatting):
    number = talk(chatting, "Question", "old answer")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_chat(pilot, number)
        await pilot.press("escape")  # from the prompt to the turns
        await wait_for_text(pilot, "r Again")
        before = newest(view)
        await pilot.press("r")
        await written(pilot, view, before)
        new = shown(app)[-1]
        assert new != (False, "old answer") and "‹2/2›" in screen_text(app)
        await pilot.press("left")
        assert shown(app)[-1] == (False, "old answer") and "‹1/2›" in screen_text(app)
        await pilot.press("left")
        assert shown(app)[-1] == new
        assert [message.id for message in chatting.path_of(number)][-1] == view.talk.path[-1].id
        await pilot.press("escape")
        assert app.query_one(PromptArea).has_focus


async def test_an_edited_question_begins_a_branch_that_the_model_answers(chatting):
    number = talk(chatting, "First", "answer", "Second", "another answer")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_chat(pilot, number)
        await pilot.press("escape", "home", "e")
        prompt = app.query_one(PromptArea)
        assert prompt.text == "First" and prompt.has_focus
        before = newest(view)
        await pilot.press(*", edited", "enter")
        await written(pilot, view, before)
        assert [text for _person, text in shown(app)][:1] == ["First, edited"] and len(shown(app)) == 2
        await pilot.press("escape", "home", "left")
        assert [text for _person, text in shown(app)] == ["First", "answer", "Second", "another answer"]


async def test_an_edit_can_be_left(chatting):
    number = talk(chatting, "First", "answer")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot, number)
        await pilot.press("escape", "home", "e", "x", "escape")
        assert app.query_one(PromptArea).text == ""
        assert chatting.all()[0].messages == 2


async def test_an_answer_can_be_edited_and_is_what_the_model_is_told_from_then_on(chatting):
    number = talk(chatting, "First", "answer")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_chat(pilot, number)
        await pilot.press("escape", "e")
        await pilot.press(*" better", "enter")
        await pilot.pause()
        assert shown(app)[-1] == (False, "answer better")
        question = view.talk.say("More", {"mode": "chat", "request": {}})
        assert [message["content"] for message in view.talk.told(question)] == ["First", "answer better", "More"]


@pytest.mark.parametrize("mode", [pytest.param("write", marks=pytest.mark.long), "chat"])
async def test_an_answer_is_gone_on_with(chatting, mode):
    number = talk(chatting, "The", " fox said", mode=mode)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_chat(pilot, number, min_tokens=3)
        await pilot.press("escape", "c")
        await wait_for(pilot, lambda: len(shown(app)[-1][1]) > len(" fox said"), "more")
        await written(pilot, view, 0)
        text = shown(app)[-1][1]
        assert text.startswith(" fox said") and len(text) > len(" fox said")
        assert chatting.path_of(number)[-1].text == text and chatting.all()[0].messages == 2


async def test_several_completions_stand_beside_each_other(chatting):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_chat(pilot, n=3, temperature=1)
        await send(pilot, "Say")
        await written(pilot, view, 0)
        assert "‹1/3›" in screen_text(app)
        texts = set()
        await pilot.press("escape")
        for _time in range(3):
            texts.add(shown(app)[-1][1])
            await pilot.press("right")
        assert len(texts) == 3


async def test_each_token_tells_how_sure_the_model_was_and_what_else_there_was(chatting):
    number = talk(chatting, "Say", "Seven geese.")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot, number)
        await pilot.press("escape", "t")
        await wait_for_text(pilot, "likeliest:")
        turn = app.query_one(Conversation).turn
        assert "".join(turn.text[token.begin : token.end] for token in turn.tokens) == "Seven geese."
        assert all(0 < token.probability < 1 and len(token.others) == 6 for token in turn.tokens)
        await pilot.press("right")
        assert turn.at_token == 1 and "geese." in screen_text(app)
        await pilot.press("t")
        assert not turn.tokens and "likeliest:" not in screen_text(app)
        await pilot.press("t")
        await wait_for_text(pilot, "likeliest:")
        await pilot.press("ctrl+n")
        await wait_for(pilot, lambda: "likeliest:" not in screen_text(app), "the line is gone with its turn")


async def test_a_judgement_is_kept_and_taken_back(chatting):
    number = talk(chatting, "Say", "good words")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot, number)
        await pilot.press("escape", "plus")
        await wait_for_text(pilot, "─ good")
        assert chatting.path_of(number)[-1].rating == 1
        await pilot.press("minus")
        await wait_for_text(pilot, "─ bad")
        await pilot.press("minus")
        assert chatting.path_of(number)[-1].rating == 0 and "bad" not in screen_text(app)


async def test_markdown_is_shown_when_it_is_asked_for(chatting):
    number = talk(chatting, "Say", "# Head\n\n* one\n* two")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot, number)
        await wait_for_text(pilot, "# Head")
        await pilot.press("escape", "m")
        await wait_for_text(pilot, "• one")
        assert "# Head" not in screen_text(app)
        await pilot.press("m")
        await wait_for_text(pilot, "# Head")


async def test_answers_are_compared_and_the_one_that_is_chosen_is_preferred(chatting):
    number = talk(chatting, "Say", "old")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot, number, temperature=1)
        await pilot.press("escape", "a")
        await wait_for(pilot, lambda: isinstance(app.screen, SideBySide), "the screen")
        await wait_for(pilot, lambda: screen_text(app).count("length") == 2, "two answers")
        await pilot.press("plus")
        await wait_for(pilot, lambda: screen_text(app).count("length") == 3, "three answers")
        await pilot.press("2")
        await wait_for_text(pilot, "‹3/4›")
        assert "good" in screen_text(app)
        preferences = chatting.preferences()
        assert len(preferences) == 2 and all("chosen" in each for each in preferences)


@pytest.mark.long
async def test_two_models_answer_side_by_side(chatting, tiny_model):
    import shutil

    shutil.copytree(tiny_model, tiny_model.parent / "other")
    number = talk(chatting, "Say", "old")
    app = NewleafApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await open_chat(pilot, number)
        app.query_one("#model", Select).value = "tiny"
        await send(pilot, "/compare 2 other")
        await wait_for(pilot, lambda: isinstance(app.screen, SideBySide), "the screen")
        await wait_for(pilot, lambda: screen_text(app).count("length") == 2, "two answers")
        assert "1  tiny" in screen_text(app) and "2  other" in screen_text(app)
        await pilot.press("escape")
        await wait_for_text(pilot, "‹1/3›")  # none was chosen: what stood there still does
        assert {message.details["model"] for message in chatting.path_of(number) if message.role == "assistant"} == {
            "tiny"
        }


async def test_conversations_are_found_opened_renamed_written_out_and_deleted(chatting, tmp_path):
    talk(chatting, "About mountains", "They are high.")
    sea = talk(chatting, "About the sea", "It is deep.")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot, sea)
        await pilot.press("ctrl+f")
        await wait_for(pilot, lambda: isinstance(app.screen, ConversationsScreen), "the screen")
        await wait_for_text(pilot, "2 conversations")
        app.screen.query_one(Input).value = "high"
        await wait_for_text(pilot, "1 conversation")
        assert "They are high." in screen_text(app) and "sea" not in screen_text(app)
        await pilot.press("f2")
        await wait_for_text(pilot, "Another title")
        app.screen.query_one(Input).value = "Hills"
        await pilot.press("enter")
        await wait_for_text(pilot, "Hills")
        for name, beginning in (("a.md", "# Hills"), ("a.jsonl", '{"messages": [')):
            await pilot.press("f6")
            await wait_for_text(pilot, "Write it to")
            app.screen.query_one(Input).value = str(tmp_path / name)
            await pilot.press("enter")
            await wait_for(pilot, (tmp_path / name).exists, "the file")
            assert (tmp_path / name).read_text().startswith(beginning)
        await wait_for(pilot, lambda: isinstance(app.screen, ConversationsScreen), "the screen")
        await pilot.press("down", "enter")
        await wait_for_text(pilot, "They are high.")
        assert app.query_one(ChatView).talk.path[0].text == "About mountains"
        await pilot.press("ctrl+f")
        await wait_for_text(pilot, "2 conversations")
        await pilot.press("delete")
        await wait_for_text(pilot, "Delete the conversation Hills?")
        await pilot.press("y")
        await wait_for_text(pilot, "1 conversation")
        await pilot.press("escape")
        await wait_for(pilot, lambda: shown(app) == [], "a new conversation")  # the open one is gone
    assert [summary.title for summary in chatting.all()] == ["About the sea"]


async def test_judgements_are_written_for_preference_learning(chatting, tmp_path):
    number = talk(chatting, "Say", "words")
    chatting.rate(chatting.path_of(number)[-1].id, -1)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot)
        await pilot.press("ctrl+f", "f7")
        await wait_for_text(pilot, "good and bad")
        app.screen.query_one(Input).value = str(tmp_path / "p.jsonl")
        await pilot.press("enter")
        await wait_for(pilot, (tmp_path / "p.jsonl").exists, "the file")
    (record,) = map(json.loads, (tmp_path / "p.jsonl").read_text().splitlines())
    assert record["label"] is False and record["completion"][0]["content"] == "words"


WRONG = {
    "/set temperature banana": "it must be a number",
    "/nothing": "There is no /nothing",
    "/mode": "/mode needs more",
    "/mode sing": "There is no mode sing",
    "/model gone": "gone",
    "/set heat 3": "There is no heat",
    "/again": "There is no answer yet",
    "/compare 9": "Compare 2 to 4",
    "/export a.md": "There is no conversation yet",
}


async def test_a_command_that_cannot_be_says_so(chatting):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot)
        for typed, answer in WRONG.items():
            await send(pilot, typed)
            await wait_for_text(pilot, answer)


async def test_commands_are_hinted_at_and_done(chatting, tmp_path):
    number = talk(chatting, "Say", "words")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_chat(pilot, number)
        await pilot.press("slash")
        await wait_for_text(pilot, "/export")
        await pilot.press(*"ren")
        await wait_for_text(pilot, "gives the conversation a title")
        await pilot.press(*"ame Geese", "enter")
        assert chatting.all()[0].title == "Geese"
        await send(pilot, f"/export {tmp_path / 'geese.md'}")
        assert (tmp_path / "geese.md").read_text().startswith("# Geese")
        await send(pilot, "/set temperature 0.5")
        assert app.query_one(Form).texts()["temperature"] == "0.5"
        await send(pilot, "/good")
        await wait_for(pilot, lambda: chatting.path_of(number)[-1].rating == 1, "the judgement")
        await send(pilot, "/again")
        await wait_for(pilot, lambda: len(view.talk.path[-1].siblings) == 2, "another answer")
        await written(pilot, view, 0)
        await send(pilot, "/mode write")
        assert view.mode().name == "write"
        await send(pilot, "/new")
        assert view.talk.path == []


async def test_a_slash_alone_says_what_there_is_and_sends_nothing(chatting):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_chat(pilot)
        await pilot.press("slash", "enter")
        await wait_for_text(pilot, "Esc closes this")
        assert view.talk.path == []


async def test_a_mode_is_also_known_by_the_name_on_the_screen(chatting, monkeypatch):
    monkeypatch.setenv("NEWLEAF_LANGUAGE", "zh_CN")
    set_language("zh_CN")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_chat(pilot)
        await send(pilot, "/mode 摘要")
        assert view.mode().name == "summarize"
        await send(pilot, "/mode write")
        assert view.mode().name == "write"


async def test_how_full_the_context_is_follows_the_branch(chatting):
    number = talk(chatting, "Say", "first")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_chat(pilot, number, max_tokens=4)
        assert "tokens" not in screen_text(app).split("context", 1)[-1] or "context" not in screen_text(app)
        await pilot.press("escape")
        before = newest(view)
        await pilot.press("r")
        await written(pilot, view, before)
        await wait_for_text(pilot, "context")
        await pilot.press("left")
        await wait_for(pilot, lambda: "context" not in screen_text(app), "the old answer, of which nothing is known")
        await pilot.press("right")
        await wait_for_text(pilot, "context")


async def test_arrows_bring_back_what_was_sent_before(chatting):
    talk(chatting, "older", "x", "newer", "y")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot)
        prompt = app.query_one(PromptArea)
        await pilot.press(*"mine", "up")
        assert prompt.text == "newer"
        await pilot.press("up", "up")
        assert prompt.text == "older"
        await pilot.press("down", "down")
        assert prompt.text == "mine"


async def test_a_damaged_file_of_conversations_is_told_and_the_app_goes_on(chatting):
    chatting.path.write_bytes(b"not a database, but long enough to be taken for one" * 50)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot)
        await send(pilot, "Hello")
        await wait_for_text(pilot, "Move the file")
        assert app.query_one(PromptArea).text == "Hello"  # nothing is lost


async def test_a_reply_that_grows_is_kept_while_it_is_written(chatting, monkeypatch):
    monkeypatch.setattr("newleaf.tui.turn_actions.KEPT", 0.05)
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        view = await open_chat(pilot, max_tokens=1_000_000, temperature=0)
        await send(pilot, "Say")
        await wait_for(pilot, lambda: len(Conversations().path_of(1)[-1].text) > 5, "a part of it")
        await pilot.press("escape")
        await written(pilot, view, 0)
        assert chatting.path_of(1)[-1].text == shown(app)[-1][1]


@pytest.mark.parametrize("language", ["en", pytest.param("zh_CN", marks=pytest.mark.long)])
@pytest.mark.parametrize("size", [USUAL, SMALL, WIDE])
async def test_the_screens_of_conversations(chatting, monkeypatch, language, size):
    monkeypatch.setenv("NEWLEAF_LANGUAGE", language)
    set_language(language)
    monkeypatch.setattr("time.strftime", lambda form, *moment: "2026-11-26 12:00")
    number = talk(
        chatting, "床前明月光，疑是地上霜。举头望明月，低头思故乡。" * 2, "A long answer. " * 20, "More?", "Yes."
    )
    message = chatting.path_of(number)[-1]
    chatting.add(number, message.parent, "assistant", "No.", message.details)
    app = NewleafApp()
    async with app.run_test(size=size) as pilot:
        await open_chat(pilot, number)
        await pilot.press("escape")
        await wait_for_rest(pilot)
        compare(app, f"turns-{size[0]}x{size[1]}-{language}")
        await pilot.press("ctrl+f")
        await wait_for_rest(pilot)
        compare(app, f"conversations-{size[0]}x{size[1]}-{language}")
