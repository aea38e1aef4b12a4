"""A screen with a list of what is kept of one kind, and below it what there is to say of the marked one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ..core.language import N_
from .kept import Entry, place_of
from .widgets.footer import Keys
from .words import Translated

if TYPE_CHECKING:
    from .app import NewleafApp


class KeptScreen(Translated, ModalScreen[None]):
    """A subclass says what there is, and what can be done with it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", N_("Close"), id="kept.close")]
    DEFAULT_CSS = """
    KeptScreen { background: $surface; layout: vertical; }
    KeptScreen .title { padding: 0 1; }
    KeptScreen OptionList { height: 1fr; padding: 0 1; }
    KeptScreen .reading { height: 2fr; padding: 0 1; border-top: solid $panel; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: list[Entry] = []

    @property
    def newleaf(self) -> NewleafApp:
        """The app, with its own attributes."""
        return cast("NewleafApp", self.app)

    def heading(self) -> str:
        """What is listed."""
        raise NotImplementedError

    def look(self) -> list[Entry]:
        """All that there is."""
        raise NotImplementedError

    def about(self, name: str | None) -> Text:
        """What there is to say of the marked one; None: there is none."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        yield Static(self.heading(), classes="title", markup=False)
        yield OptionList(markup=False)
        with VerticalScroll(classes="reading"):
            yield Static("", id="about", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """Look whenever a job has changed."""
        self.watch(self.app, "jobs", self._jobs_changed)
        self.query_one(OptionList).focus()

    def _jobs_changed(self, jobs: list[dict[str, Any]]) -> None:
        self.refresh_list()

    def refresh_list(self, marked: str | None = None) -> None:
        """Show what there is, when it has changed."""
        known = self.look()
        if known != self._known or not known:
            marked = marked or self.marked()
            self._known = known
            entries = self.query_one(OptionList)
            before = entries.highlighted
            entries.clear_options()
            width = max((cell_len(entry.name) for entry in known), default=0)
            lines = [f"{entry.name}{' ' * (width - cell_len(entry.name))}  {entry.detail}" for entry in known]
            entries.add_options(Option(Content(line)) for line in lines)
            names = [entry.name for entry in known]
            entries.highlighted = place_of(marked, names, before)
        self._tell()

    def marked(self) -> str | None:
        """The name of the marked one."""
        index = self.query_one(OptionList).highlighted
        return self._known[index].name if index is not None and index < len(self._known) else None

    @on(OptionList.OptionHighlighted)
    def _tell(self) -> None:
        text = self.about(self.marked())
        shown = self.query_one("#about", Static)
        if shown.content != text:
            shown.update(text)
        self.refresh_bindings()
