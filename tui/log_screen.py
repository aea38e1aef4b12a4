"""What the process of a job said: to read, to search, and to follow while it runs."""

from __future__ import annotations

from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.document._document import Document, Selection
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from ..core.language import N_
from ..core.language import gettext as _
from ..core.store import DAMAGED
from ..trainer.jobs import Job
from .link import link_to
from .widgets.footer import Keys
from .words import Translated


class LogScreen(Translated, ModalScreen[None]):
    """The log of a job, at its end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", N_("Search"), id="log.search", key_display="/"),
        Binding("n", "next(1)", N_("Next"), id="log.next"),
        Binding("N", "next(-1)", N_("Before"), id="log.before"),
        Binding("e", "end", N_("End"), id="log.end"),
        Binding("escape", "leave", N_("Close"), id="log.close"),
    ]
    DEFAULT_CSS = """
    LogScreen { background: $surface; layout: vertical; }
    LogScreen .title { padding: 0 1; }
    LogScreen TextArea { height: 1fr; border: none; padding: 0 1; }
    LogScreen Input { display: none; margin: 0 1; }
    LogScreen Input.-shown { display: block; }
    LogScreen .found { height: 1; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, name: str):
        super().__init__()
        self.job = name
        self._read_bytes = 0  # of the file, when it was read

    def compose(self) -> ComposeResult:
        yield Static(self.job, classes="title", markup=False)
        yield TextArea("", read_only=True, show_cursor=True, soft_wrap=True)
        yield Input(placeholder=_("words to find; Enter goes to the next place"), compact=True)
        yield Static("", classes="found", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """Show its end, and what is added."""
        self.query_one(Input).cursor_blink = self.query_one(TextArea).cursor_blink = False
        self._look()
        self.query_one(TextArea).focus()
        self.action_end()
        self.set_interval(link_to(self.app).follow, self._look)

    def _look(self) -> None:
        """Show what is new; who reads at the end stays there."""
        area = self.query_one(TextArea)
        try:
            job = Job.open(self.job)
            size = job.log_size
            if size == self._read_bytes:
                return
            text, self._read_bytes = job.log(), size
        except DAMAGED:  # removed
            return
        at, at_end = area.cursor_location, area.cursor_location >= area.document.end
        area.load_text(text)
        area.cursor_location = area.document.end if at_end else at

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's question."""
        return action != "next" or bool(self.query(Input) and self.query_one(Input).value)

    def action_search(self) -> None:
        """Ask for words."""
        entry = self.query_one(Input)
        entry.add_class("-shown")
        entry.focus()

    @on(Input.Submitted)
    def _search(self) -> None:
        self.query_one(TextArea).focus()
        self.refresh_bindings()
        self.action_next(-1)

    def action_next(self, by: int) -> None:
        """Go to the next place with the words, or to the one before; after the last comes the first."""
        words, area = self.query_one(Input).value.lower(), self.query_one(TextArea)
        text = area.text.lower()
        document = cast("Document", area.document)
        start, end = sorted(map(document.get_index_from_location, area.selection))
        places = text.count(words) if words else 0
        if not places:
            self.query_one(".found", Static).update(_("Not found.") if words else "")
            return
        if by > 0:
            found = text.find(words, end)
            found = text.find(words) if found < 0 else found
        else:
            found = text.rfind(words, 0, start)
            found = text.rfind(words) if found < 0 else found
        locate = document.get_location_from_index
        area.selection = Selection(locate(found), locate(found + len(words)))
        area.scroll_cursor_visible(center=True)
        number = text.count(words, 0, found) + 1
        self.query_one(".found", Static).update(_("{number} of {total}").format(number=number, total=places))

    def action_end(self) -> None:
        """Go to the end, and stay there while more comes."""
        area = self.query_one(TextArea)
        area.cursor_location = area.document.end
        area.scroll_cursor_visible()

    def action_leave(self) -> None:
        """Leave the field, or the screen."""
        entry = self.query_one(Input)
        if entry.has_focus:
            self.query_one(TextArea).focus()
        else:
            self.dismiss()
