"""What can be done with the turns of a conversation, and the writing of an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from textual import on, work
from textual.binding import Binding
from textual.widgets import Static
from textual.worker import Worker

from ..core.conversations import Kept
from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from .chat_answers import Asked, answers
from .chat_modes import MODES, Mode, info_of
from .side_by_side import SideBySide, Written
from .talk import Talk, answer_turn
from .token_view import ALTERNATIVES, token_text, tokens_of
from .view import View
from .widgets.conversation import Conversation, Turn
from .widgets.prompt import PromptArea
from .widgets.texts import set_text

KEPT = 2.0  # seconds between two moments at which what is written so far is kept
TURN_BINDINGS = [
    Binding("e", "edit", N_("Edit"), id="turn.edit"),
    Binding("r", "again", N_("Again"), id="turn.again"),
    Binding("left", "sideways(-1)", N_("The other one before"), id="turn.left", show=False),
    Binding("right", "sideways(1)", N_("The next other one"), id="turn.right", show=False),
    Binding("c", "more", N_("Go on"), id="turn.more"),
    Binding("a", "alternatives", N_("Compare"), id="turn.alternatives"),
    Binding("t", "tokens", N_("Tokens"), id="turn.tokens"),
    Binding("m", "markdown", N_("Markdown"), id="turn.markdown"),
    Binding("y", "copy_turn", N_("Copy"), id="turn.copy"),
    Binding("plus,equals_sign", "rate(1)", N_("Good"), id="turn.good", key_display="+"),
    Binding("minus", "rate(-1)", N_("Bad"), id="turn.bad", key_display="-"),
]
TURN_ACTIONS = {binding.action.split("(")[0] for binding in TURN_BINDINGS}
OF_ANSWERS = {"again", "more", "alternatives", "tokens", "rate"}


class TurnsView(View):
    """A tab with a conversation: the half of the chat tab that knows no fields."""

    def __init__(self) -> None:
        super().__init__()
        self.talk = Talk()
        self._writing: Worker[None] | None = None
        self._editing: Kept | None = None  # the message in whose place the next one is said
        self._hinted = ""  # what is said of the beginning of a command

    @property
    def conversation(self) -> Conversation:
        """The turns."""
        return self.query_one(Conversation)

    @property
    def is_writing(self) -> bool:
        """Whether a model is at work."""
        return self._writing is not None and self._writing.is_running

    def last_answer(self) -> Kept | None:
        """The newest one."""
        return next((message for message in reversed(self.talk.path) if message.role == "assistant"), None)

    def is_turn_possible(self, action: str) -> bool:
        """Whether it can be done with the marked turn, where turns are what a person is at."""
        conversation = self.conversation
        turn = conversation.turn
        is_there = conversation.has_focus or self.app.screen is not self.screen
        if turn is None or not is_there:
            return False
        if action in OF_ANSWERS and turn.by_person:
            return False
        return not self.is_writing or action in ("copy_turn", "markdown")

    def show_talk(self, marked: int | None = None) -> None:
        """The conversation as it is kept, with the turn of a message marked."""
        turns = self.talk.turns()
        place = next((index for index, turn in enumerate(turns) if turn.number == marked), None)
        self.conversation.show(turns, place)
        self._show_token()
        answer = self.last_answer()
        self.show_context(_context_of(answer) if answer is not None else None)
        self.refresh_bindings()

    def marked_message(self) -> Kept | None:
        """The message of the marked turn."""
        turn = self.conversation.turn
        return self.talk.message(turn.number) if turn else None

    @on(Conversation.Marked)
    def _turn_marked(self) -> None:
        self._show_token()
        self.refresh_bindings()

    # Writing

    def write(self, asked: Asked, question: Kept, begun: Kept | None = None) -> None:
        """Let the model answer a question, or go on with an answer that was begun."""
        self._writing = self._write(asked, question, begun)
        self.refresh_bindings()

    def stop_writing(self) -> None:
        """What is written so far stays."""
        if self._writing is not None:
            self._writing.cancel()

    @work(exit_on_error=False, group="writing")
    async def _write(self, asked: Asked, question: Kept, begun: Kept | None) -> None:
        asked = self._in_its_conversation(asked, question, begun)
        details: dict[str, Any] = {**_about(asked), "summary": _("stopped")}
        answer = begun or self.talk.begin_answer(question, details)
        self.show_talk()
        conversation, turn = self.conversation, self.conversation.turns[-1]
        if begun:
            turn.summary = ""
            conversation.changed(turn)
        else:
            turn.text = turn.summary = ""
            conversation.changed(turn, follow=True)
        self._say(_("Reading the model ..."))
        began = shown = kept = time.monotonic()
        first: float | None = None
        waiting, under, failed = "", "", False
        others: dict[int, str] = {}  # answers beside the first, where several were asked for
        summaries: Sequence[str] = ()
        try:
            async with aclosing(answers(self.newleaf.engine, asked)) as all_told:
                async for told in all_told:
                    if told.word is not None:
                        self._say(told.word)
                    if told.text and first is None:
                        first = time.monotonic() - began
                    if told.index:
                        others[told.index] = others.get(told.index, begun.text if begun else "") + told.text
                    else:
                        waiting += told.text
                    under += told.beside
                    summaries = told.summaries or summaries
                    if told.context:
                        details["context"] = told.context
                        self.show_context(told.context)
                    now = time.monotonic()
                    if waiting and now - shown >= self.newleaf.beat:
                        conversation.grow(waiting)
                        waiting, shown = "", now
                    if now - kept >= KEPT:
                        self.talk.keep(answer, turn.text, {**details, "under": under})
                        kept = now
                    conversation.grow(under=told.beside)
                    details["summary"] = told.summary or details["summary"]
        except UserError as error:
            failed = True
            details["summary"] = str(error)
            self._say("")
        except asyncio.CancelledError:
            self._say("")
            raise
        finally:
            conversation.grow(waiting)
            if first is not None and not failed:
                details["first"] = round(first, 3)
            beside = [
                (text, {**details, "summary": summaries[place] if place < len(summaries) else _("stopped")})
                for place, text in sorted(others.items())
            ]
            self._end(answer, turn, {**details, "under": under}, beside)

    def _in_its_conversation(self, asked: Asked, question: Kept, begun: Kept | None) -> Asked:
        """With what the model is to know of what was said before, and of an answer that was begun."""
        messages = [{"role": "system", "content": asked.system}] if asked.system else []
        messages += self.talk.told(question)
        text = asked.text
        if begun and asked.mode.name == "chat":
            messages.append({"role": "assistant", "content": begun.text, "prefix": "yes"})
        elif begun:
            text += begun.text
        return replace(asked, text=text, messages=messages)

    def _end(self, answer: Kept, turn: Turn, details: Mapping[str, Any], others: Written) -> None:
        """Keep an answer, and others that were written beside it."""
        try:
            self.talk.keep(answer, turn.text, details)
            if answer.parent is not None and others:
                for text, its_details in others:
                    self.talk.kept.add(answer.conversation, answer.parent, "assistant", text, its_details)
                self.talk.kept.choose(answer.id)
            self.talk.refresh()
        except UserError as error:
            self._say(str(error))
        kept = self.talk.message(answer.id)
        if kept is not None:
            turn.summary = answer_turn(kept, self.talk.question_of(kept)).summary
        self.conversation.changed(turn, follow=True)
        if details["mode"] == "ask":  # the answer stands above its passages
            self.conversation.call_after_refresh(self.conversation.show_marked)
        self.call_later(self.refresh_bindings)

    # With a turn

    def action_edit(self) -> None:
        """Change what was said: another branch begins there."""
        message = self.marked_message()
        if message is not None and message.role != "user" and message.details.get("mode") == "write":
            message = self.talk.question_of(message)
        if message is None:
            return
        self._editing = message
        prompt = self.query_one("#prompt", PromptArea)
        set_text(prompt, message.text)
        prompt.move_cursor(prompt.document.end)
        prompt.focus()
        self._say(_("Enter puts it beside the old one, which stays. Esc leaves it as it is."))

    def end_editing(self) -> None:
        """What is said next stands at the end again."""
        if self._editing is not None:
            self._editing = None
            self._say("")
            self.refresh_bindings()

    def _send_edited(self, text: str) -> bool:
        """Put an answer that was edited beside the old one; False where it is no answer that is edited."""
        answer = self._editing
        if answer is None or answer.role == "user":
            return False
        question = self.talk.question_of(answer)
        if question is not None:
            details = {**answer.details, "summary": _("edited"), "under": ""}
            self.talk.begin_answer(question, details, text)
        self.end_editing()
        set_text(self.query_one("#prompt", PromptArea), "")
        self.show_talk()
        return True

    def _asked_again(self, answer: Kept) -> tuple[Asked, Kept] | None:
        """What was asked for an answer, with the model and the controls of now. Raises UserError."""
        question = self.talk.question_of(answer)
        if question is None:
            return None
        mode = MODES.get(str(question.details.get("mode")), MODES["chat"])
        request = question.details.get("request")
        return self.asked(question.text, mode, request if isinstance(request, dict) else {}), question

    def action_again(self) -> None:
        """Another answer beside the marked one."""
        self._with_answer(lambda answer, asked, question: self.write(asked, question))

    def action_more(self) -> None:
        """Go on with the marked answer."""

        def go_on(answer: Kept, asked: Asked, question: Kept) -> None:
            if asked.mode.name not in ("write", "chat"):
                raise UserError(_("Only what was written or said in a chat can go on."))
            if answer is not self.talk.path[-1]:
                raise UserError(_("Only the last answer can go on; r writes another one."))
            self.write(asked, question, answer)

        self._with_answer(go_on)

    def _with_answer(self, do: Any) -> None:
        answer = self.marked_message()
        if answer is None or answer.role == "user" or self.is_writing:
            return
        try:
            if (found := self._asked_again(answer)) is not None:
                do(answer, *found)
        except UserError as error:
            self._say(str(error))

    def action_sideways(self, by: int) -> None:
        """The token before or after, where tokens are shown; else the other answer, or the other question."""
        turn = self.conversation.turn
        if turn is None:
            return
        if turn.tokens:
            turn.at_token = (0 if turn.at_token is None else turn.at_token + by) % len(turn.tokens)
            self.conversation.refresh()
            self._show_token()
            return
        message = self.talk.message(turn.number)
        if message is None or self.is_writing:
            return
        question = self.talk.question_of(message)
        if len(message.siblings) < 2 and turn.lead and question is not None:
            message = question  # in the write mode both are one turn
        if (found := self.talk.beside(message, by)) is not None:
            numbers = [other.id for other in self.talk.path]
            following = numbers[numbers.index(found.id) + 1 :][:1]
            is_lead = found.role == "user" and found.details.get("mode") == "write"
            self.show_talk(following[0] if is_lead and following else found.id)

    def action_copy_turn(self) -> None:
        """Copy the marked turn."""
        turn = self.conversation.turn
        if turn is not None:
            self.newleaf.copy(turn.lead + turn.text)

    def action_markdown(self) -> None:
        """Show the marked turn as Markdown, or verbatim again."""
        turn = self.conversation.turn
        if turn is not None:
            turn.as_markdown = not turn.as_markdown
            self.conversation.changed(turn)
            self.conversation.show_marked()

    def action_rate(self, rating: int) -> None:
        """Keep what a person thinks of an answer; the same again takes it back."""
        message = self.marked_message()
        if message is None or message.role == "user":
            return
        try:
            self.talk.kept.rate(message.id, 0 if message.rating == rating else rating)
            self.talk.refresh()
        except UserError as error:
            self._say(str(error))
            return
        self._update(message.id)

    def _update(self, number: int) -> None:
        """Draw the line under a turn anew."""
        message = self.talk.message(number)
        for turn in self.conversation.turns:
            if message is not None and turn.number == number:
                turn.summary = answer_turn(message, self.talk.question_of(message)).summary
                self.conversation.changed(turn)

    # Tokens

    async def action_tokens(self) -> None:
        """Show how sure the model is of each token of the marked answer, or the text alone again."""
        turn, message = self.conversation.turn, self.marked_message()
        if turn is None or message is None:
            return
        if turn.tokens:
            turn.tokens, turn.at_token = (), None
            self.conversation.refresh()
            self._show_token()
        else:
            self._judge(turn, message)

    @work(exit_on_error=False, group="judging", exclusive=True)
    async def _judge(self, turn: Turn, answer: Kept) -> None:
        try:
            if (found := self._asked_again(answer)) is None:
                return
            asked, question = found
            messages = [{"role": "system", "content": asked.system}] if asked.system else []
            is_chat = asked.mode.name == "chat"
            prompt: Any = [*messages, *self.talk.told(question)] if is_chat else question.text
            text = answer.text.strip() if is_chat else answer.text
            self._say(_("The model reads the answer ..."))
            scores = await self.newleaf.engine.judge(asked.model, prompt, text, ALTERNATIVES, asked.load)
            turn.text = text
            turn.tokens, turn.at_token, turn.as_markdown = tokens_of(scores, text), 0, False
            self._say("")
            self.conversation.changed(turn)
            self._show_token()
        except UserError as error:
            self._say(str(error))

    def _show_token(self) -> None:
        """The token at the cursor, with what stood beside it."""
        turn = self.conversation.turn
        line = self.query_one("#token", Static)
        line.display = turn is not None and bool(turn.tokens)
        if turn is not None and turn.tokens and turn.at_token is not None:
            line.update(token_text(turn.tokens[turn.at_token], turn.text))

    # Side by side

    def action_alternatives(self) -> None:
        """Several answers to the same question, side by side."""
        self._with_answer(lambda answer, asked, question: self._compare(answer, asked, question, 2, ""))

    def side_by_side(self, number: int, model: str) -> None:
        """So many answers to the last question, every other one of them of another model."""
        self._with_answer(lambda answer, asked, question: self._compare(answer, asked, question, number, model))

    @work(exit_on_error=False)
    async def _compare(self, answer: Kept, asked: Asked, question: Kept, number: int, model: str) -> None:
        asked = self._in_its_conversation(asked, question, None)
        screen = SideBySide(asked, number, model)
        chosen, written = await self.app.push_screen_wait(screen)
        try:
            numbers = [
                self.talk.begin_answer(question, {**_about(asked), **details}, text).id for text, details in written
            ]
            if numbers:
                place = numbers[chosen] if chosen is not None else answer.id
                self.talk.kept.choose(place)
                if chosen is not None:  # chosen before the others: that is what a person thinks of it
                    for other in numbers:
                        self.talk.kept.rate(other, 1 if other == place else -1)
                self.talk.refresh()
                self.show_talk(place)
        except UserError as error:
            self._say(str(error))
        self.conversation.focus()

    # What the tab has

    def _say(self, text: str) -> None:
        raise NotImplementedError

    def asked(self, text: str, mode: Mode | None = None, request: dict[str, Any] | None = None) -> Asked:
        """See the tab."""
        raise NotImplementedError

    def show_context(self, used: tuple[int, int] | None) -> None:
        """See the tab."""
        raise NotImplementedError


def _context_of(answer: Kept) -> tuple[int, int] | None:
    """How much of what the model sees an answer and what stood before it take; None where that is not known."""
    used = answer.details.get("context")
    return (int(used[0]), int(used[1])) if isinstance(used, list | tuple) and len(used) == 2 else None


def _about(asked: Asked) -> dict[str, Any]:
    """What is kept of how an answer was written."""
    info = info_of(asked.model)
    step = info.provenance.get("step") if info else None
    return {"mode": asked.mode.name, "model": asked.model, "options": dict(asked.options), "step": step}
