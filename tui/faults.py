"""An error that nobody expected: a file for whoever mends newleaf, a sentence for the person, and the app goes on."""

from __future__ import annotations

import os
import platform
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..core.errors import FAULT, explain
from ..core.home import home, make_private
from ..core.language import gettext as _
from ..core.language import sentences

if TYPE_CHECKING:
    from textual.message import Message

KEPT = 20  # reports; older ones are deleted


class Tolerant:
    """Mix-in, before Textual's class: an error in a handler is told, and the node goes on.

    Textual would end the loop of the node, and the app with it.
    """

    app: Any

    async def _dispatch_message(self, message: Message) -> None:  # a private name of Textual's, held by a test
        try:
            await super()._dispatch_message(message)  # type: ignore[misc]
        except Exception as error:
            # What a timer calls comes wrapped.
            self.app.tell_fault(error.__cause__ if isinstance(error.__cause__, Exception) else error)


def fault_sentence(error: Exception) -> str:
    """What a person is told; where newleaf is at fault, a report is written too."""
    known = explain(error)
    if known:
        return known
    words = _(FAULT).format(error=f"{type(error).__name__}: {error}")
    try:
        return sentences(words, _("Details are in {path}.").format(path=write_report(error)))
    except (OSError, ValueError):  # a full disk, or no home: the sentence is what is left
        return words


def write_report(error: Exception) -> Path:
    """A file with the traceback, without anybody's text; its path."""
    folder = make_private(home() / "crash")
    for old in sorted(folder.glob("*.txt"))[: -KEPT + 1]:
        old.unlink(missing_ok=True)
    path = folder / time.strftime("%Y%m%d-%H%M%S.txt")
    lines = [
        f"newleaf {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"TERM={os.environ.get('TERM')}",
        *traceback.format_exception(error),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
