"""The tab for using a model: a prompt, and what the model makes of it, as it comes."""

from __future__ import annotations

import asyncio
import shlex
import time
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Select, Static
from textual.worker import Worker

from ..core import store
from ..core.errors import UserError
from ..core.generation.options import GenerationOptions
from ..core.language import N_
from ..core.language import gettext as _
from ..core.model.loading import LoadOptions
from ..core.options import fields
from .chat_answers import Asked, answers
from .chat_modes import MODES, Mode, choices, info_of, is_able, shortcoming, usual_mode
from .chat_words import defaults_of, model_text, newest, nothing_yet
from .drafts import draft_text, draft_values
from .knowledge_dialog import KnowledgeDialog
from .view import View
from .widgets.dialogs import PickPath
from .widgets.form import Form
from .widgets.mode_inputs import ModeInputs
from .widgets.prompt import PromptArea
from .widgets.texts import set_text
from .widgets.transcript import Transcript

BEAT = 0.1  # seconds between two pieces of text on the screen
WIDE = 100  # columns from which on the controls stand beside the text
LOADING = {field.name for field in fields(LoadOptions)}


@dataclass(frozen=True)
class ChatOptions(LoadOptions, GenerationOptions):
    """What a person can choose here: how a model writes, and how it is loaded."""


