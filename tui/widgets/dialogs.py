"""Dialogs: a box above the screen, with Esc to leave it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import DirectoryTree, Input, Static

from ...core.language import N_
from ...core.language import gettext as _
from ..keyed import KeyButton, keyed
from ..quiet import QuietFocus
from ..words import Translated

Result = TypeVar("Result")


class FormDialog(Translated, QuietFocus, ModalScreen[Result], Generic[Result]):
    """A dialog with things to fill in: Enter goes to the next one."""

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Close it; what was typed is there again when it is opened the next time."""
        cast("Any", self.app).keep_draft()
        return super().dismiss(result)


class Confirm(Translated, ModalScreen[bool]):
    """Asks whether to do what cannot be undone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", N_("No"), id="confirm.no"),
        Binding("y", "dismiss(True)", N_("Yes"), id="confirm.yes"),
    ]

    def __init__(self, question: str):
        super().__init__()
        self.question = question

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small"):
            yield Static(self.question, markup=False)
            with Horizontal(classes="buttons"):
                yield KeyButton(_("No"), "dismiss(False)", id="no")
                yield KeyButton(_("Yes"), "dismiss(True)", id="yes", variant="warning")


class Question(Translated, ModalScreen[str]):
    """Asks for a line of text; nothing when it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", N_("Cancel"), id="question.cancel")]

    def __init__(self, question: str, proposal: str):
        super().__init__()
        self.question, self.proposal = question, proposal

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small"):
            yield Static(self.question, markup=False)
            yield Input(self.proposal, compact=True)
            yield Static(keyed(self, _("Enter takes it, Esc leaves.")), classes="hint", markup=False)

    def on_mount(self) -> None:
        """Ready to be typed over."""
        self.query_one(Input).cursor_blink = False
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        self.dismiss(event.value.strip())


class Message(Translated, ModalScreen[None]):
    """A text to read."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,f1", "dismiss", N_("Close"), id="message.close")]

    def __init__(self, title: str, text: str | Text):
        super().__init__()
        self.heading, self.text = title, text

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self.heading, classes="title", markup=False)
            with VerticalScroll():
                yield Static(self.text, markup=False)
            yield Static(keyed(self, _("Esc closes this.")), classes="hint", markup=False)


class PickPath(Translated, ModalScreen[str]):
    """Chooses a file or a folder from the tree of files."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss('')", N_("Cancel"), id="pick.cancel"),
        Binding("space", "take", N_("Take it"), id="pick.take", priority=True),
        Binding("backspace", "up", N_("The folder above"), id="pick.up", priority=True),
    ]

    def __init__(self, start: str):
        super().__init__()
        self.start = start

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(_("Choose a file or a folder"), classes="title", markup=False)
            yield DirectoryTree(str(Path(self.start).absolute()))
            yield Static(
                _(
                    "Enter opens a folder or takes a file. Space takes what is marked. "
                    "Backspace goes to the folder above."
                ),
                classes="hint",
                markup=False,
            )

    def on_directory_tree_file_selected(self, event: DirectoryTree.FileSelected) -> None:
        """A file is taken."""
        self.dismiss(str(event.path))

    def action_up(self) -> None:
        """Show the folder above."""
        tree = self.query_one(DirectoryTree)
        tree.path = Path(tree.path).parent

    def action_take(self) -> None:
        """Take what is marked, a folder too."""
        node = self.query_one(DirectoryTree).cursor_node
        if node is not None and node.data is not None:
            self.dismiss(str(node.data.path))
