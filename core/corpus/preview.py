"""What an import would find, before it is done: files, encodings, columns, the beginning of each text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError
from .readers.base import Notes, ReadOptions
from .sources import Opened, Source, find_sources, open_sources

FILES = 50  # that are looked into; all are counted


def preview(paths: Sequence[str | Path], characters: int) -> list[dict[str, Any]]:
    """For each file `source` and `bytes`; of the first ones also `encoding`, `column` and its beginning as `text`.

    `encoding` and `column` are there where the file has them; of an archive, the first member that gives text is shown.
    One that cannot be read has `error` instead. Raises UserError for a path that is not there.
    """
    found = []
    for index, source in enumerate(find_sources(paths)):
        entry: dict[str, Any] = {"source": source.name, "bytes": source.size}
        if index < FILES and (source.path or source.data_set):  # standard input can be read only once
            entry |= _look_into(source, characters)
        found.append(entry)
    return found


def _look_into(source: Source, characters: int) -> dict[str, Any]:
    reason = ""
    for item in open_sources([source]):
        if isinstance(item, Opened):
            try:
                return _beginning(item, characters)
            except UserError as error:
                reason = reason or str(error)
            except OSError as error:
                reason = reason or error.strerror or str(error)
        else:
            reason = reason or item.reason
    return {"error": reason}


def _beginning(item: Opened, characters: int) -> dict[str, Any]:
    notes = Notes()
    text = ""
    for payload in item.format.read(item.stream, notes, ReadOptions()):
        if item.format.lines:
            text += payload
        else:  # the first text is shown, as much as there is of it
            text = next(iter(item.format.convert(payload)), "") if item.format.convert else payload
        if len(text) >= characters or (text and not item.format.lines):
            break
    entry = {"encoding": notes.encoding, "column": notes.column, "text": text[:characters]}
    return {key: value for key, value in entry.items() if value or key == "text"}
