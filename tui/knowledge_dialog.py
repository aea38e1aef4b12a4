"""The dialog that puts documents into a knowledge base, where questions find them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Input, Label, Static
from textual.worker import Worker

from ..core import store
from ..core.errors import UserError
from ..core.home import check_name
from ..core.language import N_, labelled, ngettext, sentences
from ..core.language import gettext as _
from ..core.options import format_size
from .chat_answers import documents_text
from .drafts import draft_text
from .kept import free_name
from .keyed import KeyButton, copies, keyed
from .widgets.path_dialogs import NameFromPath, PathDialog, as_name, stem_of
from .widgets.path_input import PathInput, absolute_paths

if TYPE_CHECKING:
    from ..core.engine.client import Engine


class KnowledgeDialog(NameFromPath[str], PathDialog[str]):
    """Asks for documents and a name; the name of the knowledge base when something was added, else nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", N_("Cancel"), id="knowledge.cancel"),
        Binding("ctrl+s", "start", N_("Add"), id="knowledge.start", key_display="^s", priority=True),
        Binding("ctrl+o", "pick", N_("Choose"), id="knowledge.pick", key_display="^o", priority=True),
        Binding("ctrl+y", "copy", N_("Copy the command"), id="knowledge_dialog.copy", key_display="^y", priority=True),
    ]
    DEFAULT_CSS = """
    KnowledgeDialog .hint { margin: 1 0; }
    KnowledgeDialog #report { height: 1fr; background: transparent; }
    """

    def __init__(self, start: Mapping[str, Any]):
        super().__init__()
        self._start = dict(start)
        self.named = bool(draft_text(self._start, "name"))  # by the person
        self._adding: Worker[None] | None = None
        self._made = ""

    @property
    def _engine(self) -> Engine:
        return cast("Any", self.app).engine

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(_("Add documents to ask"), classes="title", markup=False)
            path = draft_text(self._start, "path")
            words = keyed(self, _("files and folders, dropped or typed; Ctrl+O chooses"))
            yield from _row(_("path"), PathInput(path, placeholder=words, compact=True, id="path"))
            yield from _row(_("name"), self._input("name", _("what the knowledge base will be called")))
            yield from _row(_("embeddings"), self._input("embeddings", _("by words alone; or name a model")))
            yield Static(self._hint(), classes="hint", markup=False)
            yield Static("", id="command", markup=False)
            yield Static("", id="state", markup=False)
            yield Static("", classes="problem", markup=False)
            with VerticalScroll(id="report"):
                yield Static("", id="report-text", markup=False)
            with Horizontal(classes="buttons"):
                yield KeyButton(_("Add"), "start", id="start", variant="primary")
                yield KeyButton(_("Choose"), "pick", id="pick")
                yield KeyButton(_("Copy"), "copy", id="copy")
                yield KeyButton(_("Close"), "leave", id="close")

    def _input(self, name: str, placeholder: str) -> Input:
        return Input(draft_text(self._start, name), placeholder=placeholder, compact=True, id=name)

    @staticmethod
    def _hint() -> str:
        known = ", ".join(store.names("knowledge")[:8])
        return sentences(
            _("Documents are cut into passages, which a question finds. The files themselves stay where they are."),
            _("An embedding model, by its name on the Hugging Face Hub or its folder, finds other words too."),
            _("The name of one that there is adds to it: {names}.").format(names=known) if known else "",
        )

    def on_mount(self) -> None:
        """The path comes first."""
        for entry in self.query(Input):
            entry.cursor_blink = False
        self.query_one("#path").focus()
        self._show_command()

    def draft(self) -> dict[str, Any]:
        """What was typed and not yet added."""
        if self._made:
            return {"documents": {}}
        name = self.own_name()
        path, embeddings = self.query_one(PathInput).value, self.query_one("#embeddings", Input).value
        return {"documents": {"path": path, "name": name, "embeddings": embeddings}}

    def proposed_name(self, path: str) -> str:
        return free_name("knowledge", as_name(stem_of(path), "documents"))

    @on(Input.Changed)
    def _show_command(self) -> None:
        self.query_one("#command", Static).update(copies(self, self.command()))

    def command(self) -> str:
        """The command that does the same."""
        paths, embeddings = self.query_one(PathInput).paths(), self.query_one("#embeddings", Input).value.strip()
        name = self.query_one("#name", Input).value.strip() or "NAME"
        more = ["--embeddings", embeddings] if embeddings else []
        return shlex.join(["newleaf", "knowledge", "add", *(paths or ["PATH"]), "--name", name, *more])

    def action_copy(self) -> None:
        """Put the command into the clipboard."""
        cast("Any", self.app).copy(self.command())

    def _is_adding(self) -> bool:
        return self._adding is not None and self._adding.is_running

    def action_start(self) -> None:
        """Add them, unless that is being done."""
        if not self._is_adding():
            self._adding = self._add()

    def action_leave(self) -> None:
        """Stop what is being added; or leave, when nothing is."""
        if self._adding is not None and self._adding.is_running:
            self._adding.cancel()
        else:
            self.dismiss(self._made)

    @work(exit_on_error=False, group="add")
    async def _add(self) -> None:
        state, problem = self.query_one("#state", Static), self.query_one(".problem", Static)
        report = self.query_one("#report-text", Static)
        problem.update("")
        report.update("")
        stopped = True
        try:
            paths = self.query_one(PathInput).paths()
            if not paths:
                raise UserError(_("Say which files or folders to add."))
            name = check_name(self.query_one("#name", Input).value.strip())
            self.query_one(".hint").display = False  # the report needs the room
            state.update(_("Reading the documents ..."))
            embeddings = self.query_one("#embeddings", Input).value.strip()
            async with aclosing(self._engine.add_knowledge(absolute_paths(paths), name, embeddings)) as told:
                async for each in told:
                    if "progress" in each:
                        state.update(documents_text(each["progress"]) + "\n" + keyed(self, _("Esc stops it.")))
                    elif "done" in each:
                        self._made = name
                        leave = keyed(self, _("Esc goes back to your question."))
                        report.update(report_text(each["done"]) + "\n\n" + leave)
            stopped = False
            self.query_one("#report").focus()
        except UserError as error:
            stopped = False
            problem.update(str(error))
        finally:
            state.update(_("Stopped. The files that were done are kept.") if stopped else "")


def _row(title: str, entry: Input) -> ComposeResult:
    with Horizontal(classes="row"):
        yield Label(title, markup=False)
        yield entry


def report_text(done: Mapping[str, Any]) -> str:
    """What became of the files."""
    summary = done["summary"]
    documents = ngettext("{number:,} document", "{number:,} documents", summary["documents"])
    passages = ngettext("{number:,} passage", "{number:,} passages", summary["passages"])
    lines = [
        _("Knowledge base {name}: {documents}, {passages}, {size}.").format(
            name=summary["name"],
            documents=documents.format(number=summary["documents"]),
            passages=passages.format(number=summary["passages"]),
            size=format_size(summary["bytes"]),
        ),
        _("{added:,} added, {changed:,} changed, {unchanged:,} unchanged, {dropped:,} taken out.").format(
            added=len(done["added"]),
            changed=len(done["changed"]),
            unchanged=done["unchanged"],
            dropped=len(done["dropped"]),
        ),
    ]
    if done["left_out"]:
        lines += ["", _("Left out:"), *("  " + labelled(name, reason) for name, reason in done["left_out"])]
    return "\n".join(lines)
