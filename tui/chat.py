"""The tab for writing: a prompt, and how the model goes on from it, as it comes."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Label, Select, Static, TextArea
from textual.worker import Worker

from ..core import store
from ..core.errors import UserError
from ..core.generation.options import GenerationOptions
from ..core.generation.stream import left_out_text, reading_text
from ..core.language import N_
from ..core.language import gettext as _
from ..core.model.loading import LoadOptions
from ..core.options import fields
from .chat_words import (
    defaults_of,
    model_text,
    modes,
    more_text,
    newest,
    nothing_yet,
    placeholder,
    summary_text,
    was_taught_to_chat,
)
from .drafts import draft_text, draft_values
from .view import View
from .widgets.form import Form
from .widgets.texts import set_text

BEAT = 0.1  # seconds between two pieces of text on the screen
FULL = 200_000  # characters; older ones leave the screen
WIDE = 100  # columns from which on the controls stand beside the text


LOADING = {field.name for field in fields(LoadOptions)}


@dataclass(frozen=True)
class ChatOptions(LoadOptions, GenerationOptions):
    """What a person can choose here: how a model writes, and how it is loaded."""


class PromptArea(TextArea):
    """A text to write: Enter sends it, Ctrl+J begins a new line."""

    class Sent(Message):
        """The prompt is ready."""

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Sent())
        elif event.key == "ctrl+j":
            event.stop()
            event.prevent_default()
            self.insert("\n")
        else:
            await super()._on_key(event)


class ChatView(View):
    """What was written, above the prompt; the controls beside."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", N_("Stop writing"), id="chat.cancel"),
        # Before the text area: it has other uses for these keys.
        Binding("f6", "controls", N_("Controls"), id="chat.controls", priority=True),
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
        with Horizontal(classes="columns"):
            with Vertical(classes="main"):
                with Horizontal(classes="row"):
                    yield Label(_("model"), markup=False, classes="short")
                    yield Select([], prompt=_("none yet"), compact=True, id="model")
                    yield Select(modes(), value="write", allow_blank=False, compact=True, id="mode", classes="narrow")
                yield Static("", id="model-detail", classes="hint", markup=False)
                yield TextArea("", read_only=True, compact=True, show_cursor=False, id="transcript")
                yield Static("", classes="problem", markup=False)
                yield PromptArea(
                    "",
                    id="prompt",
                    compact=True,
                    placeholder=placeholder("write"),
                )
            with Vertical(classes="controls"):
                yield Static(_("How it writes"), classes="title", markup=False)
                yield Form(ChatOptions, draft_values(self.newleaf.draft, "controls"))

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
        self.query_one("#prompt").focus()

    def draft(self) -> dict[str, Any]:
        draft: dict[str, Any] = {
            "prompt": self.query_one("#prompt", PromptArea).text,
            "controls": self.query_one(Form).texts(),
        }
        if self.model():
            draft["model"] = self.model()
        return draft

    def jobs_changed(self, jobs: list[dict[str, Any]]) -> None:
        self.refresh_models()

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
        transcript = self.query_one("#transcript", TextArea)
        if not self._last:
            set_text(transcript, "" if models else nothing_yet())

    def is_possible(self, action: str) -> bool:
        if action == "cancel":
            return self._writing is not None and self._writing.is_running
        if action == "new_chat":
            return bool(self._messages)
        return action != "copy_last" or bool(self._last)

    def model(self) -> str | None:
        """The name of the chosen model."""
        value = self.query_one("#model", Select).value
        return None if value is Select.NULL else str(value)

    @on(Select.Changed, "#model")
    def _describe(self) -> None:
        name = self.model()
        detail = self.query_one("#model-detail", Static)
        detail.update(model_text(name) if name else "")
        detail.display = name is not None
        self.query_one("#mode", Select).value = "chat" if name and was_taught_to_chat(name) else "write"
        self._show_defaults()
        self.action_new_chat()

    @on(Select.Changed, "#mode")
    def _mode_chosen(self) -> None:
        self.query_one("#prompt", PromptArea).placeholder = placeholder(self.mode())
        self._show_defaults()
        self.action_new_chat()

    def _show_defaults(self) -> None:
        name = self.model()
        self.query_one(Form).show_defaults(defaults_of(name, self.mode() == "chat") if name else {})

    def mode(self) -> str:
        """ "write" to go on from a text, "chat" to answer."""
        return str(self.query_one("#mode", Select).value)

    @on(PromptArea.Sent)
    def _send(self) -> None:
        problem = self.query_one(".problem", Static)
        model = self.model()
        try:
            if model is None:
                raise UserError(_("There is no model yet: press F4 and train one."))
            form: Form[ChatOptions] = self.query_one(Form)
            form.make()  # says what is wrong; what was left alone is the model's own affair
            values = form.values()
        except UserError as error:
            problem.update(str(error))
            return
        if self._writing is not None and self._writing.is_running:
            problem.update(_("It is still writing. Esc stops it."))
            return
        problem.update("")
        prompt = self.query_one("#prompt", PromptArea)
        text = prompt.text
        if self.mode() == "chat" and not text.strip():
            return
        set_text(prompt, "")
        self._writing = self._write(model, text, values)
        self.refresh_bindings()

    @work(exit_on_error=False, group="writing")
    async def _write(self, model: str, text: str, values: dict[str, Any]) -> None:
        self._append(f"▸ {text}", follow=True)
        chat = self.mode() == "chat"
        if chat:
            self._append("\n", reply=False)
            self._messages.append({"role": "user", "content": text})
        notice = self.query_one(".problem", Static)
        notice.update(_("Reading the model ..."))
        self._last, waiting, shown = "", "", time.monotonic()
        summary, failed, left_out = _("stopped"), False, ""
        load = {key: value for key, value in values.items() if key in LOADING}
        prompt = list(self._messages) if chat else text
        try:
            async with aclosing(self.newleaf.engine.generate(model, prompt, values, load)) as answers:
                async for answer in answers:
                    if "started" in answer:
                        left_out = left_out_text(answer["started"]["left_out"], chat)
                        notice.update(left_out)
                    if "reading" in answer:
                        notice.update(reading_text(**answer["reading"]) or left_out)
                    delta = answer.get("delta", {})
                    waiting += delta.get("text", "") if delta.get("index") == 0 else ""
                    if waiting and time.monotonic() - shown >= BEAT:
                        self._append(waiting)
                        waiting, shown = "", time.monotonic()
                    if "done" in answer:
                        self._append(waiting)
                        waiting = ""
                        self._append(more_text(answer["done"]), reply=False)
                        summary = summary_text(answer["done"])
        except UserError as error:
            summary, failed = str(error), True
            notice.update("")
        except asyncio.CancelledError:
            notice.update("")
            raise
        finally:
            self._append(waiting)
            if chat and failed:
                self._messages.pop()
            elif chat:
                self._messages.append({"role": "assistant", "content": self._last.strip()})
            self._append(f"\n─ {summary}\n\n", reply=False)
            self.call_later(self.refresh_bindings)

    def _append(self, text: str, reply: bool = True, follow: bool = False) -> None:
        transcript = self.query_one("#transcript", TextArea)
        follow = follow or transcript.scroll_offset.y >= transcript.max_scroll_y - 1  # who reads above stays there
        if len(transcript.text) > FULL:
            set_text(transcript, transcript.text[-FULL // 2 :])
        if text:
            transcript.insert(text, transcript.document.end, maintain_selection_offset=True)
            if follow:
                transcript.scroll_end(animate=False)
        if reply and not text.startswith("▸ "):
            self._last += text

    def action_cancel(self) -> None:
        """Stop the writing, when there is one."""
        if self._writing is not None and self._writing.is_running:
            self._writing.cancel()

    def action_new_chat(self) -> None:
        """Begin another chat: what was said so far is no longer read."""
        if self._messages:
            self._messages = []
            self._append("═" * 20 + "\n\n", reply=False, follow=True)
            self.refresh_bindings()

    def action_controls(self) -> None:
        """Show or hide how it writes."""
        self._toggled = True
        self.toggle_class("-controls")
        if self.has_class("-controls"):
            self.query_one(".controls Input").focus()
        else:
            self.take_focus()

    def action_copy_last(self) -> None:
        """Copy the newest text."""
        if self._last:
            self.app.copy_to_clipboard(self._last)
            self.newleaf.say(_("Copied."))
