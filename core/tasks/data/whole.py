"""Files that are no tables: texts in folders that are called like their labels, and texts parallel by their lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, islice
from pathlib import PurePath
from typing import Any

from ...corpus.readers.base import Notes, Place, ReadOptions
from ...corpus.sources import Opened
from ...corpus.whole_text import text_of_file
from ...language import gettext as _
from .languages import language_code
from .opening import Folder, folder_of, inner_name


@dataclass
class InFolders:
    """Texts that wait until it is known which folders are labels: of several, those in which no other is."""

    texts: list[tuple[Folder, str, str]] = field(default_factory=list)  # the folder, the file's name, the text

    def add(self, item: Opened, notes: Notes) -> None:
        """One more file."""
        self.texts.append((folder_of(item), item.name, text_of_file(item, notes)))

    def records(self) -> Iterator[tuple[str, dict[str, str] | None]]:
        """The name of each file and its record; None where no folder says its label."""
        folders = {folder for folder, _name, _text in self.texts}
        outer = {folder[:length] for folder in folders for length in range(len(folder))}
        labels = folders - outer
        for folder, name, text in self.texts:
            known = len(labels) > 1 and folder in labels
            yield name, {"text": text.strip(), "label": folder[-1].strip()} if known else None


@dataclass
class Parallel:
    """Files such as a.en and a.zh, whose lines say the same; Moses and OPUS give texts so."""

    files: dict[tuple[Folder, str], dict[str, tuple[str, list[str]]]] = field(default_factory=dict)

    def add(self, item: Opened, notes: Notes, limit: int | None) -> bool:
        """Take a file whose name ends in the code of a language, at most `limit` lines; whether it is one."""
        stem, dot, suffix = PurePath(inner_name(item.name)).name.rpartition(".")
        code = language_code(suffix) if dot and item.format.lines else None
        if code is None:
            return False
        lines = "".join(islice(item.format.read(item.stream, notes, ReadOptions()), limit)).split("\n")
        self.files.setdefault((folder_of(item), stem), {})[code] = (item.name, lines if lines[-1] else lines[:-1])
        return True

    def pairs(self, limit: int | None) -> Iterator[tuple[str, Iterator[tuple[Place, Any]] | str]]:
        """For each two files that belong together the name of one, and rows or the reason why there are none."""
        for files in self.files.values():
            if len(files) == 1:
                yield next(iter(files.values()))[0], _("there is no file in another language beside it")
            for one, other in combinations(files, 2):
                (name, lines), (other_name, others) = files[one], files[other]
                if len(lines) != len(others) and limit is None:
                    reason = _("it has {number:,} lines, and {other} has {others:,}")
                    yield name, reason.format(number=len(lines), other=other_name, others=len(others))
                else:
                    yield name, _rows(one, lines, other, others)


def _rows(one: str, lines: list[str], other: str, others: list[str]) -> Iterator[tuple[Place, Any]]:
    for number, (text, its) in enumerate(zip(lines, others, strict=False), 1):
        if text.strip() or its.strip():
            yield ("line", number), {"translation": {one: text, other: its}}
