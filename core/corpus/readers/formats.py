"""The kinds of files that there are, by the end of their names and by their first bytes; none is loaded before its use.

`suffixes()` are all that are read; `format_of(name)` is the Format that goes with a name, or None; `load(module)` is
the one of a module; `module_of_content(head)` tells the module from the first bytes of a file.
"""

from __future__ import annotations

import importlib
import json

from ...errors import UserError
from ...language import gettext as _
from .base import Format

# The module of this package -> the suffixes that it reads, as its FORMAT says too.
MODULES: dict[str, tuple[str, ...]] = {
    "text": (".txt", ".text", ".md", ".markdown"),
    "csv": (".csv", ".tsv"),
    "json": (".json", ".jsonl", ".ndjson"),
    "parquet": (".parquet",),
    "html": (".html", ".htm", ".xhtml"),
    "epub": (".epub",),
    "pdf": (".pdf",),
    "docx": (".docx",),
    "subtitles": (".srt", ".vtt"),
    "mediawiki": (".xml",),
}
HEAD = 1 << 16  # bytes from the start of a file that tell what it is

_SUFFIX_OF = {suffix: module for module, suffixes in MODULES.items() for suffix in suffixes}
_FIRST_LINES = 5  # one of these is a whole record where a file is one record a line


def suffixes() -> tuple[str, ...]:
    """The ends of the names of files that are read, in lower case, with the dot."""
    return tuple(_SUFFIX_OF)


def module_of_name(name: str) -> str | None:
    """The module that reads a file called `name`, or None."""
    dot = name.rfind(".")
    return _SUFFIX_OF.get(name[dot:].lower()) if dot >= 0 else None


def format_of(name: str) -> Format | None:
    """The format of a file called `name`, or None where the name does not tell it."""
    module = module_of_name(name)
    return load(module) if module else None


def load(module: str) -> Format:
    """The format that the module of this package reads. Raises UserError where the installation lacks it."""
    try:
        found: Format = importlib.import_module(f".{module}", __package__).FORMAT
    except ModuleNotFoundError as error:
        raise UserError(_("{module} is missing; install newleaf again").format(module=error.name)) from None
    return found


def module_of_content(head: bytes) -> str:
    """The module that reads a file which begins with `head`; "text" where nothing speaks for another.

    A zip file is none: see `sources.py`, which looks at what is in it.
    """
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"PAR1"):
        return "parquet"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "html"
    if start.startswith(b"<mediawiki"):
        return "mediawiki"
    return "json" if start[:1] in (b"{", b"[") and _is_json(start, len(head) < HEAD) else "text"


def _is_json(start: bytes, whole: bool) -> bool:
    if whole:
        try:
            json.loads(start)
            return True
        except ValueError:
            pass
    lines = start.split(b"\n")
    if not whole and len(lines) == 1:  # one record, or one list, is longer than what is seen of it
        return start[1:].lstrip()[:1] in (b'"', b"{", b"[")
    good = 0
    for line in lines[:_FIRST_LINES]:
        try:
            good += isinstance(json.loads(line), dict)
        except ValueError:
            pass
    if not good and not whole:  # a list or record over many lines
        return start[0:1] == b"[" and start[1:].lstrip()[:1] == b"{"
    return good > 0
