"""What dialogs with a path have in common: a file is chosen from the tree, and its name proposes another one."""

from __future__ import annotations

import re
from pathlib import Path

from textual import on, work
from textual.widgets import Input

from .dialogs import FormDialog, PickPath, Result
from .path_input import PathInput, split_paths


class PathDialog(FormDialog[Result]):
    """A dialog whose paths can be chosen from the tree of files."""

    @work(exit_on_error=False)
    async def action_pick(self) -> None:
        """Choose from the tree of files; what is chosen is added to what is there."""
        entry = self.query_one(PathInput)
        last = next(iter(reversed(entry.paths())), "")
        folder = Path(last).expanduser().parent if last else Path.cwd()
        if path := await self.app.push_screen_wait(PickPath(str(folder if folder.is_dir() else Path.cwd()))):
            entry.add(path)


class NameFromPath(FormDialog[Result]):
    """A dialog with an input called path and one called name: what is at the path proposes a name until the person has
    typed one."""

    named = False  # by the person

    def proposed_name(self, path: str) -> str:
        """The name for what is at the first path."""
        raise NotImplementedError

    def own_name(self) -> str:
        """The name that the person typed; nothing where it is a proposed one."""
        return self.query_one("#name", Input).value if self.named else ""

    @on(Input.Changed, "#path")
    def _propose_name(self) -> None:
        paths = split_paths(self.query_one("#path", Input).value)
        if paths and not self.named:
            self.query_one("#name", Input).value = self.proposed_name(paths[0])

    @on(Input.Changed, "#name")
    def _name_changed(self, event: Input.Changed) -> None:
        self.named = self.named or (event.input.has_focus and bool(event.value))


def stem_of(path: str) -> str:
    """What a file is called, without what says its kind."""
    return Path(path).expanduser().name.split(".")[0]


def as_name(stem: str, otherwise: str) -> str:
    """A word as a name that needs no quotes; `otherwise` where nothing is left of it."""
    return re.sub(r"[^\w-]+", "-", stem).strip("-") or otherwise
