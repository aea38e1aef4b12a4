"""A file as passages, read by the readers that corpora have."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator

from ..corpus.preparer import cannot_be_read
from ..corpus.readers.base import Notes, NotTextError, Paged, ReadOptions
from ..corpus.sources import LeftOut, Opened, Source, open_sources
from .passages import Passage, cut

PIECE = 1 << 20  # characters of a text without end that are cut at a time
LONGEST_PIECE = 1 << 22  # characters, also where there is no blank line


def read_passages(source: Source, at: Callable[[int], None]) -> Iterator[Passage | LeftOut]:
    """The passages of a file, or of all files in an archive, in order, and what could not be read of them.

    `at` is told now and then how many bytes of the file were read.
    """
    position = 0
    for item in open_sources([source]):
        if isinstance(item, LeftOut):
            yield item
            continue
        notes = Notes()
        for found in _texts(item, notes):
            at(item.position())
            if isinstance(found, LeftOut):
                yield found
                continue
            text, pages = found
            text = _sound(text)
            starts = [start for start, _page in pages]
            for piece in cut(text):
                page = pages[max(0, bisect_right(starts, piece.start) - 1)][1] if pages else None
                yield Passage(text[piece.start : piece.end], item.name, position, page, piece.heading)
                position += 1
        for where, reason in notes.left_out:
            yield LeftOut(f"{item.name}, {where}", reason)


def _texts(item: Opened, notes: Notes) -> Iterator[Paged | LeftOut]:
    """The texts of an open file with the places of their pages; a payload that fails costs itself."""
    try:
        payloads = item.format.read(item.stream, notes, ReadOptions())
        for payload in _joined(payloads) if item.format.lines else payloads:
            try:
                if item.format.pages:
                    yield from item.format.pages(payload)
                else:
                    for text in item.format.convert(payload) if item.format.convert else [payload]:
                        yield text, []
            except (MemoryError, OSError):
                raise
            except Exception as error:
                yield LeftOut(item.name, _reason(error))
    except MemoryError:
        raise
    except Exception as error:
        yield LeftOut(item.name, _reason(error))


def _reason(error: Exception) -> str:
    if isinstance(error, NotTextError):
        return str(error)
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return cannot_be_read(error)  # of a library, on a file that its authors never saw


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a file together; those of a very long one in pieces, which end at a blank line where they can."""
    gathered: list[str] = []
    size = 0
    for line in lines:
        gathered.append(line)
        size += len(line)
        if size >= LONGEST_PIECE or (size >= PIECE and line.isspace()):
            yield "".join(gathered)
            gathered, size = [], 0
    yield "".join(gathered)


def _sound(text: str) -> str:
    """`text` with one kind of line end, and as UTF-8 can hold it: some files spell half a character by its number."""
    text = text.replace("\r\n", "\n")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
