"""The tab for using a model: a prompt, and what the model makes of it, as it comes."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.widgets import Input, Label, Select, Static

from ..core import store
from ..core.errors import UserError
from ..core.generation.options import GenerationOptions
from ..core.language import N_, labelled
from ..core.language import gettext as _
from ..core.model.loading import LoadOptions
from ..core.model.store import ModelInfo
from ..core.options import fields
from ..trainer.checkpoint_models import PREFIX
from .chat_answers import Asked
from .chat_modes import MODES, Mode, choices, how_to_teach, info_of, is_able, knows, shortcoming, usual_mode
from .chat_words import context_text, defaults_of, how_to_begin, model_text, newest, nothing_yet
from .conversations_screen import ConversationsScreen, export
from .drafts import draft_text, draft_values
from .keyed import keyed
from .knowledge_dialog import KnowledgeDialog
from .side_by_side import MOST_SIDE_BY_SIDE
from .slash import Command, hints, parse
from .turn_actions import TURN_ACTIONS, TURN_BINDINGS, TurnsView
from .widgets.conversation import Conversation
from .widgets.dialogs import PickPath
from .widgets.form import Form
from .widgets.mode_inputs import ModeInputs
from .widgets.prompt import PromptArea
from .widgets.texts import set_text

WIDE = 100  # columns from which on the controls stand beside the text
LOADING = {field.name for field in fields(LoadOptions)}


@dataclass(frozen=True)
class ChatOptions(LoadOptions, GenerationOptions):
    """What a person can choose here: how a model writes, and how it is loaded."""


class ChatView(TurnsView):
    """What was said and written, above the prompt; the controls beside."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", N_("Stop writing"), id="chat.cancel"),
        Binding("escape", "end_edit", N_("Leave it as it is"), id="chat.end_edit"),
        Binding("escape", "turns", N_("Turns"), id="chat.turns"),
        *TURN_BINDINGS,
        # Before the text area: it has other uses for these keys.
        Binding("f6", "controls", N_("Controls"), id="chat.controls", priority=True),
        Binding("f7", "choose_mode", N_("Mode"), id="chat.mode", priority=True),
        Binding("f8", "documents", N_("Add documents"), id="chat.documents", priority=True),
        Binding("ctrl+o", "pick", N_("Choose a file"), id="chat.pick", key_display="^o", priority=True),
        Binding("ctrl+n", "new_chat", N_("New chat"), id="chat.new", key_display="^n", priority=True),
        Binding("ctrl+f", "conversations", N_("Chats"), id="chat.find", key_display="^f", priority=True),
        Binding("ctrl+y", "copy_last", N_("Copy the text"), id="chat.copy", key_display="^y", priority=True),
    ]
    DEFAULT_CSS = """
    ChatView #model-detail { display: none; }
    ChatView #token { display: none; height: auto; max-height: 3; }
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
        self._toggled = False  # the controls, by the person
        self._sent: list[str] | None = None  # before, the newest first

    def compose(self) -> ComposeResult:
        draft = self.newleaf.draft
        with Horizontal(classes="columns"):
            with Vertical(classes="main"):
                with Horizontal(classes="row"):
                    yield Label(_("model"), markup=False, classes="short")
                    yield Select([], prompt=_("none yet"), compact=True, id="model")
                    yield Select(choices(), value="write", allow_blank=False, compact=True, id="mode", classes="narrow")
                yield Static("", id="model-detail", classes="hint", markup=False)
                yield Conversation(id="transcript")
                yield Static("", classes="hint", id="token", markup=False)
                yield Static("", classes="problem", markup=False)
                yield ModeInputs(draft_values(draft, "inputs"))
                yield PromptArea("", id="prompt", compact=True, placeholder=keyed(self, _(MODES["write"].placeholder)))
            with Vertical(classes="controls"):
                yield Static(_("How it writes"), classes="title", markup=False)
                yield Form(ChatOptions, draft_values(draft, "controls"))

    def on_mount(self) -> None:
        """Show what there is."""
        super().on_mount()
        prompt = self.query_one("#prompt", PromptArea)
        prompt.cursor_blink = False
        prompt.sent_before = self._sent_before
        set_text(prompt, draft_text(self.newleaf.draft, "prompt"))
        prompt.move_cursor(prompt.document.end)
        self.refresh_models()
        self.watch(self.query_one("#mode", Select), "expanded", self._list_of_modes, init=False)
        number = self.newleaf.draft.get("conversation")
        try:
            self.talk.open(number if isinstance(number, int) else None)
            self.show_talk()
        except UserError as error:
            self._say(str(error))

    def _sent_before(self) -> list[str]:
        """What was said to models before, the newest first."""
        if self._sent is None:
            try:
                self._sent = self.talk.kept.prompts()
            except UserError:
                self._sent = []
        return self._sent

    def on_resize(self, event: events.Resize) -> None:
        """Show the controls where there is room, until the person has chosen."""
        if not self._toggled:
            self.set_class(event.size.width >= WIDE, "-controls")

    def take_focus(self) -> None:
        self.query_one(ModeInputs).offer_documents()
        self.focus_on("#prompt")

    def draft(self) -> dict[str, Any]:
        draft: dict[str, Any] = {
            "prompt": self.query_one("#prompt", PromptArea).text,
            "controls": self.query_one(Form).texts(),
            "inputs": self.query_one(ModeInputs).texts(),
            "mode": self.mode().name,
            "conversation": self.talk.number,
        }
        if self.model():
            draft["model"] = self.model()
        return draft

    def jobs_changed(self, jobs: list[dict[str, Any]]) -> None:
        self.refresh_models()

    # The model and the mode

    def refresh_models(self) -> None:
        """Offer the models that there are; one that is new is chosen, but not into a conversation."""
        models = store.names("models")
        if models == self._models and models:
            return
        before = self.model()
        wanted = before or draft_text(self.newleaf.draft, "model")
        new = [name for name in models if name not in self._models] if self._models else []
        self._models = models
        choice = self.query_one("#model", Select)
        with self.prevent(Select.Changed):  # the options come and go; what they are chosen for is told once
            choice.set_options([(Content(name), name) for name in models])
            if len(new) == 1 and not self.talk.path:
                choice.value = new[0]
            elif models:
                choice.value = wanted if wanted in models else newest(models)
        if self.model() != before:
            self._describe()
        self.conversation.show_if_empty(keyed(self, how_to_begin() if models else nothing_yet(), "chat.cancel"))

    def is_possible(self, action: str) -> bool:
        if action == "cancel":
            return self.is_writing
        if action == "end_edit":
            return self._editing is not None and not self.is_writing
        if action == "turns":
            return not self.is_writing and self._editing is None and bool(self.conversation.turns)
        if action == "new_chat":
            return bool(self.talk.path)
        if action in TURN_ACTIONS:
            return self.is_turn_possible(action)
        if action == "documents":
            return self.mode().name == "ask"
        if action == "pick":
            return self.mode().takes_file or self.mode().name == "ask"
        return action != "copy_last" or self.last_answer() is not None

    def model(self) -> str | None:
        """The name of the chosen model."""
        value = self.query_one("#model", Select).value
        return None if value is Select.NULL else str(value)

    def mode(self) -> Mode:
        """What is done with it."""
        try:
            return MODES[str(self.query_one("#mode", Select).value)]
        except NoMatches:  # the tab is being made
            return MODES["write"]

    @on(Select.Changed, "#model")
    def _describe(self) -> None:
        name, draft = self.model(), self.newleaf.draft
        detail = self.query_one("#model-detail", Static)
        detail.display = name is not None
        self.show_context(None)
        kept = draft_text(draft, "mode") if name and name == draft_text(draft, "model") else ""
        self.query_one("#mode", Select).value = kept if kept in MODES else usual_mode(info_of(name))
        self._show_mode()

    @on(Select.Changed, "#mode")
    def _show_mode(self) -> None:
        """All that depends on the model and the mode."""
        name, mode = self.model(), self.mode()
        info = info_of(name)
        self.query_one("#prompt", PromptArea).placeholder = keyed(self, _(mode.placeholder))
        self.query_one(ModeInputs).show(mode.name, info)
        self._say(self._shortcoming(info, mode) if info else "")
        self.query_one(Form).show_defaults(defaults_of(name, mode) if name else {})
        self.refresh_bindings()

    def show_context(self, used: tuple[int, int] | None) -> None:
        """How much of what the model sees is taken: so many tokens of so many."""
        name = self.model()
        text = model_text(name) if name else ""
        if used is not None:
            text += " · " + context_text(*used)
        self.query_one("#model-detail", Static).update(text)

    def _still_writing(self) -> str:
        return keyed(self, _("It is still writing. Esc stops it."), "chat.cancel")

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

    @on(PromptArea.Changed, "#prompt")
    def _hint(self) -> None:
        text = self.query_one("#prompt", PromptArea).text
        found, line = hints(text), self.query_one(".problem", Static)
        if found or line.content == self._hinted:
            self._say(found)
        self._hinted = found

    @on(PromptArea.Sent)
    def _send(self) -> None:
        prompt = self.query_one("#prompt", PromptArea)
        try:
            if self.is_writing:
                raise UserError(self._still_writing())
            command = parse(prompt.text)
            if command:
                set_text(prompt, "")
                self._say("")
                self.run_command(*command)
                return
            if self._send_edited(prompt.text):
                return
            asked = self.asked(prompt.text)
            if asked.mode.task and not asked.text.strip():
                return
            self._say("")
            self._sent = None
            question = self.talk.say(asked.text, asked.kept(), instead_of=self._editing)
        except UserError as error:
            self._say(str(error))
            return
        self.end_editing()
        set_text(prompt, "")
        self.write(asked, question)

    def _shortcoming(self, info: ModelInfo, mode: Mode) -> str:
        return shortcoming(info, mode, keyed(self, how_to_teach(), "training.finetune"))

    def asked(self, text: str, mode: Mode | None = None, request: dict[str, Any] | None = None) -> Asked:
        """What is asked of the engine: as the fields say, or in the mode and with the request of another question.
        Raises UserError."""
        name, mode = self.model(), mode or self.mode()
        if name is None:
            raise UserError(keyed(self, _("There is no model yet: press F4 and train one.")))
        info = info_of(name)
        if info and not is_able(info, mode):
            raise UserError(self._shortcoming(info, mode))
        form: Form[ChatOptions] = self.query_one(Form)
        form.make()  # says what is wrong; what was left alone is the model's own affair
        values = form.values()
        inputs = self.query_one(ModeInputs)
        wanted = inputs.request(mode.name) if request is None else request
        is_taught = info is not None and knows(info, mode)
        if mode.name == "ask" and not is_taught and not (wanted.get("paths") or wanted.get("knowledge")):
            sentence = _("Say which documents to answer from: Ctrl+O chooses a file, F8 makes many searchable.")
            raise UserError(keyed(self, sentence))
        return Asked(
            name,
            mode,
            text,
            request=wanted,
            options={key: value for key, value in values.items() if key not in LOADING},
            load={key: value for key, value in values.items() if key in LOADING},
            system=inputs.texts().get("system", "").strip(),
        )

    # Actions

    def action_cancel(self) -> None:
        """Stop the writing."""
        self.stop_writing()

    def action_end_edit(self) -> None:
        """Leave what was edited as it is."""
        self.end_editing()
        set_text(self.query_one("#prompt", PromptArea), "")

    def action_turns(self) -> None:
        """From the prompt to what was said, and back."""
        if self.conversation.has_focus:
            self.take_focus()
        else:
            self.conversation.focus()

    def action_new_chat(self) -> None:
        """Begin another conversation; the one that was open is kept."""
        self.open_talk(None)
        self.take_focus()

    @work(exit_on_error=False)
    async def action_conversations(self, words: str = "") -> None:
        """Choose among those that are kept."""
        number = await self.app.push_screen_wait(ConversationsScreen(self.talk.number, words))
        if number is not None:
            self.open_talk(number or None)

    def open_talk(self, number: int | None) -> None:
        """Show a conversation; with None a new one."""
        if self.is_writing:
            self._say(self._still_writing())
            return
        self.end_editing()
        try:
            self.talk.open(number)
            self._say("")
        except UserError as error:
            self._say(str(error))
        self.show_talk()

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

    def _list_of_modes(self, is_open: bool) -> None:
        if not is_open:
            self.call_after_refresh(self._leave_mode)

    def _leave_mode(self) -> None:
        """Whoever has closed the list, with a choice or without, goes on writing."""
        if self.query_one("#mode").has_focus:
            self.take_focus()

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
        """Copy the newest answer."""
        answer = self.last_answer()
        if answer is not None:
            self.newleaf.copy(answer.text)

    def run_command(self, command: Command, argument: str) -> None:
        """What was typed after a slash. Raises UserError."""
        do = getattr(self, f"_slash_{command.name}")
        do(argument)

    def _slash_new(self, _argument: str) -> None:
        self.action_new_chat()

    def _slash_chats(self, argument: str) -> None:
        self.action_conversations(argument)

    def _slash_model(self, argument: str) -> None:
        self.query_one("#model", Select).value = store.find("models", argument).name

    def _slash_mode(self, argument: str) -> None:
        found = next((name for name, mode in MODES.items() if argument in (name, _(mode.title))), None)
        if found is None:
            raise UserError(
                _("There is no mode {name}. There are: {names}.").format(name=argument, names=", ".join(MODES))
            )
        self.query_one("#mode", Select).value = found

    def _slash_system(self, argument: str) -> None:
        self.query_one("#system", Input).value = argument

    def _slash_set(self, argument: str) -> None:
        name, _space, value = argument.partition(" ")
        self.query_one(Form).set(name.replace("-", "_"), value.strip())
        self._say(labelled(name, value.strip()))

    def _slash_again(self, _argument: str) -> None:
        self._on_last(self.action_again)

    def _slash_more(self, _argument: str) -> None:
        self._on_last(self.action_more)

    def _slash_good(self, _argument: str) -> None:
        self._on_last(partial(self.action_rate, 1))

    def _slash_bad(self, _argument: str) -> None:
        self._on_last(partial(self.action_rate, -1))

    def _on_last(self, act: Callable[[], None]) -> None:
        """Do something with the newest answer. Raises UserError where there is none."""
        self.conversation.action_last()
        if self.last_answer() is None:
            raise UserError(_("There is no answer yet."))
        act()

    def _slash_compare(self, argument: str) -> None:
        number, _space, model = argument.partition(" ")
        if not number.isdecimal() or not 2 <= int(number) <= MOST_SIDE_BY_SIDE:
            raise UserError(_("Compare 2 to 4 answers, such as /compare 3."))
        model = model.strip()
        if model and not model.startswith(PREFIX):
            store.find("models", model)
        self._on_last(partial(self.side_by_side, int(number), model))

    def _slash_rename(self, argument: str) -> None:
        if self.talk.number is None:
            raise UserError(_("There is no conversation yet."))
        self.talk.kept.rename(self.talk.number, argument)

    def _slash_export(self, argument: str) -> None:
        if self.talk.number is None:
            raise UserError(_("There is no conversation yet."))
        self.newleaf.say(export(self.talk.kept, self.talk.number, argument))

    def _slash_copy(self, _argument: str) -> None:
        self.action_copy_last()

    def _slash_help(self, _argument: str) -> None:
        self.newleaf.action_help()
