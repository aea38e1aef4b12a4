"""What an import would find, before it is done: files, encodings, the beginning of each text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError
from .reading import TextFile, find_sources

FILES = 50  # that are looked into; all are counted


def preview(paths: Sequence[str | Path], characters: int) -> list[dict[str, Any]]:
    """For each file `source` and `bytes`; of the first ones also `encoding` and its beginning as `text`.

    One that cannot be read has `error` instead. Raises UserError for a path that is not there.
    """
    found = []
    for index, source in enumerate(find_sources(paths)):
        entry: dict[str, Any] = {"source": source.name, "bytes": source.size}
        if index < FILES:
            try:
                file = TextFile(source.path)
                entry["encoding"] = file.encoding
                text = ""
                for line in file:
                    text += line
                    if len(text) >= characters:
                        break
                entry["text"] = text[:characters]
            except UserError as error:
                entry["error"] = str(error)
            except OSError as error:
                entry["error"] = error.strerror or str(error)
        found.append(entry)
    return found
