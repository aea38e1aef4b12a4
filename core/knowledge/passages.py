"""Documents cut into passages: parts that are short enough to be shown whole and long enough to be understood alone.

A passage ends where a paragraph ends, or else where a sentence does. Headings stay with what follows them. Passages do
not overlap: put together they are the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..corpus.readers.paragraphs import SPACE_IN_CJK
from ..language import gettext as _

# Sizes are in letters; a Chinese character counts as so many, as it says as much.
HAN_LETTERS = 2.4
LEAST, MOST = 500.0, 950.0  # about 80 and 150 English words, 210 and 400 Chinese characters
FEW = 120.0  # a section of less is not worth a passage of its own
LONGEST_HEADING, LONGEST_QUESTION = 90.0, 200.0

_HAN = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff]")
_BLOCK = re.compile(r"\S[^\n]*(?:\n[^\S\n]*\S[^\n]*)*")
_MARKED = re.compile(r"#{1,6}[ \t]+(?=\S)")
_UNDERLINED = re.compile(r"([^\n]+)\n[ \t]*(?:={3,}|-{3,})[ \t]*(?:\n|$)")
_NUMBERED = re.compile(
    r"(?:\d{1,3}(?:\.\d{1,3})+\.?\s|(?:chapter|section|part|appendix)\s+[\dIVXA-Z]|第[\d一二三四五六七八九十百]+[章节篇部])",
    re.IGNORECASE,
)
_ITEM = re.compile(r"(?:[-*•▪–—]|\(?\d{1,3}[.)]|[a-z][.)])\s")
_STATEMENT_END = re.compile(r"[.。,，;；:：、]$")
_SENTENCE_END = re.compile(
    r"[.!?…]+[\"'”’»)\]]*\s+(?=[\"'“‘«(\[]*[^\W_a-z])"  # a capital, a digit or a Chinese character follows
    r"|[。！？]+[”’」』）)\"]*\s*"
    r"|\n(?=[ \t]*(?:[-*•▪]|\d{1,3}[.)])\s)"
)
_PAUSE = re.compile(r"[,;，；、:：]\s*|\s+")


@dataclass(frozen=True)
class Passage:
    """A part of a document."""

    text: str
    source: str  # the file, as reports call it
    position: int  # its number in the file, from 0
    page: int | None = None  # where it begins, for kinds of files that have pages
    heading: str = ""  # under which it stands


def place_parts(source: str, page: int | None, heading: str = "") -> list[str]:
    """Where a passage is from, in words: the file, the page, the heading, as far as they are known."""
    return [source, *([_("page {number}").format(number=page)] if page else []), *([heading] if heading else [])]


@dataclass(frozen=True)
class Piece:
    """A passage on its way: from where to where in a text."""

    start: int
    end: int
    heading: str


def size_of(text: str) -> float:
    """How long `text` is, in letters."""
    return len(text) if text.isascii() else len(text) + (HAN_LETTERS - 1) * len(_HAN.findall(text))


def cut(text: str, heading: str = "") -> Iterator[Piece]:
    """The passages of `text`, in order: all of it but white space. `heading` is what stands above its beginning."""
    packer = _Packer(text, heading)
    blocks = _with_next(_blocks(text))
    for (start, end), following in blocks:
        title = _heading(text[start:end], text[following[0] : following[1]] if following else "")
        if title:
            yield from packer.open_section(start, end, title)
        else:
            yield from packer.add(start, end)
    yield from packer.close()


def sentences(text: str) -> list[str]:
    """The sentences of `text`, each in one line."""
    found = (
        text[start:end] for match in _BLOCK.finditer(text) for start, end, _size in _sentences(text, *match.span())
    )
    return [" ".join(SPACE_IN_CJK.sub("", sentence).split()) for sentence in found]


class _Packer:
    """Puts paragraphs together until a passage is long enough."""

    def __init__(self, text: str, heading: str):
        self.text = text
        self.heading = heading
        self.start = self.end = -1  # of what is collected
        self.size = 0.0
        self.body = False  # whether more than headings is collected
        self.held: Piece | None = None  # the passage before, which a short rest of its section may join
        self.held_size = 0.0

    def open_section(self, start: int, end: int, title: str) -> Iterator[Piece]:
        if self.body:
            yield from self._flush(ends_section=True)
        self.heading = title
        self._take(start, end, size_of(self.text[start:end]))

    def add(self, start: int, end: int) -> Iterator[Piece]:
        size = size_of(self.text[start:end])
        if self.size + size <= MOST:
            units = [(start, end, size)]
        elif self.size >= LEAST and size <= MOST:
            yield from self._flush()
            units = [(start, end, size)]
        else:
            units = list(_sentences(self.text, start, end))
        for first, last, its_size in units:
            if self.body and self.size + its_size > MOST:
                yield from self._flush()
            self._take(first, last, its_size)
            self.body = True

    def close(self) -> Iterator[Piece]:
        if self.start >= 0:
            yield from self._flush(ends_section=True)
        if self.held:
            yield self.held

    def _take(self, start: int, end: int, size: float) -> None:
        if self.start < 0:
            self.start = start
        self.end = end
        self.size += size

    def _flush(self, ends_section: bool = False) -> Iterator[Piece]:
        piece = Piece(self.start, self.end, self.heading)
        held = self.held
        if held and ends_section and held.heading == piece.heading and self._is_rest():
            self.held = Piece(held.start, piece.end, held.heading)
        else:
            if held:
                yield held
            self.held, self.held_size = piece, self.size
        self.start, self.size, self.body = -1, 0.0, False

    def _is_rest(self) -> bool:
        return self.size < FEW and self.held_size + self.size <= 1.2 * MOST


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Where paragraphs are; a heading that is marked as one is a paragraph."""
    for match in _BLOCK.finditer(text):
        start, end = match.span()
        while start < end:
            underlined = _UNDERLINED.match(text, start, end)
            if _MARKED.match(text, start, end):
                newline = text.find("\n", start, end)
                border = end if newline < 0 else newline
            elif underlined and not _ITEM.match(underlined[1]):
                border = underlined.end()
            else:
                border = end
            yield start, start + len(text[start:border].rstrip())
            start = border
            while start < end and text[start].isspace():
                start += 1


