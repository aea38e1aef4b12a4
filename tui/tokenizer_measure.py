"""The dialog that measures two tokenizers on the held-out text of a corpus."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, Select, Static

from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from .keyed import copies, keyed
from .tokenizer_words import comparison_text
from .words import Translated

if TYPE_CHECKING:
    from ..core.engine.client import Engine


class MeasureDialog(Translated, ModalScreen[None]):
    """Shows the figures of two tokenizers, on the corpus that is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", N_("Close"), id="tokenizer_measure.close"),
        Binding("ctrl+y", "copy", N_("Copy the command"), id="tokenizer_measure.copy", key_display="^y"),
    ]
    DEFAULT_CSS = """
    MeasureDialog #command { height: auto; max-height: 3; color: $accent; }
    """

    def __init__(self, first: str, second: str, corpora: list[str], corpus: str):
        super().__init__()
        self.first, self.second, self.corpora, self.corpus = first, second, corpora, corpus

    @property
    def _engine(self) -> Engine:
        return cast("Any", self.app).engine

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            title = _("{first} and {second}, measured").format(first=self.first, second=self.second)
            yield Static(title, classes="title", markup=False)
            with Horizontal(classes="row"):
                yield Label(_("corpus"), markup=False)
                yield Select(
                    [(Content(name), name) for name in self.corpora],
                    value=self.corpus,
                    allow_blank=False,
                    compact=True,
                    id="corpus",
                )
            with VerticalScroll(classes="reading"):
                yield Static("", id="figures", markup=False)
            yield Static("", id="command", markup=False)
            hint = keyed(self, _("Tab goes to the corpus. ↑ ↓ scroll. Esc closes this."))
            yield Static(hint, classes="hint", markup=False)

    def on_mount(self) -> None:
        """The figures can be scrolled at once."""
        self.query_one(VerticalScroll).focus()

    def command(self) -> str:
        """The command that does the same."""
        corpus = str(self.query_one("#corpus", Select).value)
        return shlex.join(["newleaf", "tokenizer", "compare", self.first, self.second, "--corpus", corpus])

    def action_copy(self) -> None:
        """Put the command into the clipboard."""
        cast("Any", self.app).copy(self.command())

    @on(Select.Changed, "#corpus")
    @work(exclusive=True, group="measure", exit_on_error=False)
    async def _measure(self) -> None:
        figures, corpus = self.query_one("#figures", Static), str(self.query_one("#corpus", Select).value)
        self.query_one("#command", Static).update(copies(self, self.command()))
        figures.update(_("Cutting up to 2 MB of held-out text with both: some seconds."))
        try:
            text = comparison_text(await self._engine.compare(self.first, self.second, corpus))
        except UserError as error:
            text = Text(str(error))
        figures.update(text)
