"""The dialog that trains a tokenizer."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Select, Static

from ..core.command_line import command_line
from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from ..core.tokenizer.options import TokenizerOptions
from ..trainer.work import tokenizing
from .drafts import draft_text, draft_values
from .kept import free_name
from .keyed import KeyButton
from .widgets.dialogs import FormDialog
from .widgets.form import Form, split_words


class TokenizerDialog(FormDialog[bool]):
    """Asks how to train a tokenizer; True when a job was started."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", N_("Cancel"), id="tokenizer_dialog.cancel"),
        Binding("ctrl+s", "start", N_("Train"), id="tokenizer_dialog.start", key_display="^s", priority=True),
        Binding("ctrl+y", "copy", N_("Copy the command"), id="tokenizer_dialog.copy", key_display="^y", priority=True),
    ]
    CSS = """
    TokenizerDialog #command { height: auto; max-height: 4; color: $text-accent; }
    TokenizerDialog.-tall #command { margin-top: 1; }
    TokenizerDialog.-tall .dialog { height: 24; }
    """

    def __init__(self, corpora: list[str], start: dict[str, Any]):
        super().__init__()
        self.corpora, self.start = corpora, start
        corpus = draft_text(start, "corpus")
        self._corpus = corpus if corpus in corpora else corpora[-1]
        self._proposed_name = "" if draft_text(start, "name") else free_name("tokenizers", self._corpus)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(_("Train a tokenizer"), classes="title", markup=False)
            with Horizontal(classes="row"):
                yield Label(_("corpus"), markup=False)
                yield Select(
                    [(Content(name), name) for name in self.corpora],
                    value=self._corpus,
                    allow_blank=False,
                    compact=True,
                    id="corpus",
                )
            with Horizontal(classes="row"):
                yield Label(_("name"), markup=False)
                yield Input(draft_text(self.start, "name") or self._proposed_name, compact=True, id="name")
            yield Form(TokenizerOptions, draft_values(self.start, "options"), split=split_words)
            yield Static("", id="command", markup=False)
            yield Static("", classes="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield KeyButton(_("Train"), "start", id="start", variant="primary")
                yield KeyButton(_("Copy"), "copy", id="copy")
                yield KeyButton(_("Cancel"), "dismiss(False)", id="cancel")

    def on_mount(self) -> None:
        """The name is what a person looks at first."""
        for entry in self.query(Input):
            entry.cursor_blink = False
        self.query_one("#name").focus()
        self._show_command()

    def draft(self) -> dict[str, Any]:
        """What was typed."""
        corpus, name = self.query_one("#corpus", Select).value, self.query_one("#name", Input).value
        return {
            "tokenizer": {
                "corpus": corpus if isinstance(corpus, str) else None,  # it has no value while it is being made
                "name": "" if name == self._proposed_name else name,
                "options": self.query_one(Form).texts(),
            }
        }

    @on(Select.Changed, "#corpus")
    def _corpus_chosen(self, event: Select.Changed) -> None:
        if event.value != self._corpus:  # Textual tells of the first value too
            self._corpus = str(event.value)
            self.query_one("#name", Input).value = self._proposed_name = free_name("tokenizers", self._corpus)

    @on(Input.Changed)
    @on(Select.Changed)
    def _show_command(self) -> None:
        """The command that would do the same; while an option is wrong, the sentence about it."""
        try:
            command, problem = self._command(), ""
        except UserError as error:
            command, problem = "", str(error)
        self.query_one("#command", Static).update(command)
        self.query_one(".problem", Static).update(problem)

    def _command(self) -> str:
        corpus, name = str(self.query_one("#corpus", Select).value), self.query_one("#name", Input).value
        return command_line(["newleaf", "tokenizer", "train", corpus, "--name", name], self.query_one(Form).make())

    def action_copy(self) -> None:
        """Copy the command."""
        if command := str(self.query_one("#command", Static).content):
            cast("Any", self.app).copy(command)

    def action_start(self) -> None:
        """Start the job, or say what is wrong."""
        try:
            corpus = str(self.query_one("#corpus", Select).value)
            tokenizing.submit(corpus, self.query_one("#name", Input).value, self.query_one(Form).make())
        except UserError as error:
            self.query_one(".problem", Static).update(str(error))
            return
        self.query_one("#name", Input).value = ""  # the next one has another
        self.dismiss(True)
