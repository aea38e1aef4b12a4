"""A dialog with choices at the left, what would come of them at the right, and the command that does the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Input, OptionList, Select, Static

from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.language import sentences
from ..core.options import OptionField
from .keyed import KeyButton, copies
from .widgets.dialogs import FormDialog, Result
from .widgets.switches import Switches

PAUSE = 0.4  # seconds after the last change before the engine is asked


class ChoiceDialog(FormDialog[Result]):
    """What such dialogs have in common. `meanings` are sentences for what is no option, by the names of inputs."""

    left: ClassVar[Any] = False  # what comes of it when it is left

    DEFAULT_CSS = """
    ChoiceDialog .choices { height: 1fr; }
    ChoiceDialog.-tall .choices { margin-top: 1; }
    ChoiceDialog .switches { width: 50%; max-width: 44; border-right: solid $panel; scrollbar-size-vertical: 1; }
    ChoiceDialog Form { height: auto; }
    ChoiceDialog Form VerticalScroll { height: auto; }
    ChoiceDialog Form .explanation { display: none; }
    ChoiceDialog .found { width: 1fr; padding: 0 0 0 1; }
    ChoiceDialog .found VerticalScroll { height: 1fr; background: transparent; scrollbar-size-vertical: 1; }
    ChoiceDialog .found VerticalScroll:focus { background: $foreground 5%; }
    ChoiceDialog .meaning { height: 3; color: $text-muted; }
    ChoiceDialog.-wide .meaning { height: 2; }
    ChoiceDialog .command { height: auto; max-height: 3; background: $panel; }
    """

    meanings: ClassVar[Mapping[str, str]] = {}
    fields: Mapping[str, OptionField]  # by name
    command_shown = ""

    # What a dialog of its own says

    def compose_choices(self) -> ComposeResult:
        """What can be chosen."""
        raise NotImplementedError

    def command_now(self) -> str:
        """The command that does what is chosen. Raises UserError."""
        raise NotImplementedError

    def look(self) -> None:
        """Find out what would come of it."""
        raise NotImplementedError

    def hint(self, name: str | None) -> str:
        """A word behind what an option means."""
        return ""

    # What they all do

    def compose_parts(self, found_title: str, start_word: str) -> ComposeResult:
        """All that is below what is asked first."""
        with Horizontal(classes="choices"):
            with VerticalScroll(classes="switches", can_focus=False):
                yield from self.compose_choices()
            with Vertical(classes="found"):
                yield Static(found_title, classes="title found-title", markup=False)
                with VerticalScroll():
                    yield Static("", id="found", markup=False)
        yield Static("", classes="meaning", markup=False)
        yield Static("", classes="problem", markup=False)
        with VerticalScroll(classes="command", can_focus=False):
            yield Static("", id="command", markup=False)
        with Horizontal(classes="buttons"):
            yield KeyButton(start_word, "start", id="start", variant="primary")
            yield from self.compose_buttons()
            yield KeyButton(_("Cancel"), f"dismiss({self.left!r})", id="cancel")

    def compose_buttons(self) -> ComposeResult:
        """More buttons."""
        yield from ()

    @on(events.DescendantFocus)
    def _explain(self, event: events.DescendantFocus) -> None:
        name = event.widget.name
        if isinstance(event.widget, Switches) and event.widget.id == "switches":
            name = event.widget.name_at(event.widget.highlighted)
        self._tell_meaning(name)

    @on(OptionList.OptionHighlighted, "#switches")
    def _explain_switch(self, event: OptionList.OptionHighlighted) -> None:
        if self.query_one("#switches", Switches).has_focus:
            self._tell_meaning(self.query_one("#switches", Switches).name_at(event.option_index))

    def _tell_meaning(self, name: str | None) -> None:
        meaning = self.meanings.get(name or "", "")
        text = _(meaning) if meaning else ""
        if field := self.fields.get(name or ""):
            text = _(field.description)
        self.query_one(".meaning", Static).update(sentences(text, self.hint(name)))

    @on(Input.Changed)
    @on(Select.Changed)
    @on(Switches.Changed)
    def changed(self) -> None:
        """Something is not as it was: say which command it is, and see what would come of it."""
        if self.is_mounted and self.query("#found"):
            self.show_command()
            self.look()

    def show_command(self) -> None:
        """Say which command it is, or what is wrong. What was wrong stays there until another command is chosen."""
        try:
            command = self.command_now()
        except UserError as error:
            self.command_shown = ""
            self.say_problem(str(error))
            return
        if command != self.command_shown:
            self.command_shown = command
            self.query_one("#command", Static).update(copies(self, command))
            self.say_problem("")

    def say_problem(self, text: str) -> None:
        """Say what is wrong; nothing where nothing is."""
        self.query_one(".problem", Static).update(text)

    def action_copy_command(self) -> None:
        """Put the command into the clipboard."""
        try:
            cast("Any", self.app).copy(self.command_now())
        except UserError as error:
            self.say_problem(str(error))
