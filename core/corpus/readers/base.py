"""What the readers of all kinds of files have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from ...errors import UserError
from ...language import gettext as _

MOST_NOTES = 1000  # of one file that are kept in words


class NotTextError(UserError):
    """A file that gives no text, with the reason: the end of a sentence that begins with the file's name."""


Place = tuple[str, int]  # "line", "row" or "record", and its number: words are made of it only where they are needed


def place_text(place: Place) -> str:
    """Where it is, for people."""
    kind, number = place
    words = {"line": _("line {number}"), "row": _("row {number}"), "record": _("record {number}")}
    return words[kind].format(number=number)


@dataclass(frozen=True)
class ReadOptions:
    """What a person may say about how files are read, and a program about what it looks for."""

    column: str | None = None  # of a table, or field of a record, that holds the text; None: found
    limit_bytes: int | None = None  # of the text that is taken of a data set; None: all of it
    titles: frozenset[str] = frozenset()  # in lower case: a row with two of them, or of nothing else, is a header
    in_parts: bool = False  # whether payloads may be Lines (json_lines.py), where texts would be the payloads


@dataclass
class Notes:
    """What there is to say of one file while it is read."""

    encoding: str = ""  # as Python names it, where the file is text
    unreadable: int = 0  # characters that the encoding could not make sense of
    column: str = ""  # the column or field that was taken
    left_out: list[tuple[str, str]] = field(default_factory=list)  # the first ones: (where, such as "line 5"; why)
    left_out_besides: int = 0  # how many more

    def leave_out(self, where: str, reason: str) -> None:
        """A part of the file that cannot be used; the rest goes on."""
        if len(self.left_out) < MOST_NOTES:
            self.left_out.append((where, reason))
        else:
            self.left_out_besides += 1


Paged = tuple[str, list[tuple[int, int]]]  # a text, and the places in it where pages begin, with their numbers


@dataclass(frozen=True)
class Format:
    """A kind of file.

    `read` takes the open file and yields payloads: cheap work, in one process, in the order of the file. `convert`
    makes texts of one payload: the expensive work, in any of several processes, so payloads can be pickled; None
    where payloads are texts already. Both raise NotTextError with the reason where the file gives no text; what
    they gave before that stays. `rows` yields the places and the values of its records, all fields of them, for kinds
    that have records. `pages` does what `convert` does and says besides where the pages begin, for kinds that have
    pages.
    """

    name: str
    suffixes: tuple[str, ...]  # in lower case, with the dot
    read: Callable[[BinaryIO, Notes, ReadOptions], Iterator[Any]]
    convert: Callable[[Any], Iterable[str]] | None = None
    rows: Callable[[BinaryIO, Notes, ReadOptions], Iterator[tuple[Place, Any]]] | None = None
    pages: Callable[[Any], Iterable[Paged]] | None = None
    seekable: bool = False  # whether `read` moves about in the file
    lines: bool = False  # whether payloads are the lines of a text, which is yet to be cut into documents
    records: bool = False  # whether each text is a document by itself, however long
