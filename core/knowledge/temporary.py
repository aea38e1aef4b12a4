"""Knowledge bases without a name, for questions about files: kept for a while, so that the next question is quick."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..corpus.sources import STANDARD_INPUT, find_sources
from ..errors import UserError
from ..files import FolderLock, remove_folder
from ..home import home, make_private
from ..language import gettext as _
from ..progress import Progress, no_progress
from .adding import Added, add_files
from .store import Knowledge

KEPT = 30 * 86400.0  # seconds after the last question


def knowledge_of(
    paths: Sequence[str | Path], progress: Progress = no_progress, told: Callable[[Added], None] | None = None
) -> Knowledge:
    """A knowledge base of what is in `paths` now; `told` hears what became of the files since the last time."""
    if STANDARD_INPUT in map(str, paths):
        raise UserError(_("Standard input cannot be searched again: name a file."))
    find_sources(paths)  # says what is wrong before anything is made
    folder = make_private(home() / "questions")
    asked = sorted({os.path.abspath(os.path.expanduser(path)) for path in paths})  # noqa: PTH100, PTH111
    path = folder / hashlib.sha256("\0".join(asked).encode("utf-8", "surrogateescape")).hexdigest()[:20]
    _clear(folder, path)
    try:
        knowledge = Knowledge.at(path)
    except FileNotFoundError:
        knowledge = Knowledge.make(path)
    except UserError:  # damaged, or of another version: it is made again from the files
        remove_folder(path)
        knowledge = Knowledge.make(path)
    report = add_files(knowledge, asked, progress=progress)
    if told:
        told(report)
    return knowledge


def _clear(folder: Path, but: Path) -> None:
    """Remove those that nobody has asked for long."""
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            age = time.time() - (path / "manifest.json").stat().st_mtime
            if path != but and age > KEPT and not FolderLock(path).is_held():
                remove_folder(path)
