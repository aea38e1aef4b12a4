"""The dialog that teaches a model a task: which records, as what, and how, with the records as it will see them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, OptionList, Select, Static

from ..core.command_line import command_line
from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import fields
from ..core.tasks.all import TASKS
from ..core.tasks.data.options import DataOptions
from ..trainer.finetune_options import FineTuneOptions
from ..trainer.work import finetuning
from .before_after import MUTED
from .drafts import draft_text, draft_values
from .kept import free_name
from .records_preview import columns_text, records_content
from .widgets.dialogs import PickPath
from .widgets.form import Form, split_words
from .widgets.path_input import PathInput, absolute_paths
from .widgets.switches import Switches
from .words import Translated

PAUSE = 0.4  # seconds after the last change before the engine is asked
USUAL_TIME = "10m"
ABOVE = ("time", "column")  # options with a line of their own above the others
MEANINGS = {  # of what is no option
    "model": N_("The model that is taught; it stays as it is."),
    "task": N_("What the records are; found by the names of their columns, where these leave no doubt."),
    "path": N_(
        "Files and folders with records: CSV, JSON, JSON Lines, Parquet; catalogues (.po, .tmx) for translation; "
        "folders called like their labels for classification."
    ),
    "name": N_("What the new model will be called."),
}


@dataclass(frozen=True)
class TeachingOptions(DataOptions, FineTuneOptions):
    """All that a person can choose here: of the training, and of the data."""

    def problems(self) -> list[str]:
        """What is wrong with both."""
        return [*FineTuneOptions.problems(self), *DataOptions.problems(self)]


class FineTuneDialog(Translated, ModalScreen[str]):
    """Asks what to teach; the name of the job when one was started, else nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss('')", N_("Cancel"), id="finetune.cancel"),
        Binding("ctrl+s", "start", N_("Start"), id="finetune.start", key_display="^s", priority=True),
        Binding("ctrl+o", "pick", N_("Choose a file"), id="finetune.pick", key_display="^o", priority=True),
        Binding("ctrl+y", "copy_command", N_("Copy the command"), id="finetune.copy", key_display="^y", priority=True),
    ]
    DEFAULT_CSS = """
    FineTuneDialog .line { height: 1; }
    FineTuneDialog .line Label { width: 8; color: $text-muted; }
    FineTuneDialog .line .second { padding: 0 0 0 1; }
    FineTuneDialog .line Input, FineTuneDialog .line Select { width: 1fr; }
    FineTuneDialog .choices { height: 1fr; }
    FineTuneDialog.-tall .choices { margin-top: 1; }
    FineTuneDialog .options { width: 50%; max-width: 44; border-right: solid $panel; scrollbar-size-vertical: 1; }
    FineTuneDialog Form { height: auto; }
    FineTuneDialog Form VerticalScroll { height: auto; }
    FineTuneDialog Form .explanation { display: none; }
    FineTuneDialog .found { width: 1fr; padding: 0 0 0 1; }
    FineTuneDialog .found VerticalScroll { height: 1fr; background: transparent; scrollbar-size-vertical: 1; }
    FineTuneDialog .found VerticalScroll:focus { background: $foreground 5%; }
    FineTuneDialog .meaning { height: 3; color: $text-muted; }
    FineTuneDialog.-wide .meaning { height: 2; }
    FineTuneDialog .command { height: auto; max-height: 3; background: $panel; }
    """

    def __init__(self, models: list[str], start: dict[str, Any], proposed: str):
        """`start` is a draft; `proposed` is the model where that names none."""
        super().__init__()
        self.models, self.start, self.proposed = models, start, proposed
        self._fields = {field.name: field for field in fields(TeachingOptions)}
        self._switches = [name for name, field in self._fields.items() if field.type is bool]
        self._named = bool(draft_text(start, "name"))  # by the person
        self._found: dict[str, Any] = {}  # by the engine, in the data as it is now
        self._sent = False

    # The screen

    def compose(self) -> ComposeResult:
        options = draft_values(self.start, "options")
        said = {name: options[name] == "on" for name in self._switches if name in options}
        rest = [name for name in self._fields if name not in (*self._switches, *ABOVE)]
        with Vertical(classes="dialog full"):
            yield Static(_("Fine-tune a model"), classes="title", markup=False)
            with Horizontal(classes="line"):
                yield Label(_("model"), markup=False)
                models = [(Content(name), name) for name in self.models]
                yield Select(models, value=self._model(), allow_blank=False, compact=True, id="model", name="model")
                yield Label(_("task"), markup=False, classes="second")
                tasks = [(Content(task.title), name) for name, task in TASKS.items()]
                yield Select(tasks, prompt=_("automatic"), compact=True, id="task", name="task")
            with Horizontal(classes="line"):
                yield Label(_("data"), markup=False)
                path, hint = draft_text(self.start, "path"), _("files and folders, dropped or typed; Ctrl+O chooses")
                yield PathInput(path, placeholder=hint, compact=True, id="path", name="path")
            with Horizontal(classes="line"):
                yield Label(_("columns"), markup=False)
                yield Input(options.get("column", ""), compact=True, id="column", name="column")
            with Horizontal(classes="line"):
                yield Label(_("name"), markup=False)
                hint = _("what the model will be called")
                yield Input(draft_text(self.start, "name"), placeholder=hint, compact=True, id="name", name="name")
                yield Label(_("time"), markup=False, classes="second")
                yield Input(options.get("time", ""), placeholder=USUAL_TIME, compact=True, id="time", name="time")
            with Horizontal(classes="choices"):
                with VerticalScroll(classes="options", can_focus=False):
                    usual = lambda name: bool(self._fields[name].default)  # noqa: E731
                    yield Switches(self._switches, usual, said, shown=_as_flag, starred=False, id="switches")
                    yield Form(TeachingOptions, options, shown=rest.__contains__, split=split_words)
                with Vertical(classes="found"):
                    yield Static(_("Records"), classes="title found-title", markup=False)
                    with VerticalScroll():
                        yield Static("", id="found", markup=False)
            yield Static("", classes="meaning", markup=False)
            yield Static("", classes="problem", markup=False)
            with VerticalScroll(classes="command", can_focus=False):
                yield Static("", id="command", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(_("Start (Ctrl+S)"), id="start", variant="primary", compact=True)
                yield Button(_("Choose (Ctrl+O)"), id="pick", compact=True)
                yield Button(_("Cancel (Esc)"), id="cancel", compact=True)

    def on_mount(self) -> None:
        """The data is what a person gives first."""
        for entry in self.query(Input):
            entry.cursor_blink = False
        self.query_one("#path").focus()
        self.changed()

    def _model(self) -> str:
        model = draft_text(self.start, "model")
        return model if model in self.models else self.proposed

    def draft(self) -> dict[str, Any]:
        """What was typed and not yet sent."""
        if self._sent or not self.query_one(PathInput).value:
            return {"finetuning": {}}
        switched = {name: "on" if value else "off" for name, value in self.query_one(Switches).said().items()}
        above = {name: self.query_one(f"#{name}", Input).value for name in ABOVE}
        return {
            "finetuning": {
                "model": self._chosen("model"),
                "path": self.query_one(PathInput).value,
                "name": self.query_one("#name", Input).value if self._named else "",
                "options": {**self.query_one(Form).texts(), **switched, **above},
            }
        }

    # What is chosen

    def _chosen(self, name: str) -> str:
        value = self.query_one(f"#{name}", Select).value
        return value if isinstance(value, str) else ""

    def _paths(self) -> list[str]:
        return absolute_paths(self.query_one(PathInput).paths())

    def _wanted(self) -> str:
        """The task that was chosen, or that was found."""
        return self._chosen("task") or self._found.get("task", "")

    def options(self) -> TeachingOptions:
        """The options as they stand there. Raises UserError with all that is wrong."""
        values = {**self.query_one(Switches).said(), **self.query_one(Form).values()}
        time = self.query_one("#time", Input).value.strip() or ("" if "steps" in values else USUAL_TIME)
        if time:
            values["time"] = self._fields["time"].parse(time)
        if column := self.query_one("#column", Input).value:
            values["column"] = split_words(column)
        return TeachingOptions.from_mapping(values)

    def command(self, options: TeachingOptions) -> str:
        """The command that does the same."""
        paths = self.query_one(PathInput).paths() or ["DATA"]
        words = ["newleaf", "finetune", self._chosen("model"), *paths, "--task", self._wanted() or "TASK"]
        return command_line([*words, "--name", self.query_one("#name", Input).value or "NAME"], options)

    @on(Input.Changed, "#path")
    def _propose_name(self) -> None:
        paths = self.query_one(PathInput).paths()
        if paths and not self._named:
            name = re.sub(r"[^\w-]+", "-", Path(paths[0]).expanduser().name.split(".")[0]).strip("-")
            self.query_one("#name", Input).value = free_name("models", f"{self._chosen('model')}-{name or 'taught'}")

    @on(Input.Changed, "#name")
    def _name_changed(self, event: Input.Changed) -> None:
        self._named = self._named or (event.input.has_focus and bool(event.value))

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()

    @on(events.DescendantFocus)
    def _explain(self, event: events.DescendantFocus) -> None:
        name = event.widget.name
        if isinstance(event.widget, Switches):
            name = event.widget.name_at(event.widget.highlighted)
        self._tell_meaning(name)

    @on(OptionList.OptionHighlighted, "#switches")
    def _explain_switch(self, event: OptionList.OptionHighlighted) -> None:
        if self.query_one(Switches).has_focus:
            self._tell_meaning(self.query_one(Switches).name_at(event.option_index))

    def _tell_meaning(self, name: str | None) -> None:
        text = _(MEANINGS[name]) if name in MEANINGS else ""
        if name in self._fields:
            text = _(self._fields[name].description)
        if name in self._switches:
            text += " " + _("Space turns it.")
        elif name == "column":
            text += " " + _("In this form: with spaces between them.")
        self.query_one(".meaning", Static).update(text)

    # What comes of it

    @on(Input.Changed)
    @on(Select.Changed)
    @on(Switches.Changed)
    def changed(self) -> None:
        """Something is not as it was: say which command it is, and look at the records."""
        if self.is_mounted and self.query("#found"):
            self._show_command()
            self._look()

    def _show_command(self) -> None:
        try:
            command = self.command(self.options())
            self.query_one("#command", Static).update(Content.assemble((_("Ctrl+Y copies:"), MUTED), " ", command))
            self._say_problem("")
        except UserError as error:
            self._say_problem(str(error))

    def _say_problem(self, text: str) -> None:
        problem = self.query_one(".problem", Static)
        problem.update(text)
        problem.display = bool(text)

    @work(exclusive=True, group="look", exit_on_error=False)
    async def _look(self) -> None:
        await asyncio.sleep(PAUSE)
        title, shown = self.query_one(".found-title", Static), self.query_one("#found", Static)
        found: dict[str, Any] = {}
        try:
            if paths := self._paths():
                title.update(_("Records: looking ..."))
                options = DataOptions.from_mapping(self.options().as_dict()).as_dict()
                engine = cast("Any", self.app).engine
                found = await engine.preview_records(self._chosen("model"), paths, self._chosen("task"), options)
            shown.update(records_content(found) if found else _("What the model will learn from stands here."))
        except UserError as error:
            shown.update(str(error))
        title.update(_("Records"))
        self._found = found
        self.query_one("#task", Select).prompt = TASKS[found["task"]].title if found.get("task") else _("automatic")
        self.query_one("#column", Input).placeholder = columns_text(found.get("columns", {}))
        self._show_command()

    # Actions

    @work(exit_on_error=False)
    async def action_pick(self) -> None:
        """Choose from the tree of files; what is chosen is added to what is there."""
        if path := await self.app.push_screen_wait(PickPath(str(Path.cwd()))):
            self.query_one(PathInput).add(path)

    def action_copy_command(self) -> None:
        """Put the command into the clipboard."""
        try:
            self.app.copy_to_clipboard(self.command(self.options()))
            cast("Any", self.app).say(_("Copied."))
        except UserError as error:
            self._say_problem(str(error))

    def action_start(self) -> None:
        """Start the job, or say what is wrong."""
        try:
            options, paths, task = self.options(), self._paths(), self._wanted()
            if not paths:
                raise UserError(_("Say which file or folder to learn from."))
            if not task:
                raise UserError(_("Choose the task: the data does not say it."))
            values = options.as_dict()
            how, what = FineTuneOptions.from_mapping(values), DataOptions.from_mapping(values)
            name = self.query_one("#name", Input).value
            job = finetuning.submit(self._chosen("model"), [(task, paths)], name, how, what)
        except UserError as error:
            self._say_problem(str(error))
            return
        self._sent = True
        cast("Any", self.app).keep_draft()
        self.dismiss(job.name)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Start, choose or leave."""
        if event.button.id == "start":
            self.action_start()
        elif event.button.id == "pick":
            self.action_pick()
        else:
            self.dismiss("")


def _as_flag(name: str) -> str:
    return name.replace("_", "-")