class ChatView(View):
    """What was written, above the prompt; the controls beside."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", N_("Stop writing"), id="chat.cancel"),
        # Before the text area: it has other uses for these keys.
        Binding("f6", "controls", N_("Controls"), id="chat.controls", priority=True),
        Binding("f7", "choose_mode", N_("Mode"), id="chat.mode", priority=True),
        Binding("f8", "documents", N_("Add documents"), id="chat.documents", priority=True),
        Binding("ctrl+o", "pick", N_("Choose a file"), id="chat.pick", key_display="^o", priority=True),
        Binding("ctrl+n", "new_chat", N_("New chat"), id="chat.new", key_display="^n", priority=True),
        Binding("ctrl+y", "copy_last", N_("Copy the text"), id="chat.copy", key_display="^y", priority=True),
    ]
    DEFAULT_CSS = """
    ChatView #transcript { height: 1fr; }
    ChatView #model-detail { display: none; }
    ChatView #prompt { height: 4; border-top: solid $accent; }
    ChatView #prompt:focus { border-top: solid $accent; }
    ChatView .controls { width: 40; border-left: solid $panel; padding: 0 1; display: none; }
    ChatView.-controls .controls { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.heading = _("Chat")
        self.tab = "chat"
        self._models: list[str] = []
        self._writing: Worker[None] | None = None
        self._toggled = False  # the controls, by the person
        self._last = ""
        self._messages: list[dict[str, str]] = []  # of the chat that goes on

    def compose(self) -> ComposeResult:
        draft = self.newleaf.draft
        with Horizontal(classes="columns"):
            with Vertical(classes="main"):
                with Horizontal(classes="row"):
                    yield Label(_("model"), markup=False, classes="short")
                    yield Select([], prompt=_("none yet"), compact=True, id="model")
                    yield Select(choices(), value="write", allow_blank=False, compact=True, id="mode", classes="narrow")
                yield Static("", id="model-detail", classes="hint", markup=False)
                yield Transcript("", read_only=True, compact=True, show_cursor=False, id="transcript")
                yield Static("", classes="problem", markup=False)
                yield ModeInputs(draft_values(draft, "inputs"))
                yield PromptArea("", id="prompt", compact=True, placeholder=_(MODES["write"].placeholder))
            with Vertical(classes="controls"):
                yield Static(_("How it writes"), classes="title", markup=False)
                yield Form(ChatOptions, draft_values(draft, "controls"))

    def on_mount(self) -> None:
        """Show what there is."""
        super().on_mount()
        prompt = self.query_one("#prompt", PromptArea)
        prompt.cursor_blink = False
        set_text(prompt, draft_text(self.newleaf.draft, "prompt"))
        prompt.move_cursor(prompt.document.end)
        self.refresh_models()

    def on_resize(self, event: events.Resize) -> None:
        """Show the controls where there is room, until the person has chosen."""
        if not self._toggled:
            self.set_class(event.size.width >= WIDE, "-controls")

    def take_focus(self) -> None:
        self.query_one(ModeInputs).offer_documents()
        self.query_one("#prompt").focus()

    def draft(self) -> dict[str, Any]:
        draft: dict[str, Any] = {
            "prompt": self.query_one("#prompt", PromptArea).text,
            "controls": self.query_one(Form).texts(),
            "inputs": self.query_one(ModeInputs).texts(),
            "mode": self.mode().name,
        }
        if self.model():
            draft["model"] = self.model()
        return draft

    def jobs_changed(self, jobs: list[dict[str, Any]]) -> None:
        self.refresh_models()

    # The model and the mode

    def refresh_models(self) -> None:
        """Offer the models that there are."""
        models = store.names("models")
        if models == self._models and models:
            return
        wanted = self.model() or draft_text(self.newleaf.draft, "model")
        new = [name for name in models if name not in self._models] if self._models else []
        self._models = models
        choice = self.query_one("#model", Select)
        choice.set_options([(Content(name), name) for name in models])
        if models:
            choice.value = new[0] if len(new) == 1 else wanted if wanted in models else newest(models)
        transcript = self.query_one(Transcript)
        if not self._last:
            set_text(transcript, "" if models else nothing_yet())

    def is_possible(self, action: str) -> bool:
        if action == "cancel":
            return self._writing is not None and self._writing.is_running
        if action == "new_chat":
            return bool(self._messages)
        if action == "documents":
            return self.mode().name == "ask"
        if action == "pick":
            return self.mode().takes_file or self.mode().name == "ask"
        return action != "copy_last" or bool(self._last)

    def model(self) -> str | None:
        """The name of the chosen model."""
        value = self.query_one("#model", Select).value
        return None if value is Select.NULL else str(value)

    def mode(self) -> Mode:
        """What is done with it."""
        chosen = self.query("#mode")  # none while the tab is being made
        return MODES[str(chosen.first(Select).value)] if chosen else MODES["write"]

    @on(Select.Changed, "#model")
    def _describe(self) -> None:
        name, draft = self.model(), self.newleaf.draft
        detail = self.query_one("#model-detail", Static)
        detail.update(model_text(name) if name else "")
        detail.display = name is not None
        kept = draft_text(draft, "mode") if name and name == draft_text(draft, "model") else ""
        self.query_one("#mode", Select).value = kept if kept in MODES else usual_mode(info_of(name))
        self._show_mode()

    @on(Select.Changed, "#mode")
    def _mode_chosen(self) -> None:
        self._show_mode()
        if self.query_one("#mode").has_focus:
            self.query_one("#prompt").focus()

    def _show_mode(self) -> None:
        """All that depends on the model and the mode."""
        name, mode = self.model(), self.mode()
        info = info_of(name)
        self.query_one("#prompt", PromptArea).placeholder = _(mode.placeholder)
        self.query_one(ModeInputs).show(mode.name, info)
        self._say(shortcoming(info, mode) if info else "")
        self.query_one(Form).show_defaults(defaults_of(name, mode) if name else {})
        self.action_new_chat()
        self.refresh_bindings()

    def _say(self, text: str) -> None:
        """A line above the prompt."""
        line = self.query_one(".problem", Static)
        if line.content != text:
            line.update(text)

    # Writing

    @on(Input.Submitted)
    def _ready(self, event: Input.Submitted) -> None:
        if event.input in self.query("ModeInputs Input"):
            self.query_one("#prompt").focus()

    @on(PromptArea.Sent)
    def _send(self) -> None:
        prompt = self.query_one("#prompt", PromptArea)
        try:
            asked = self._asked(prompt.text)
        except UserError as error:
            self._say(str(error))
            return
        if self._writing is not None and self._writing.is_running:
            self._say(_("It is still writing. Esc stops it."))
            return
        self._say("")
        if asked.mode.task and not asked.text.strip():
            return
        set_text(prompt, "")
        self._writing = self._write(asked)
        self.refresh_bindings()

    def _asked(self, text: str) -> Asked:
        """What is asked of the engine. Raises UserError."""
        name, mode = self.model(), self.mode()
        if name is None:
            raise UserError(_("There is no model yet: press F4 and train one."))
        info = info_of(name)
        if info and not is_able(info, mode):
            raise UserError(shortcoming(info, mode))
        form: Form[ChatOptions] = self.query_one(Form)
        form.make()  # says what is wrong; what was left alone is the model's own affair
        values = form.values()
        load = {key: value for key, value in values.items() if key in LOADING}
        inputs = self.query_one(ModeInputs)
        system = inputs.texts().get("system", "").strip()
        messages = [*([{"role": "system", "content": system}] if system else []), *self._messages]
        return Asked(
            name,
            mode,
            text,
            request=inputs.request(mode.name),
            options={key: value for key, value in values.items() if key not in LOADING},
            load=load,
            messages=[*messages, {"role": "user", "content": text}],
        )

    @work(exit_on_error=False, group="writing")
    async def _write(self, asked: Asked) -> None:
        transcript = self.query_one(Transcript)
        first = transcript.document.end[0]
        transcript.append(f"▸ {asked.text}" + ("\n" if asked.mode.task else ""), follow=True)
        chat = asked.mode.name == "chat"
        if chat:
            self._messages.append({"role": "user", "content": asked.text})
        self._say(_("Reading the model ..."))
        self._last, waiting, shown = "", "", time.monotonic()
        summary, failed = _("stopped"), False
        try:
            async with aclosing(answers(self.newleaf.engine, asked)) as all_told:
                async for told in all_told:
                    if told.word is not None:
                        self._say(told.word)
                    waiting += told.text
                    if waiting and (told.beside or time.monotonic() - shown >= BEAT):
                        self._show(waiting)
                        waiting, shown = "", time.monotonic()
                    transcript.append(told.beside)
                    summary = told.summary or summary
            if asked.mode.name == "ask":  # the answer stands above its passages
                transcript.show_from(first)
        except UserError as error:
            summary, failed = str(error), True
            self._say("")
        except asyncio.CancelledError:
            self._say("")
            raise
        finally:
            self._show(waiting)
            if chat and failed:
                self._messages.pop()
            elif chat:
                self._messages.append({"role": "assistant", "content": self._last.strip()})
            begin = "" if transcript.text.endswith("\n") else "\n"
            transcript.append(f"{begin}─ {summary}\n\n")
            self.call_later(self.refresh_bindings)

    def _show(self, text: str) -> None:
        """More of the answer."""
        self.query_one(Transcript).append(text)
        self._last += text

    # Actions

    def action_cancel(self) -> None:
        """Stop the writing, when there is one."""
        if self._writing is not None and self._writing.is_running:
            self._writing.cancel()

    def action_new_chat(self) -> None:
        """Begin another chat: what was said so far is no longer read."""
        if self._messages:
            self._messages = []
            self.query_one(Transcript).append("═" * 20 + "\n\n", follow=True)
            self.refresh_bindings()

    def action_controls(self) -> None:
        """Show or hide how it writes."""
        self._toggled = True
        self.toggle_class("-controls")
        if self.has_class("-controls"):
            self.query_one(".controls Input").focus()
        else:
            self.take_focus()

    def action_choose_mode(self) -> None:
        """Open the list of modes."""
        choice = self.query_one("#mode", Select)
        choice.focus()
        choice.action_show_overlay()

    @work(exit_on_error=False)
    async def action_pick(self) -> None:
        """Choose a file from the tree: to answer from, or in the place of a text."""
        path = await self.app.push_screen_wait(PickPath(str(Path.cwd())))
        if path and self.mode().name == "ask":
            self.query_one(ModeInputs).add_path(path)
        elif path:
            prompt = self.query_one("#prompt", PromptArea)
            set_text(prompt, shlex.quote(path))
            prompt.move_cursor(prompt.document.end)

    @work(exit_on_error=False)
    async def action_documents(self) -> None:
        """Make a knowledge base, or add to one."""
        dialog = KnowledgeDialog(draft_values(self.newleaf.draft, "documents"))
        self.query_one(ModeInputs).offer_documents(await self.app.push_screen_wait(dialog))

    def action_copy_last(self) -> None:
        """Copy the newest text."""
        if self._last:
            self.app.copy_to_clipboard(self._last)
            self.newleaf.say(_("Copied."))
