"""A dialog with options to fill in, and below them the command that does the same, ready to be copied."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Select, Static

from ..core.command_line import command_line
from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import OptionsBase
from .keyed import KeyButton, copies
from .widgets.dialogs import FormDialog
from .widgets.form import Form, split_words


class CommandDialog(FormDialog[bool]):
    """True when its work was begun. A subclass says what is asked beside the options, the command, and the work."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", N_("Cancel"), id="command_dialog.cancel"),
        Binding("ctrl+s", "start", N_("Start"), id="command_dialog.start", key_display="^s", priority=True),
        Binding("ctrl+y", "copy", N_("Copy the command"), id="command_dialog.copy", key_display="^y", priority=True),
    ]
    DEFAULT_CSS = """
    CommandDialog #command { height: auto; max-height: 4; color: $accent; }
    """
    options: ClassVar[type[OptionsBase]]
    start_word: ClassVar[str] = N_("Start")
    unset: ClassVar[str] = N_("automatic")  # what stands where nothing is typed, and nothing is usual

    def heading(self) -> str:
        """What is done."""
        raise NotImplementedError

    def compose_head(self) -> ComposeResult:
        """What is asked beside the options."""
        yield from ()

    def start_values(self) -> dict[str, str]:
        """What stands in the options at first."""
        return {}

    def words(self) -> list[str]:
        """The command without the options."""
        raise NotImplementedError

    def beginning(self, options: OptionsBase) -> Callable[[], object]:
        """What begins the work: it is called in a thread, and may raise UserError. Raises UserError."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self.heading(), classes="title", markup=False)
            yield from self.compose_head()
            yield Form(self.options, self.start_values(), split=split_words, unset=_(self.unset))
            yield Static("", id="command", markup=False)
            yield Static("", classes="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield KeyButton(_(self.start_word), "start", id="start", variant="primary")
                yield KeyButton(_("Copy"), "copy", id="copy")
                yield KeyButton(_("Cancel"), "dismiss(False)", id="cancel")

    def on_mount(self) -> None:
        """The first thing to fill in has the focus."""
        for entry in self.query(Input):
            entry.cursor_blink = False
        self.query("Input, Select").first().focus()
        self._show_command()

    @on(Input.Changed)
    @on(Select.Changed)
    def _show_command(self) -> None:
        tell_command(self, self.command)

    def command(self) -> str:
        """The command that does the same. Raises UserError."""
        return command_line(self.words(), self.query_one(Form).make())

    def action_copy(self) -> None:
        """Put the command into the clipboard."""
        try:
            cast("Any", self.app).copy(self.command())
        except UserError as error:
            self.query_one(".problem", Static).update(str(error))

    @work(exclusive=True, group="start", exit_on_error=False)
    async def action_start(self) -> None:
        """Begin the work, or say what is wrong."""
        try:
            await asyncio.to_thread(self.beginning(self.query_one(Form).make()))
        except UserError as error:
            self.query_one(".problem", Static).update(str(error))
            return
        self.dismiss(True)


def tell_command(dialog: FormDialog[Any], command: Callable[[], str]) -> None:
    """Show in a dialog the command that does the same, with the key that copies it; or what is wrong."""
    shown, problem = Content(""), ""
    try:
        shown = copies(dialog, command())
    except UserError as error:
        problem = str(error)
    dialog.query_one("#command", Static).update(shown)
    dialog.query_one(".problem", Static).update(problem)


def row(label: str, entry: Input | Select[str]) -> Horizontal:
    """A line of such a dialog."""
    return Horizontal(Label(label, markup=False), entry, classes="row")
