"""Trainings side by side in a table: what differs first, then what is the same."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from ..core.language import N_
from ..core.language import gettext as _
from ..core.store import DAMAGED
from ..trainer.comparing import Row, compare
from ..trainer.jobs import Job
from .following import Following
from .widgets.footer import Keys
from .words import Translated

LOOK = 2.0  # seconds between two looks at the trainings


class CompareScreen(Translated, ModalScreen[None]):
    """The trainings of these jobs, by the names of the jobs what they make."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", N_("Close"), id="compare.close")]
    DEFAULT_CSS = """
    CompareScreen { background: $surface; layout: vertical; }
    CompareScreen .title { padding: 0 1; }
    CompareScreen VerticalScroll { height: 1fr; padding: 0 1; }
    """

    def __init__(self, jobs: Mapping[str, str]):
        super().__init__()
        self._targets = dict(jobs)
        self._runs = [Following(job) for job in jobs]
        self._rows: list[Row] = []

    def compose(self) -> ComposeResult:
        yield Static(_("Trainings side by side"), classes="title", markup=False)
        with VerticalScroll():
            yield Static("", id="table", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """Look at the trainings now and again."""
        self.query_one(VerticalScroll).focus()
        self._look()
        self.set_interval(LOOK, self._look)

    @work(exit_on_error=False, exclusive=True, group="look")
    async def _look(self) -> None:
        for run in self._runs:
            async for _some in run.catch_up():
                pass
        histories = [run.history for run in self._runs]
        try:
            rows = await asyncio.to_thread(lambda: compare([Job.open(run.name) for run in self._runs], histories))
        except DAMAGED:  # one was removed since
            return
        if rows != self._rows:
            self._rows = rows
            self.query_one("#table", Static).update(table(list(self._targets.values()), rows))


def table(names: Sequence[str], rows: Sequence[Row]) -> Table:
    """A column for each training; what is long goes on in the next line."""
    drawn = Table.grid(padding=(0, 2))
    drawn.add_column(overflow="fold", max_width=24)
    for _name in names:
        drawn.add_column(overflow="fold", ratio=1)
    drawn.add_row("", *(Text(name, "bold") for name in names))
    for title, chosen in (
        (_("What differs"), [row for row in rows if row.differs]),
        (_("What is the same"), [row for row in rows if not row.differs]),
    ):
        if chosen:
            drawn.add_row("")
            drawn.add_row(Text(title, "bold"))
        for row in chosen:
            drawn.add_row(row.label, *row.values)
    return drawn
