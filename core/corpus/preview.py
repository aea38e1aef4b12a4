"""What an import would find, before it is done: files, encodings, columns, the beginning of each text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..language import gettext as _
from .readers.base import Notes, ReadOptions
from .sources import Opened, Source, find_sources, open_sources

if TYPE_CHECKING:
    from .importing import ImportOptions

FILES = 50  # that are looked into; all are counted


def preview(paths: Sequence[str | Path], characters: int, options: ImportOptions | None = None) -> list[dict[str, Any]]:
    """For each file `source` and `bytes`; of the first ones also `encoding`, `column` and its beginning as `text`.

    `encoding` and `column` are there where the file has them; of an archive, the first member that gives text is shown.
    One that cannot be read has `error` instead. Of `options` counts which files and which column are meant. Raises
    UserError for a path that is not there.
    """
    found = []
    include, exclude, column = (options.include, options.exclude, options.column) if options else ([], [], None)
    for index, source in enumerate(find_sources(paths, include, exclude)):
        entry: dict[str, Any] = {"source": source.name, "bytes": source.size}
        if index < FILES and (source.path or source.data_set):  # standard input can be read only once
            entry |= _look_into(source, characters, column)
        found.append(entry)
    return found


def _look_into(source: Source, characters: int, column: str | None) -> dict[str, Any]:
    reason = ""
    for item in open_sources([source]):
        if isinstance(item, Opened):
            try:
                return _beginning(item, characters, column)
            except UserError as error:
                reason = reason or str(error)
            except OSError as error:
                reason = reason or error.strerror or str(error)
            except Exception as error:  # of a library, on a file that its authors never saw
                reason = reason or _("it cannot be read ({error})").format(
                    error=f"{type(error).__name__}: {error}"[:120]
                )
        else:
            reason = reason or item.reason
    return {"error": reason} if reason else {}


def _beginning(item: Opened, characters: int, column: str | None) -> dict[str, Any]:
    notes = Notes()
    text = ""
    for payload in item.format.read(item.stream, notes, ReadOptions(column)):
        if item.format.lines:
            text += payload
        else:  # the first text is shown, as much as there is of it
            text = next(iter(item.format.convert(payload)), "") if item.format.convert else payload
        if len(text) >= characters or (text and not item.format.lines):
            break
    entry = {"encoding": notes.encoding, "column": notes.column, "text": text[:characters]}
    return {key: value for key, value in entry.items() if value or key == "text"}
