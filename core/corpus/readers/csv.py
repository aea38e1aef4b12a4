"""Tables as text, separated by commas, semicolons, tabs or bars: what separates them, what is quoted, the header."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

from ...language import gettext as _
from ...options import format_size
from ..reading import open_text
from .base import Format, Notes, NotTextError, Place, ReadOptions
from .columns import NAMES, find_column, missing, none_found, prose

LONGEST = 1 << 24  # characters of one row
_SAMPLE = 1 << 18  # characters from the beginning that tell how the table is written
_ROWS = 200  # of them, at most
_SEPARATORS = ",\t;|"
_NONE = "\x1f"  # in no text: there is one column
_LONGEST_TITLE = 60  # characters
_IDENTIFIER = re.compile(r"[a-z_]+[a-z0-9_]*")
_NUMBER = re.compile(r"[-+]?[\d.,:/ -]*\d[\d.,:/% -]*")


@dataclass(frozen=True)
class Manner:
    """How a table is written."""

    separator: str = ","
    quoted: bool = True
    escaped: bool = False  # a quote within quotes is \\" and not ""

    @property
    def options(self) -> dict[str, Any]:
        """For the csv module."""
        return {
            "delimiter": self.separator,
            "quoting": csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            "doublequote": not self.escaped,
            "escapechar": "\\" if self.escaped else None,
        }


def read(stream: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[str]:
    """The texts of one column, row by row.

    A row that is too short or too long, or whose quote is never closed, is noted with its line, and the rest goes on
    from the next line. Raises NotTextError.
    """
    table = _open(stream, notes, options)
    columns = table.columns
    index = _index(columns, table.sample, options.column)
    notes.column = columns[index]
    for number, row in table.rows:
        if len(row) < len(columns) and index >= len(row):
            _odd(notes, number, row, columns)
        elif len(row) > len(columns):
            if index == len(columns) - 1:  # what separates columns stands in the text itself
                yield table.manner.separator.join(row[index:])
            else:
                _odd(notes, number, row, columns)
        elif row[index].strip():
            notes.unreadable += row[index].count("\ufffd")
            yield _plain(row[index])


def read_rows(stream: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[tuple[Place, dict[str, str]]]:
    """All columns of each row, by their titles or, where there are none, their numbers from 1.

    What `read` says of rows is true here; one that is too long is always noted.
    """
    table = _open(stream, notes, options)
    columns = [column.strip() for column in table.columns]
    for number, row in table.rows:
        if len(row) == len(columns):
            yield ("line", number), dict(zip(columns, map(_plain, row), strict=True))
        else:
            _odd(notes, number, row, columns)


FORMAT = Format("table", (".csv", ".tsv"), read, rows=read_rows)


@dataclass(frozen=True)
class _Table:
    manner: Manner
    columns: list[str]
    sample: list[list[str]]
    rows: Iterator[tuple[int, list[str]]]  # with the numbers of their first lines; without the header


def _open(stream: BinaryIO, notes: Notes, options: ReadOptions) -> _Table:
    text = open_text(stream, notes, newline="")
    csv.field_size_limit(LONGEST)
    beginning = text.read(_SAMPLE)
    whole = len(beginning) < _SAMPLE
    manner = find_manner(beginning, whole)
    sample = _sample(beginning, manner, whole)
    if not sample:
        raise NotTextError(_("there is no row in it"))
    titled = has_header(sample, options.titles)
    columns = sample[0] if titled else [str(number) for number in range(1, len(sample[0]) + 1)]
    found = rows(_Rejoined(beginning, text), manner, len(columns), notes)
    return _Table(manner, columns, sample[titled:], islice(found, int(titled), None))


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _odd(notes: Notes, number: int, row: Sequence[str], columns: Sequence[str]) -> None:
    notes.leave_out(
        _("line {number}").format(number=number),
        _("its number of fields is {fields} and not {columns}").format(fields=len(row), columns=len(columns)),
    )


def _index(columns: list[str], sample: list[list[str]], asked: str | None) -> int:
    if asked:
        if asked in columns:
            return columns.index(asked)
        stripped = [column.strip().lower() for column in columns]
        if asked.strip().lower() in stripped:
            return stripped.index(asked.strip().lower())
        if asked.isdigit() and 1 <= int(asked) <= len(columns):
            return int(asked) - 1
        raise missing(asked, columns)
    found = find_column(
        {column: [row[number] for row in sample if number < len(row)] for number, column in enumerate(columns)}
    )
    if found is None:
        raise none_found(columns)
    return columns.index(found)


# How it is written.


def find_manner(beginning: str, whole: bool) -> Manner:
    """How the table that starts with `beginning` is written: as its rows are most alike.

    Where they are alike in no way, there is one column.
    """
    escaped = '\\"' in beginning and '""' not in beginning.replace('""' + "\n", "")
    best, most = Manner(_NONE, True, escaped), (0.0, 0)
    for separator in _SEPARATORS:
        manner = Manner(separator, _is_quoted(beginning, separator), escaped)
        found = _sample(beginning, manner, whole)
        if not found or len(found[0]) < 2:
            continue
        width = len(found[0])
        alike = sum(len(row) == width for row in found) / len(found)
        if alike >= (0.5 if has_header(found) else 0.75) and (round(alike, 1), width) > most:
            best, most = manner, (round(alike, 1), width)
    return best


def _is_quoted(beginning: str, separator: str) -> bool:
    """Whether a quote at the beginning of a field has one at its end, as far as that is seen."""
    mark = re.escape(separator)
    opening = len(re.findall(rf'(?:^|{mark})"', beginning, re.MULTILINE))
    closing = len(re.findall(rf'"(?:{mark}|\r?$)', beginning, re.MULTILINE))
    # In tables with tabs a quote is often just a character of the text.
    return separator != "\t" or opening <= 1.25 * closing


def _sample(beginning: str, manner: Manner, whole: bool) -> list[list[str]]:
    found = [row for _number, row in islice(rows(io.StringIO(beginning, newline=""), manner, None, Notes()), _ROWS)]
    return found if whole or len(found) < 2 or len(found) == _ROWS else found[:-1]  # the last one may be cut


def has_header(sample: list[list[str]], known: Collection[str] = ()) -> bool:
    """Whether the first row names the columns: short titles, each once, unlike what is below them; or `known` ones."""
    titles = [title.strip() for title in sample[0]]
    if (
        len(set(titles)) < len(titles)
        or sum(map(bool, titles)) < len(titles) - 1  # that of the numbers may be empty
        or any(len(title) > _LONGEST_TITLE or _NUMBER.fullmatch(title) for title in titles)
    ):
        return False
    if any(title.lower() in NAMES for title in titles):
        return True
    if sum(title.lower() in known for title in titles) >= min(2, len(titles)):
        return True
    below = sample[1:]
    if (
        len(titles) > 1
        and all(_IDENTIFIER.fullmatch(title) for title in titles)
        and any(not _IDENTIFIER.fullmatch(value) for row in below for value in row if value)
    ):
        return True
    for index, title in enumerate(titles):
        values = [row[index] for row in below if index < len(row) and row[index].strip()]
        if not values:
            continue
        if all(_NUMBER.fullmatch(value.strip()) for value in values):
            return True
        if prose(title) <= 3 and sum(map(len, values)) / len(values) > 3 * len(title) + 10:
            return True
    return False


# Rows, with what is broken among them.


class _Rejoined:
    """The beginning of a text, which was read already, and the rest of it; line ends are kept as they are."""

    def __init__(self, beginning: str, rest: io.TextIOBase):
        self._beginning = io.StringIO(beginning, newline="")
        self._rest = rest

    def readline(self, size: int) -> str:
        line = self._beginning.readline(size)
        ended = line.endswith("\n") or (line.endswith("\r") and self._more())
        if ended or len(line) == size:
            return line
        return line + self._rest.readline(size - len(line))

    def _more(self) -> bool:
        place = self._beginning.tell()
        more = bool(self._beginning.read(1))
        self._beginning.seek(place)
        return more


class _Lines:
    """Lines with their numbers, for the csv module, that remember those of the row at hand."""

    def __init__(self, text: Any, notes: Notes):
        self._text, self._notes = text, notes
        self._again: deque[str] = deque()  # to be read once more
        self.row: list[str] = []
        self.number = 0  # of the line that was read last
        self._size = 0

    def begin(self) -> None:
        """The next line begins a row."""
        self.row, self._size = [], 0

    def go_back(self) -> None:
        """Read on from the second line of the row at hand."""
        self._again.extendleft(reversed(self.row[1:]))
        self.number -= len(self.row) - 1
        self.begin()

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self._size > LONGEST:
            raise StopIteration  # the row ends here, wherever its quote does
        line = self._again.popleft() if self._again else self._text.readline(LONGEST)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == LONGEST and not line.endswith(("\n", "\r")):
            while (more := self._text.readline(LONGEST)) and not more.endswith(("\n", "\r")):
                pass
            self._notes.leave_out(
                _("line {number}").format(number=self.number),
                _("it is longer than {size}").format(size=format_size(LONGEST)),
            )
            return next(self)
        self.row.append(line)
        self._size += len(line)
        return str(line)


def rows(text: Any, manner: Manner, width: int | None, notes: Notes) -> Iterator[tuple[int, list[str]]]:
    """Each row of `text`, which has readline, that is not empty, with the number of its first line.

    `width` is how many fields a row of several lines must have not to be one whose quote is broken; None: any.
    """
    lines = _Lines(text, notes)
    while True:
        lines.begin()
        reader = csv.reader(lines, strict=True, **manner.options)
        try:
            row = next(reader)
            broken = width is not None and len(lines.row) > 1 and len(row) != width
        except StopIteration:
            return
        except csv.Error:
            row, broken = [], True
        number = lines.number - len(lines.row) + 1
        if broken and len(lines.row) == 1 and (mended := _leniently(lines.row[0], manner, width)) is not None:
            row, broken = mended, False
        if broken:
            notes.leave_out(_("line {number}").format(number=number), _("a quote in it is not closed"))
            lines.go_back()
        elif row:
            yield number, row


def _leniently(line: str, manner: Manner, width: int | None) -> list[str] | None:
    """A row of one line in which a quote stands where it should not, or None where that is not all that is wrong."""
    try:
        row = next(csv.reader([line], **manner.options), [])
    except csv.Error:
        return None
    last = row[-1] if row else ""
    return row if (width is None or len(row) == width) and not last.endswith(("\n", "\r")) else None
