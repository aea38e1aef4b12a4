"""A line for paths: typed, or as terminals give them when files are dropped or pasted."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from textual import events
from textual.widgets import Input


class PathInput(Input):
    """One or several paths, with quotes where a shell would need them. A paste may have a path on each line."""

    def paths(self) -> list[str]:
        """The paths."""
        return split_paths(self.value)

    def add(self, path: str) -> None:
        """One more path."""
        self.value = " ".join(filter(None, [self.value.strip(), shlex.quote(path)]))
        self.cursor_position = len(self.value)

    def _on_paste(self, event: events.Paste) -> None:
        lines = [line.strip() for line in event.text.splitlines() if line.strip()]
        if len(lines) > 1:
            event.prevent_default()
            event.stop()
            for line in lines:
                self.value = " ".join(filter(None, [self.value.strip(), _as_word(line)]))
            self.cursor_position = len(self.value)


def _as_word(line: str) -> str:
    return shlex.quote(line) if _exists(line) else line


def split_paths(text: str) -> list[str]:
    """Paths as terminals give them when files are dropped: quoted, escaped, as URLs; or just typed."""
    text = text.strip()
    if not text:
        return []
    if _exists(text):
        return [text]
    try:
        words = shlex.split(text)
    except ValueError:  # a quote that stands alone
        words = [text]
    return [unquote(word.removeprefix("file://")) if word.startswith("file://") else word for word in words]


def absolute_paths(paths: Sequence[str]) -> list[str]:
    """The paths as they mean the same in the engine's folder."""
    from ...core.corpus.importing import origin_of  # with all readers: when it is asked for

    return origin_of([Path(path).expanduser() if path.startswith("~") else path for path in paths])


def _exists(text: str) -> bool:
    try:
        return Path(text).expanduser().exists()
    except (OSError, ValueError, RuntimeError):  # too long for a path, or of an unknown person's home
        return False
