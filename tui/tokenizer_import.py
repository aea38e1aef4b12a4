"""The dialog that takes a tokenizer from elsewhere."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Select, Static

from ..core import store
from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from .kept import free_name
from .keyed import KeyButton, copies, keyed
from .widgets.dialogs import PickPath
from .widgets.path_dialogs import NameFromPath, as_name, stem_of
from .widgets.path_input import split_paths

if TYPE_CHECKING:
    from ..core.engine.client import Engine

FILES = ("tokenizer", "vocab", "merges")  # names that say nothing: the folder's is a better one


class TokenizerImportDialog(NameFromPath[dict[str, Any] | None]):
    """Asks where the tokenizer is; what is known of it when it is here, else nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", N_("Cancel"), id="tokenizer_import.cancel"),
        Binding("ctrl+s", "start", N_("Import"), id="tokenizer_import.start", key_display="^s", priority=True),
        Binding("ctrl+o", "pick", N_("Choose"), id="tokenizer_import.pick", key_display="^o", priority=True),
        Binding("ctrl+y", "copy", N_("Copy the command"), id="tokenizer_import.copy", key_display="^y", priority=True),
    ]
    CSS = """
    TokenizerImportDialog .dialog { height: auto; }
    TokenizerImportDialog .hint { margin-top: 1; }
    TokenizerImportDialog #command { height: auto; max-height: 3; color: $accent; }
    """

    def __init__(self, corpora: list[str]):
        super().__init__()
        self.corpora = corpora
        self._busy = False

    @property
    def _engine(self) -> Engine:
        return cast("Any", self.app).engine

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(_("Import a tokenizer"), classes="title", markup=False)
            with Horizontal(classes="row"):
                yield Label(_("file or folder"), markup=False)
                yield Input(compact=True, id="path")
            with Horizontal(classes="row"):
                yield Label(_("name"), markup=False)
                yield Input(placeholder=_("what the tokenizer will be called"), compact=True, id="name")
            with Horizontal(classes="row"):
                yield Label(_("measured on"), markup=False)
                yield Select(
                    [(Content(name), name) for name in self.corpora],
                    prompt=_("Python's documentation"),
                    compact=True,
                    id="corpus",
                )
            yield Static(
                _(
                    "A tokenizer.model of SentencePiece, a tokenizer.json of Hugging Face, vocab.json and merges.txt "
                    "of GPT-2, a folder with one of them, or the name of a model that is here."
                ),
                classes="hint",
                markup=False,
            )
            yield Static("", id="command", markup=False)
            yield Static("", id="state", markup=False)
            yield Static("", classes="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield KeyButton(_("Import"), "start", id="start", variant="primary")
                yield KeyButton(_("Choose"), "pick", id="pick")
                yield KeyButton(_("Cancel"), "dismiss(None)", id="cancel")

    def on_mount(self) -> None:
        """The path comes first."""
        for entry in self.query(Input):
            entry.cursor_blink = False
        self.query_one("#path").focus()
        self._show_command()

    def proposed_name(self, path: str) -> str:
        return proposed_name(path)

    def _path(self) -> str:
        return " ".join(split_paths(self.query_one("#path", Input).value)[:1])

    @work(exit_on_error=False)
    async def action_pick(self) -> None:
        """Choose from the tree of files."""
        if path := await self.app.push_screen_wait(PickPath(str(Path.cwd()))):
            self.query_one("#path", Input).value = shlex.quote(path)

    @on(Input.Changed)
    @on(Select.Changed)
    def _show_command(self) -> None:
        command = copies(self, self.command())
        self.query_one("#command", Static).update(command)

    def command(self) -> str:
        """The command that does the same."""
        corpus = self.query_one("#corpus", Select).value
        words = ["newleaf", "tokenizer", "import", self._path() or "PATH"]
        words += ["--name", self.query_one("#name", Input).value.strip() or "NAME"]
        return shlex.join([*words, "--corpus", corpus] if isinstance(corpus, str) else words)

    def action_copy(self) -> None:
        """Put the command into the clipboard."""
        cast("Any", self.app).copy(self.command())

    def action_start(self) -> None:
        """Take it, unless that is being done."""
        if not self._busy:
            self._import()

    @work(exit_on_error=False)
    async def _import(self) -> None:
        self._busy = True
        problem, state = self.query_one(".problem", Static), self.query_one("#state", Static)
        problem.update("")
        try:
            path, name = self._path(), self.query_one("#name", Input).value.strip()
            if not path:
                raise UserError(_("Say which file or folder to import."))
            store.new_path("tokenizers", name)
            if (place := Path(path).expanduser()).exists():
                path = str(place.absolute())  # the engine is in another folder
            state.update(keyed(self, _("Reading it, and measuring how it cuts text: some seconds. Esc stops it.")))
            corpus = self.query_one("#corpus", Select).value
            said = await self._engine.import_tokenizer(path, name, corpus if isinstance(corpus, str) else "")
        except UserError as error:
            problem.update(str(error))
        else:
            self.dismiss(said)
        finally:
            state.update("")
            self._busy = False


def proposed_name(path: str) -> str:
    """A name for what is at `path`: the file's, or the folder's where the file has the name that all have."""
    if not path:
        return ""
    place = Path(path).expanduser()
    stem = stem_of(path)
    if stem in FILES and place.suffix:
        stem = place.absolute().parent.name
    return free_name("tokenizers", as_name(stem, "tokenizer"))
