"""The rows of a file of any kind that has some; what else it may be is said in `whole.py`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Any

from ...corpus.readers import csv
from ...corpus.readers.base import Notes, NotTextError, Place, ReadOptions
from ...corpus.reading import open_text
from ...corpus.sources import PACKED, Opened
from ...errors import UserError
from ..base import Task
from ..translation import Translation
from .fields import flattened
from .languages import TITLES
from .options import DataOptions
from .po import read_po
from .tmx import read_tmx

SUFFIXES = {"translate": (".po", ".tmx")}  # of files that are of use to a task, besides those of corpora
FASTTEXT = "__label__"  # before the label of each line
_HEAD = 1 << 14  # bytes that tell what a plain text is

Folder = tuple[str, ...]
Rows = Iterator[tuple[Place | str, Any]]


def rows_of(task: Task, item: Opened, notes: Notes, options: DataOptions, skipped: Counter[str]) -> Rows | None:
    """The rows of a file with their places, or None where a file of its kind has none.

    What is left out without anything being wrong with it is counted in `skipped`.
    """
    name = inner_name(item.name).lower()
    if name.endswith(".po") and task.name == Translation.name:
        from_language = options.source_language or "en"
        path = "/".join((*folder_of(item), inner_name(item.name.rpartition("/")[2])))
        return _guarded(lambda: read_po(item.stream, notes, path, from_language, skipped))
    if name.endswith(".tmx") and task.name == Translation.name:
        return _guarded(lambda: read_tmx(item.stream, notes))
    read = item.format.rows
    if read is None and item.format.lines:
        head = item.stream.peek(_HEAD)[:_HEAD] if hasattr(item.stream, "peek") else b""
        if head.startswith(FASTTEXT.encode()):
            return _guarded(lambda: _labelled_lines(item, notes))
        if _has_tabs(head):
            read = csv.read_rows
    if read is None:
        return None
    found, wanted = read, ReadOptions(titles=_titles(task))
    return _guarded(lambda: _flattened(found(item.stream, notes, wanted)))


def inner_name(name: str) -> str:
    """A file's name without what says how it is packed."""
    stem, dot, suffix = name.rpartition(".")
    return stem if f"{dot}{suffix}".lower() in PACKED else name


def folder_of(item: Opened) -> Folder:
    """The folders that a file is in, archives among them."""
    outer = item.source.path.absolute() if item.source.path else PurePath("/")
    inside = item.name.removeprefix(item.source.name).strip("/").split("/")
    return (*outer.parts, *inside[:-1]) if inside != [""] else outer.parts[:-1]


def _titles(task: Task) -> frozenset[str]:
    """What columns are called."""
    names = {column.lower() for field in task.fields for column in (field.name, *field.columns)}
    return frozenset(names | TITLES if task.name == Translation.name else names)


def _flattened(rows: Iterator[tuple[Place, Any]]) -> Rows:
    for place, row in rows:
        yield from flattened(place, row)


def _guarded(read: Callable[[], Rows | Iterator[tuple[Place, Any]]]) -> Rows:
    try:
        yield from read()
    except (UserError, MemoryError, OSError):
        raise
    except Exception as error:  # of a library, on a file that its authors never saw
        from ...corpus.preparer import cannot_be_read

        raise NotTextError(cannot_be_read(error)) from error


def _has_tabs(head: bytes) -> bool:
    """Whether a plain text is a table: all its lines have the same number of tabs."""
    lines = [line for line in head.split(b"\n")[: -1 if b"\n" in head else None] if line.strip()]
    counts = {line.rstrip(b"\r").count(b"\t") for line in lines}
    return len(counts) == 1 and counts != {0}


def _labelled_lines(item: Opened, notes: Notes) -> Rows:
    """The lines of fastText's files: labels, then the text."""
    for number, line in enumerate(open_text(item.stream, notes), 1):
        labels, words = [], line.split()
        while words and words[0].startswith(FASTTEXT):
            labels.append(words.pop(0).removeprefix(FASTTEXT))
        if labels or words:
            text = line.strip().split(None, len(labels))[len(labels) :]
            yield ("line", number), {"text": text[0] if text else "", "label": labels}
