"""A text cut into pieces by a tokenizer: the pieces in colours, their numbers, and the one at the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from ...core.engine.client import EncodedPiece
from ...core.language import gettext as _
from ...core.language import labelled, ngettext
from ..only_text import visible

STYLES = ("black on #9ece6a", "black on #7aa2f7", "black on #e0af68", "black on #bb9af7", "black on #7dcfff")
AT = "bold black on white"  # the piece at the cursor
SHOWN = 2_000  # pieces; more could not be looked at, and take seconds to draw


class CutView(Vertical):
    """What one tokenizer makes of a text."""

    DEFAULT_CSS = """
    CutView { height: 1fr; width: 1fr; }
    CutView .rate { color: $text-accent; height: auto; }
    CutView .at-cursor { height: auto; color: $text-muted; }
    CutView VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    """

    def __init__(self, *, id: str | None = None):  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._pieces: Sequence[EncodedPiece] = ()
        self._starts: list[int] = []  # where each piece begins in the text's bytes; none where they do not add up
        self._at: int | None = None

    def compose(self) -> ComposeResult:
        yield Static("", classes="rate", markup=False)
        yield Static("", classes="at-cursor", markup=False)
        with VerticalScroll(classes="reading"):
            yield Static("", classes="pieces", markup=False)

    def show(self, name: str, pieces: Sequence[EncodedPiece], text: str, offset: int) -> None:
        """Show the pieces of `text`, with the cursor at a character of it."""
        self._pieces, self._starts = pieces, starts(pieces, text)
        self.query_one(".rate", Static).update(labelled(name, rate_text(pieces, text)))
        self._at = self._index(text, offset)
        self._draw()

    def show_text(self, text: str) -> None:
        """A sentence instead, or nothing."""
        self._pieces, self._starts, self._at = (), [], None
        for part in (".rate", ".at-cursor", ".pieces"):
            self.query_one(part, Static).update(text if part == ".rate" else "")

    def move(self, text: str, offset: int) -> None:
        """The cursor is elsewhere."""
        if (at := self._index(text, offset)) != self._at:
            self._at = at
            self._draw()

    def _index(self, text: str, offset: int) -> int | None:
        """The piece that the character at the cursor is in; behind the text the last one."""
        if not self._starts:
            return None
        at = len(_bytes(text[:offset]))
        return max((index for index, start in enumerate(self._starts) if start <= at), default=None)

    def _draw(self) -> None:
        self.query_one(".pieces", Static).update(pieces_text(self._pieces, self._at))
        at = "" if self._at is None else piece_text(self._pieces[self._at])
        self.query_one(".at-cursor", Static).update(at)


def starts(pieces: Sequence[EncodedPiece], text: str) -> list[int]:
    """Where each piece begins in the bytes of `text`; nothing where they are not exactly those of the text."""
    found, at = [], 0
    for piece in pieces:
        found.append(at)
        at += len(piece.data)
    together, data = b"".join(piece.data for piece in pieces), _bytes(text)
    if together == b" " + data:  # a tokenizer that puts a space before each text
        return [max(0, start - 1) for start in found]
    return found if together == data else []


def alike(first: Sequence[EncodedPiece], second: Sequence[EncodedPiece], text: str) -> int | None:
    """How many pieces of the text are the same in both; nothing where that cannot be said."""
    places = [
        {(start, piece.data) for start, piece in zip(starts(pieces, text), pieces, strict=False)}
        for pieces in (first, second)
    ]
    return len(places[0] & places[1]) if all(places) else None


def rate_text(pieces: Sequence[EncodedPiece], text: str) -> str:
    """How many pieces, and how many bytes each stands for."""
    size = len(_bytes(text))
    return _("{pieces:,} pieces, {bytes:,} bytes: {rate:.2f} bytes a piece").format(
        pieces=len(pieces), bytes=size, rate=size / max(1, len(pieces))
    )


def piece_text(piece: EncodedPiece) -> str:
    """One piece in words: its text, number and bytes."""
    words = ngettext(
        "at the cursor: {piece}  number {number}, {bytes} byte: {digits}",
        "at the cursor: {piece}  number {number}, {bytes} bytes: {digits}",
        len(piece.data),
    )
    return words.format(
        piece=visible(piece.text), number=piece.number, bytes=len(piece.data), digits=piece.data.hex(" ")
    )


def pieces_text(pieces: Sequence[EncodedPiece], at: int | None = None) -> Text:
    """The pieces, each with a bar behind it and in a colour of its own, and their numbers; the one at `at` stands out.

    Of a very long text as many as can be looked at.
    """
    first = max(0, min((at or 0) - SHOWN // 2, len(pieces) - SHOWN))
    shown = pieces[first : first + SHOWN]
    text, numbers = Text(), Text()
    if first:
        text.append(_("{number:,} pieces before").format(number=first) + " ... ")
    for index, piece in enumerate(shown, first):
        text.append(visible(piece.text), AT if index == at else STYLES[index % len(STYLES)])
        text.append("|")
        numbers.append(str(piece.number), AT if index == at else "")
        numbers.append(" ")
    after = len(pieces) - first - len(shown)
    if after:
        text.append(" ... " + _("{number:,} pieces behind").format(number=after))
    return Text.assemble(text, "\n\n", numbers) if pieces else Text()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
