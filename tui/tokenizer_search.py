"""The dialog that looks for pieces in a vocabulary, as one types."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from ..core.errors import UserError
from ..core.language import N_, ngettext
from ..core.language import gettext as _
from .keyed import keyed
from .only_text import visible
from .widgets.piece_list import PieceList, head_line
from .words import Translated

if TYPE_CHECKING:
    from ..core.engine.client import EncodedPiece, Engine

MOST = 2_000  # pieces that are listed
PAUSE = 0.15  # seconds after the last key


class SearchDialog(Translated, ModalScreen[None]):
    """Lists the pieces of a tokenizer that contain what is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", N_("Close"), id="tokenizer_search.close"),
        Binding("down", "move(1)", N_("Down"), id="tokenizer_search.down"),
        Binding("up", "move(-1)", N_("Up"), id="tokenizer_search.up"),
        Binding("pagedown", "move_pages(1)", N_("Page down"), id="tokenizer_search.page_down"),
        Binding("pageup", "move_pages(-1)", N_("Page up"), id="tokenizer_search.page_up"),
    ]
    DEFAULT_CSS = """
    SearchDialog #found, SearchDialog #marked { height: auto; color: $text-muted; }
    SearchDialog .head { height: 1; text-style: bold; }
    SearchDialog #marked { min-height: 1; max-height: 4; }
    """

    def __init__(self, tokenizer: str):
        super().__init__()
        self.tokenizer = tokenizer

    @property
    def _engine(self) -> Engine:
        return cast("Any", self.app).engine

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            title = _("Pieces of {name} that contain:").format(name=self.tokenizer)
            yield Static(title, classes="title", markup=False)
            yield Input(compact=True, id="sought", placeholder=_("a text, or <0xE4> for a byte"))
            yield Static("", id="found", markup=False)
            yield Static(head_line(), classes="head", markup=False)
            yield PieceList()
            yield Static("", id="marked", markup=False)
            yield Static(keyed(self, _("↑ ↓ and the page keys scroll, Esc closes this.")), classes="hint", markup=False)

    def on_mount(self) -> None:
        """Ready to be typed into."""
        self.query_one(Input).cursor_blink = False
        self.query_one(Input).focus()
        self._search()

    @on(Input.Changed)
    @work(exclusive=True, group="search", exit_on_error=False)
    async def _search(self) -> None:
        await asyncio.sleep(PAUSE)  # what is typed meanwhile takes the place of this
        text = self.query_one(Input).value
        try:
            pieces, total = await self._engine.pieces(self.tokenizer, text, MOST)
            words = found_text(text, len(pieces), total)
        except UserError as error:
            pieces, words = [], str(error)
        self.query_one("#found", Static).update(words)
        self.query_one(PieceList).show(pieces)

    @on(PieceList.Marked)
    def _show_marked(self, event: PieceList.Marked) -> None:
        self.query_one("#marked", Static).update(marked_text(event.piece) if event.piece else "")

    def action_move(self, by: int) -> None:
        """Mark the next one, or the one before."""
        self.query_one(PieceList).move(by)

    def action_move_pages(self, by: int) -> None:
        """Likewise, a page further."""
        self.query_one(PieceList).move_pages(by)


def found_text(text: str, shown: int, total: int) -> str:
    """How many there are."""
    if not text:
        words = ngettext("{total:,} piece in all", "{total:,} pieces in all", total)
    elif not total:
        words = _("No piece contains this.")
    else:
        words = ngettext("{total:,} piece contains this", "{total:,} pieces contain this", total)
    if shown < total:
        words += _("; here are the first {shown:,}")
    return words.format(total=total, shown=shown)


def marked_text(piece: EncodedPiece) -> str:
    """The marked piece, whole."""
    words = ngettext(
        "{piece}  number {number}, {bytes} byte: {digits}",
        "{piece}  number {number}, {bytes} bytes: {digits}",
        len(piece.data),
    )
    return words.format(
        piece=visible(piece.text), number=piece.number, bytes=len(piece.data), digits=piece.data.hex(" ")
    )
