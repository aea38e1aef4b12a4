"""The dialog that teaches a model a task: which records, as what, and how, with the records as it will see them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Select, Static

from ..core.command_line import command_line
from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import fields
from ..core.tasks.all import TASKS
from ..core.tasks.data.options import DataOptions
from ..trainer.finetune_options import FineTuneOptions
from ..trainer.options import OldCorpusOptions
from ..trainer.work import finetuning
from .choice_dialog import PAUSE, ChoiceDialog
from .drafts import draft_text, draft_values
from .kept import free_name
from .keyed import KeyButton, keyed
from .records_preview import columns_text, records_content
from .widgets.form import Form, split_words
from .widgets.path_dialogs import NameFromPath, PathDialog, as_name, stem_of
from .widgets.path_input import PathInput, absolute_paths
from .widgets.switches import Switches

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
class TeachingOptions(OldCorpusOptions, DataOptions, FineTuneOptions):
    """All that a person can choose here: of the training, and of the data."""

    def problems(self) -> list[str]:
        """What is wrong with both."""
        return [*FineTuneOptions.problems(self), *DataOptions.problems(self)]


class FineTuneDialog(ChoiceDialog[str], NameFromPath[str], PathDialog[str]):
    """Asks what to teach; the name of the job when one was started, else nothing."""

    left = ""
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
    """

    meanings = MEANINGS

    def __init__(self, models: list[str], start: dict[str, Any], proposed: str):
        """`start` is a draft; `proposed` is the model where that names none."""
        super().__init__()
        self.models, self.start, self.proposed = models, start, proposed
        self.fields = {field.name: field for field in fields(TeachingOptions)}
        self._switches = [name for name, field in self.fields.items() if field.type is bool]
        self.named = bool(draft_text(start, "name"))  # by the person
        self._found: dict[str, Any] = {}  # by the engine, in the data as it is now
        self._sent = False

    # The screen

    def compose(self) -> ComposeResult:
        options = draft_values(self.start, "options")
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
                path = draft_text(self.start, "path")
                hint = keyed(self, _("files and folders, dropped or typed; Ctrl+O chooses"))
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
            yield from self.compose_parts(_("Records"), _("Start"))

    def compose_choices(self) -> ComposeResult:
        options = draft_values(self.start, "options")
        said = {name: options[name] == "on" for name in self._switches if name in options}
        rest = [name for name in self.fields if name not in (*self._switches, *ABOVE)]
        usual = lambda name: bool(self.fields[name].default)  # noqa: E731
        yield Switches(self._switches, usual, said, shown=_as_flag, starred=False, id="switches")
        yield Form(TeachingOptions, options, shown=rest.__contains__, split=split_words)

    def compose_buttons(self) -> ComposeResult:
        yield KeyButton(_("Choose"), "pick", id="pick")

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
                "name": self.own_name(),
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
            values["time"] = self.fields["time"].parse(time)
        if column := self.query_one("#column", Input).value:
            values["column"] = split_words(column)
        return TeachingOptions.from_mapping(values)

    def command(self, options: TeachingOptions) -> str:
        """The command that does the same."""
        paths = self.query_one(PathInput).paths() or ["DATA"]
        words = ["newleaf", "finetune", self._chosen("model"), *paths, "--task", self._wanted() or "TASK"]
        return command_line([*words, "--name", self.query_one("#name", Input).value or "NAME"], options)

    def proposed_name(self, path: str) -> str:
        return free_name("models", f"{self._chosen('model')}-{as_name(stem_of(path), 'taught')}")

    def hint(self, name: str | None) -> str:
        if name in self._switches:
            return _("Space turns it.")
        return _("In this form: with spaces between them.") if name == "column" else ""

    # What comes of it

    def command_now(self) -> str:
        return self.command(self.options())

    def look(self) -> None:
        self._look()

    def say_problem(self, text: str) -> None:
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
        self.show_command()

    # Actions

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
            job = finetuning.submit(self._chosen("model"), [(task, paths)], name, how, what, options.old_corpus)
        except UserError as error:
            self.say_problem(str(error))
            return
        self._sent = True
        self.dismiss(job.name)


def _as_flag(name: str) -> str:
    return name.replace("_", "-")
