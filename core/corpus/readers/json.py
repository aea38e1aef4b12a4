"""JSON: one record a line, or a list of records, which is read one by one however long it is, or a single record."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any, BinaryIO, cast

from ...language import gettext as _
from ...options import format_size
from ..batches import ENOUGH, MOST
from ..reading import SAMPLE, detect_encoding, open_text
from .base import Format, Notes, NotTextError, Place, ReadOptions, place_text
from .columns import prose
from .json_lines import Lines, parsed
from .records import LOOKED_AT, is_conversation, texts_by, texts_of, way_of

LARGEST = 1 << 28  # bytes of one record
_CHUNK = 1 << 17
_PART = 1 << 20  # bytes of lines that are handed over together, about
_FIRST_LINES = 5  # one of these is a whole record where a file is one record a line
_MANY = 10  # records in a list are what the file is about, whatever is beside it
_MARK = b"\xef\xbb\xbf"

# Strings are stepped over as a whole; a quote alone is a string whose end has not been read yet.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\],]', re.DOTALL)


def read(stream: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[str | Lines]:
    """The texts of the records. Raises NotTextError.

    With `options.in_parts` a file of many lines gives the texts of its first ones, and then Lines.
    """
    utf8, head = _opened(stream, notes)
    if options.in_parts and _by_lines(head):
        yield from _in_parts(utf8, notes, options)
    else:
        yield from texts_of(_records(utf8, head, notes, options), notes, options.column)


def read_rows(stream: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[tuple[Place, Any]]:
    """The records with their lines or numbers.

    One that is no JSON is noted, and the rest goes on. Raises NotTextError.
    """
    yield from _records(*_opened(stream, notes), notes, options)


def _opened(stream: BinaryIO, notes: Notes) -> tuple[io.BufferedReader, bytes]:
    """The file in UTF-8, and what it begins with."""
    utf8 = _in_utf8(stream, notes)
    head = utf8.read(SAMPLE)
    return io.BufferedReader(_Window(head, utf8.read), _CHUNK), head


def _records(utf8: io.BufferedReader, head: bytes, notes: Notes, options: ReadOptions) -> Iterator[tuple[Place, Any]]:
    if _by_lines(head):
        yield from _unwrapped(_lines(utf8, notes), options.column)
    elif head.lstrip()[:1] == b"[":
        yield from _elements(utf8, notes)
    else:
        yield from _unwrapped(_whole(utf8), options.column)


FORMAT = Format("JSON", (".json", ".jsonl", ".ndjson"), read, rows=read_rows)


class _Window(io.RawIOBase):
    """A stream of which the first bytes are known."""

    def __init__(self, head: bytes, rest: Any):
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._head or self._rest(len(buffer))
        piece, self._head = piece[: len(buffer)], piece[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def _in_utf8(stream: BinaryIO, notes: Notes) -> io.BufferedReader:
    """The file in UTF-8 without a mark, whatever its encoding."""
    sample = b""
    while len(sample) < SAMPLE and (piece := stream.read(SAMPLE - len(sample))):
        sample += piece
    following = stream.read(1)
    encoding = detect_encoding(sample, whole=not following)
    joined = io.BufferedReader(_Window(sample + following, stream.read), _CHUNK)
    if encoding not in ("utf-8", "utf-8-sig"):
        text = open_text(cast(BinaryIO, joined), notes)
        first = text.read(1).removeprefix("\ufeff").encode()
        return io.BufferedReader(_Window(first, lambda size: text.read(max(1, size // 4)).encode()), _CHUNK)
    notes.encoding = encoding
    sample = sample.removeprefix(_MARK)
    return io.BufferedReader(_Window(sample + following, stream.read), _CHUNK)


def _by_lines(head: bytes) -> bool:
    """Whether each line is a record, and not all lines are one."""
    lines = [line.strip() for line in head.split(b"\n") if line.strip()]
    if len(lines) < 2:  # what is there of it
        return head.lstrip()[:1] != b"["
    if len(lines[0]) < 2 or (len(head) < SAMPLE and not parsed(head)[1]):  # a bracket alone; all is one value
        return False
    return not parsed(lines[0])[1] or any(isinstance(parsed(line)[0], Mapping) for line in lines[:_FIRST_LINES])


def _too_long() -> str:
    return _("it is longer than {size}").format(size=format_size(LARGEST))


def _lines(stream: io.BufferedReader, notes: Notes) -> Iterator[tuple[Place, Any]]:
    number = 0
    while line := stream.readline(LARGEST):
        number += 1
        if len(line) == LARGEST and not line.endswith(b"\n"):
            _leave_out_rest(stream, number, notes)
        elif stripped := line.strip():
            value, reason = parsed(stripped)
            if reason:
                notes.leave_out(place_text(("line", number)), reason)
            else:
                yield ("line", number), value


def _leave_out_rest(stream: io.BufferedReader, number: int, notes: Notes) -> None:
    """Read on to the end of a line that is too long."""
    while (more := stream.readline(_CHUNK)) and not more.endswith(b"\n"):
        pass
    notes.leave_out(place_text(("line", number)), _too_long())


def _in_parts(stream: io.BufferedReader, notes: Notes, options: ReadOptions) -> Iterator[str | Lines]:
    """The texts of the first lines, enough of them to fill a batch, and then the other lines as they are."""
    records = _unwrapped(_lines(stream, notes), options.column)
    first = list(islice(records, LOOKED_AT))
    way = way_of([record for _place, record in first], options.column)
    place, given, size = first[-1][0], 0, 0

    def beginning() -> Iterator[tuple[Place, Any]]:
        nonlocal place
        yield from first
        while given < MOST and size < ENOUGH and (following := next(records, None)):
            place = following[0]
            yield following

    for text in texts_by(way, beginning(), notes):
        given, size = given + 1, size + len(text)
        yield text
    _kind, number = place  # of the last line that was read
    while data := stream.read(_PART):
        count = data.count(b"\n")
        begin = data.rfind(b"\n") + 1
        length = len(data) - begin  # of the last line, so far
        if length:
            count += 1
            more = stream.readline(LARGEST - length)
            if length + len(more) == LARGEST and not more.endswith(b"\n"):
                data = data[:begin]
                _leave_out_rest(stream, number + count, notes)
            else:
                data += more
        if data:
            yield Lines(data, number + 1, count, way)
        number += count


def _unwrapped(records: Iterator[tuple[Place, Any]], column: str | None) -> Iterator[tuple[Place, Any]]:
    """`records`; where there is but one, and what it holds is a list of records, these."""
    first = list(islice(records, 2))
    inside = _list_in(first[0][1], column) if len(first) == 1 else []
    for number, record in enumerate(inside, 1):
        yield ("record", number), record
    if not inside:
        yield from chain(first, records)


def _list_in(record: Any, column: str | None) -> list[Any]:
    """The longest list of records in a record, which is there to hold it and has no text of its own."""
    if not isinstance(record, Mapping) or (column and column in record):
        return []
    lists: list[list[Any]] = [
        part
        for part in record.values()
        if isinstance(part, list) and part and isinstance(part[0], Mapping) and not is_conversation(part)
    ]
    longest = max(lists, key=len, default=[])
    own = any(isinstance(part, str) and prose(part) for part in record.values())
    return longest if not own or len(longest) >= _MANY else []


def _whole(stream: io.BufferedReader) -> Iterator[tuple[Place, Any]]:
    """A file that is one value."""
    data = stream.read(LARGEST)
    if len(data) == LARGEST:
        raise NotTextError(
            _("it is one record of more than {size}; write one record to a line").format(size=format_size(LARGEST))
        )
    value, reason = parsed(data)
    if reason:
        raise NotTextError(reason)
    yield ("record", 1), value


def _elements(stream: io.BufferedReader, notes: Notes) -> Iterator[tuple[Place, Any]]:
    """The elements of a list, one after the other, in memory for one of them."""
    number = 0
    for piece in _pieces(stream, notes):
        number += 1
        place = ("record", number)
        if piece is None:
            notes.leave_out(place_text(place), _too_long())
            continue
        value, reason = parsed(piece)
        if reason:
            notes.leave_out(place_text(place), reason)
        else:
            yield place, value


def _pieces(stream: io.BufferedReader, notes: Notes) -> Iterator[bytes | None]:
    """The bytes of each element of the list that the stream holds; None for one over LARGEST."""
    data = b""
    start, position, depth = 0, 0, 0  # of the element, of what has been looked at; how many brackets are open
    dropped = False  # the beginning of an element that is too long
    while True:
        # As much again as there is, so that a long element is not looked at again and again.
        more = stream.read(max(_CHUNK, len(data) - start))
        if not more:
            break
        data, position, start = data[start:] + more, position - start, 0
        while match := _TOKEN.search(data, position):
            token = match[0]
            if token == b'"':
                position = match.start()
                break
            position = match.end()
            if token in (b"{", b"["):
                depth += 1
                if depth == 1:
                    start = position
            elif token == b"," and depth == 1:
                yield None if dropped else data[start : match.start()]
                start, dropped = position, False
            elif token in (b"}", b"]"):
                depth -= 1
                if depth == 0:
                    if dropped or data[start : match.start()].strip():
                        yield None if dropped else data[start : match.start()]
                    return
        else:
            position = len(data)
        if len(data) - start > LARGEST:
            dropped = True
            start = position
    if data[start:].strip():
        yield data[start:]
    notes.leave_out(_("its end"), _("the list is not closed; the file may be cut off"))
