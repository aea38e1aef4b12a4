"""The dialog that imports text: a path, a name, options, and what would be found."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path
from typing import Any, ClassVar, cast
from urllib.parse import unquote

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static, TextArea

from ..core.corpus.importing import ImportOptions
from ..core.errors import UserError
from ..core.language import N_, ngettext
from ..core.language import gettext as _
from ..core.options import format_size
from ..trainer.work import importing
from .drafts import draft_text
from .kept import free_name
from .widgets.dialogs import PickPath
from .widgets.form import Form
from .widgets.texts import set_text
from .words import Translated

PAUSE = 0.4  # seconds after the last key before the files are looked at


class ImportDialog(Translated, ModalScreen[bool]):
    """Asks what to import; True when a job was started."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", N_("Cancel"), id="import.cancel"),
        Binding("ctrl+s", "import", N_("Import"), id="import.import", key_display="^s", priority=True),
        Binding("ctrl+o", "pick", N_("Choose a file"), id="import.pick", key_display="^o", priority=True),
    ]
    DEFAULT_CSS = """
    ImportDialog Form { height: auto; max-height: 6; }
    ImportDialog Form VerticalScroll { height: auto; }
    ImportDialog TextArea { height: 1fr; background: $panel; }
    """

    def __init__(self, draft: dict[str, Any]):
        super().__init__()
        self.start = draft
        self._named = False  # by the person

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(_("Add text"), classes="title", markup=False)
            with Horizontal(classes="row"):
                yield Label(_("path"), markup=False)
                yield Input(
                    draft_text(self.start, "path"),
                    placeholder=_("a .txt or .md file, or a folder; Ctrl+O to choose"),
                    compact=True,
                    id="path",
                )
            with Horizontal(classes="row"):
                yield Label(_("name"), markup=False)
                yield Input("", placeholder=_("what the corpus will be called"), compact=True, id="name")
            yield Form(ImportOptions)
            yield Static("", classes="problem", markup=False)
            preview = TextArea("", read_only=True, compact=True, show_cursor=False, id="preview")
            preview.can_focus = True
            yield preview
            with Horizontal(classes="buttons"):
                yield Button(_("Import (Ctrl+S)"), id="import", variant="primary", compact=True)
                yield Button(_("Cancel (Esc)"), id="cancel", compact=True)

    def on_mount(self) -> None:
        """Look at what was typed last time."""
        for entry in self.query(Input):
            entry.cursor_blink = False
        self.query_one("#path").focus()
        self._path_changed()

    def draft(self) -> dict[str, Any]:
        """What was typed."""
        return {"import": {"path": self.query_one("#path", Input).value}}

    def paths(self) -> list[str]:
        """The paths that were typed, pasted or dropped."""
        return split_paths(self.query_one("#path", Input).value)

    @on(Input.Changed, "#path")
    def _path_changed(self) -> None:
        paths = self.paths()
        if paths and not self._named:
            name = re.sub(r"[^\w-]+", "-", Path(paths[0]).expanduser().name.split(".")[0]).strip("-") or "text"
            self.query_one("#name", Input).value = free_name("corpora", name)
        self._preview(paths)

    @on(Input.Changed, "#name")
    def _name_changed(self, event: Input.Changed) -> None:
        self._named = self._named or (event.input.has_focus and bool(event.value))

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()

    @work(exclusive=True, exit_on_error=False)
    async def _preview(self, paths: list[str]) -> None:
        await asyncio.sleep(PAUSE)
        text = ""
        if paths:
            try:
                engine = cast("Any", self.app).engine
                text = preview_text(await engine.preview(paths))
            except UserError as error:
                text = str(error)
        set_text(self.query_one("#preview", TextArea), text)

    @work(exit_on_error=False)
    async def action_pick(self) -> None:
        """Choose from the tree of files."""
        if path := await self.app.push_screen_wait(PickPath(str(Path.cwd()))):
            self.query_one("#path", Input).value = shlex.quote(path)

    def action_import(self) -> None:
        """Start the job, or say what is wrong."""
        try:
            paths = self.paths()
            if not paths:
                raise UserError(_("Say which file or folder to import."))
            importing.submit(paths, self.query_one("#name", Input).value, self.query_one(Form).make())
        except UserError as error:
            self.query_one(".problem", Static).update(str(error))
            return
        self.query_one("#path", Input).value = ""
        cast("Any", self.app).keep_draft()
        self.dismiss(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Import or leave."""
        if event.button.id == "import":
            self.action_import()
        else:
            self.dismiss(False)


def split_paths(text: str) -> list[str]:
    """Paths as terminals give them when files are dropped: quoted, escaped, as URLs; or just typed."""
    text = text.strip()
    if not text:
        return []
    if Path(text).expanduser().exists():
        return [text]
    try:
        words = shlex.split(text)
    except ValueError:  # a quote that stands alone
        words = [text]
    return [unquote(word.removeprefix("file://")) if word.startswith("file://") else word for word in words]


def preview_text(files: list[dict[str, Any]]) -> str:
    """What would be imported."""
    total = sum(file["bytes"] for file in files)
    found = ngettext("{number:,} file, {size}", "{number:,} files, {size}", len(files))
    lines = [found.format(number=len(files), size=format_size(total))]
    for file in files:
        if "error" in file:
            lines.append(_("{source}: left out: {error}").format(**file))
        elif "encoding" in file:
            lines.append(f"{file['source']}  {format_size(file['bytes'])}  {file['encoding']}")
    first = next((file for file in files if file.get("text")), None)
    if first:
        lines += ["", _("{source} begins:").format(source=first["source"]), first["text"]]
    return "\n".join(lines)
