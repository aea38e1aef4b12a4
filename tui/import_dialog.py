"""The dialogs that bring text: into a new corpus, or into one that there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Label

from ..core.command_line import command_line
from ..core.corpus.importing import ImportOptions, MergeOptions
from ..core.corpus.sources import HUB, STANDARD_INPUT
from ..core.corpus.store import Corpus
from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from ..trainer.work import importing
from .cleaning_dialog import CleaningDialog
from .drafts import draft_text, draft_values
from .kept import free_name
from .keyed import KeyButton, keyed
from .widgets.path_dialogs import NameFromPath, PathDialog, as_name, stem_of
from .widgets.path_input import PathInput


class FilesDialog(CleaningDialog, PathDialog[bool]):
    """Asks for paths, typed, pasted, dropped, or chosen from the tree."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "pick", N_("Choose a file"), id="import.pick", key_display="^o", priority=True),
    ]
    options: ClassVar[type[MergeOptions]] = ImportOptions

    def __init__(self, start: Mapping[str, Any] | None = None, path: str = ""):
        super().__init__(start)
        self._path = path

    def compose_path(self) -> ComposeResult:
        """The line for paths."""
        with Horizontal(classes="row"):
            yield Label(_("path"), markup=False)
            yield PathInput(
                self._path,
                placeholder=keyed(self, _("files and folders, dropped or typed; Ctrl+O chooses")),
                compact=True,
                id="path",
                name="path",
            )

    def compose_buttons(self) -> ComposeResult:
        yield KeyButton(_("Choose"), "pick", id="pick")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#path").focus()

    def typed_paths(self) -> list[str]:
        """All paths."""
        return self.query_one(PathInput).paths()

    def paths(self) -> list[str]:
        """The paths that can be looked into; data sets are loaded by the import alone."""
        paths = self.typed_paths()
        if STANDARD_INPUT in paths:
            raise UserError(_("Standard input is for the command line: name a file here."))
        local = [path for path in paths if not path.startswith(HUB)]
        if paths and not local:
            raise UserError(_("A data set is loaded when it is imported: it is not looked into here."))
        return local

    def checked_paths(self) -> list[str]:
        """All paths. Raises UserError where there is none, or one that cannot be read here."""
        paths = self.typed_paths()
        if not paths:
            raise UserError(_("Say which file or folder to import."))
        if STANDARD_INPUT in paths:
            raise UserError(_("Standard input is for the command line: name a file here."))
        return paths


class ImportDialog(FilesDialog, NameFromPath[bool]):
    """Asks what to import, and what the corpus will be called."""

    start_word: ClassVar[str] = N_("Import")

    def __init__(self, draft: dict[str, Any]):
        super().__init__(draft_values(draft, "options"), draft_text(draft, "path"))
        self._sent = False
        self._name_at_first = draft_text(draft, "name")
        self.named = bool(self._name_at_first)  # by the person

    def heading(self) -> str:
        return _("Add text")

    def compose_head(self) -> ComposeResult:
        yield from self.compose_path()
        with Horizontal(classes="row"):
            yield Label(_("name"), markup=False)
            yield Input(
                self._name_at_first,
                placeholder=_("what the corpus will be called"),
                compact=True,
                id="name",
                name="name",
            )

    def draft(self) -> dict[str, Any]:
        """What was typed and not yet sent."""
        if self._sent:
            return {"import": {}}
        try:
            options = self.chosen().as_dict()
        except UserError:
            options = self._start
        path, name = self.query_one(PathInput).value, self.own_name()
        return {"import": {"path": path, "name": name, "options": options}}

    def proposed_name(self, path: str) -> str:
        return free_name("corpora", as_name(stem_of(path), "text"))

    def corpus_name(self) -> str:
        """How it will be called."""
        return self.query_one("#name", Input).value

    def command(self, options: MergeOptions) -> str:
        words = ["newleaf", "corpus", "add", *(self.typed_paths() or ["PATH"]), "--name", self.corpus_name() or "NAME"]
        return command_line(words, options)

    def submit(self, options: MergeOptions) -> None:
        importing.submit(self.checked_paths(), self.corpus_name(), cast("ImportOptions", options))
        self._sent = True


class ExtendDialog(FilesDialog):
    """Asks what to add to a corpus; it is cleaned as the corpus was, where nothing else is chosen."""

    start_word: ClassVar[str] = N_("Extend")

    def __init__(self, corpus: Corpus):
        before = corpus.report["options"]
        self.kept = {name: before[name] for name in importing.KEPT if name in before}
        super().__init__(self.kept)
        self.corpus = corpus.name

    def heading(self) -> str:
        return _("Extend corpus {name}: what is new in the files is added").format(name=self.corpus)

    def compose_head(self) -> ComposeResult:
        yield from self.compose_path()

    def command(self, options: MergeOptions) -> str:
        words = ["newleaf", "corpus", "extend", self.corpus, *(self.typed_paths() or ["PATH"])]
        return command_line(words, options, self.kept)

    def submit(self, options: MergeOptions) -> None:
        importing.submit_extension(self.checked_paths(), self.corpus, cast("ImportOptions", options))
