"""All the text of a file, whatever its kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..language import gettext as _
from .readers.base import Notes, ReadOptions
from .sources import LeftOut, Opened, find_sources, open_sources


def text_of_file(item: Opened, notes: Notes) -> str:
    """All the text of a file that is open; its documents with an empty line between them. Raises NotTextError."""
    payloads = item.format.read(item.stream, notes, ReadOptions())
    if item.format.lines:
        return "".join(payloads)
    convert = item.format.convert
    return "\n\n".join(text for payload in payloads for text in (convert(payload) if convert else [payload]))


def text_at(paths: Sequence[str | Path]) -> str:
    """The text of files and folders. Raises UserError where there is none."""
    parts: list[str] = []
    reasons: list[str] = []
    for item in open_sources(find_sources(paths)):
        if isinstance(item, LeftOut):
            reasons.append(f"{item.name}: {item.reason}")
            continue
        try:
            parts.append(text_of_file(item, Notes()))
        except UserError as error:
            reasons.append(f"{item.name}: {error}")
    text = "\n\n".join(part for part in parts if part.strip())
    if not text:
        raise UserError(_("No text in {path}.").format(path="; ".join(reasons) or ", ".join(map(str, paths))))
    return text
