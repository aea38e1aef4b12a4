"""A list of pieces that may be long: only the lines that are seen are drawn."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ...core.engine.client import EncodedPiece
from ...core.language import gettext as _
from ..only_text import visible

NUMBER, BYTES = 8, 6  # cells for a piece's number, and for how many bytes it has


class PieceList(ScrollView, can_focus=False):
    """Number, bytes, text and bytes in hexadecimal; one line is marked."""

    DEFAULT_CSS = "PieceList { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }"

    class Marked(Message):
        """Another piece is marked, or none."""

        def __init__(self, piece: EncodedPiece | None):
            super().__init__()
            self.piece = piece

    def __init__(self) -> None:
        super().__init__()
        self._pieces: Sequence[EncodedPiece] = ()
        self._marked = 0

    def show(self, pieces: Sequence[EncodedPiece]) -> None:
        """Show these, the first one marked."""
        self._pieces = pieces
        self.virtual_size = Size(1, len(pieces))
        self._marked = 0
        self.scroll_to(0, 0, animate=False, force=True)
        self._tell()

    def move(self, by: int) -> None:
        """Mark another, `by` lines further down."""
        if self._pieces:
            self._marked = max(0, min(self._marked + by, len(self._pieces) - 1))
            self.scroll_to_region(Region(0, self._marked, 1, 1), animate=False, force=True)
            self._tell()

    def move_pages(self, by: int) -> None:
        """Likewise, by as many lines as are seen."""
        self.move(by * max(1, self.size.height - 1))

    def _tell(self) -> None:
        self.refresh()
        self.post_message(self.Marked(self._pieces[self._marked] if self._pieces else None))

    def render_line(self, y: int) -> Strip:
        """One line of what is seen."""
        width, index = self.size.width, self.scroll_offset.y + y
        if index >= len(self._pieces):
            return Strip.blank(width, self.rich_style)
        line = set_cell_size(line_of(self._pieces[index], width), width)
        style = self.rich_style + Style(reverse=index == self._marked)
        return Strip([Segment(line, style)], width)


def head_line() -> str:
    """What stands above the columns."""
    return f"{_right(_('number'), NUMBER - 1)} {_right(_('bytes'), BYTES - 1)} " + _("piece")


def _right(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text


def line_of(piece: EncodedPiece, width: int) -> str:
    """A piece on a line of `width` cells; what does not fit ends with an ellipsis."""
    start = f"{piece.number:>{NUMBER - 1},} {len(piece.data):>{BYTES - 1}} "
    room = width - len(start)
    text_room = room if room < 40 else room // 2
    line = start + _fitting(visible(piece.text), text_room)
    if text_room < room:
        line += " " + _fitting(piece.data.hex(" "), room - text_room - 1)
    return line


def _fitting(text: str, width: int) -> str:
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)) + "…"