def _with_next(
    blocks: Iterable[tuple[int, int]],
) -> Iterator[tuple[tuple[int, int], tuple[int, int] | None]]:
    before = None
    for block in blocks:
        if before:
            yield before, block
        before = block
    if before:
        yield before, None


def _heading(block: str, following: str) -> str:
    """The words of a heading, or "" where `block` is none."""
    if marked := _MARKED.match(block):
        return block[marked.end() :].strip("# \t")
    if underlined := _UNDERLINED.match(block):
        return underlined[1].strip()
    if not following or not _may_be_heading(block):
        return ""
    if not _NUMBERED.match(block) and (_ITEM.match(block) or _may_be_heading(following)):
        return ""
    return " ".join(SPACE_IN_CJK.sub("", block).split())


def _may_be_heading(block: str) -> bool:
    """Whether it is a line that stands alone, short, and no statement; a question or a number may take two lines."""
    long = block.endswith(("?", "？")) or _NUMBERED.match(block) is not None
    if block.count("\n") > bool(long) or "\t" in block or _STATEMENT_END.search(block):
        return False
    first = block[0]
    if not (first.isupper() or first.isdigit() or _HAN.match(first)):
        return False
    return size_of(block) <= (LONGEST_QUESTION if long else LONGEST_HEADING)


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int, float]]:
    """The sentences from `start` to `end` with their sizes; one that is too long in parts."""
    borders = [match.end() for match in _SENTENCE_END.finditer(text, start, end)]
    for border in [*borders, end]:
        while start < border:
            size = size_of(text[start:border])
            last = border if size <= MOST else _part(text, start, border)
            yield start, last, size if last == border else size_of(text[start:last])
            start = last


def _part(text: str, start: int, end: int) -> int:
    """Where a sentence that is too long may be cut: at a line's end, a comma or a space, else anywhere."""
    longest = end
    if size_of(text[start : start + int(MOST)]) > MOST:
        longest = start + int(MOST / HAN_LETTERS)
    longest = min(longest, start + int(MOST))
    newline = text.rfind("\n", start + (longest - start) // 2, longest)
    if newline > start:
        return newline + 1
    place = longest
    for match in _PAUSE.finditer(text, start + (longest - start) // 2, longest):
        place = match.end()
    return place
