"""A whole screen of charts, of one training or several: a cursor that tells values, stretches, smoothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from ..core.language import N_
from ..core.language import gettext as _
from ..trainer.jobs import LIVE
from .following import Following
from .link import link_to
from .run_charts import CHARTS, COLOURS, MARKS, Run, RunCharts
from .widgets.chart import Chart, Look
from .widgets.footer import Keys
from .words import Translated

SMOOTHING = (0, 2, 6, 16)  # dots on either side
MOST_ZOOM = 1e-4  # of the whole is the shortest stretch


class ChartsScreen(Translated, ModalScreen[None]):
    """The charts of the trainings of these jobs, the first of them in front."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", N_("Cursor"), id="charts.left", key_display="←→"),
        Binding("right", "move(1)", show=False, id="charts.right"),
        Binding("pageup", "move(-10)", show=False, id="charts.far_left"),
        Binding("pagedown", "move(10)", show=False, id="charts.far_right"),
        Binding("home", "move(-10000)", show=False, id="charts.home"),
        Binding("end", "move(10000)", show=False, id="charts.end"),
        Binding("plus,equals_sign", "zoom(0.5)", N_("Zoom"), id="charts.closer", key_display="+ -"),
        Binding("minus", "zoom(2)", show=False, id="charts.farther"),
        Binding("0", "whole", N_("All"), id="charts.whole"),
        Binding("s", "smooth", N_("Smooth"), id="charts.smooth"),
        Binding("g", "logarithm", N_("Logarithm"), id="charts.logarithm"),
        Binding("t", "time", N_("Steps or time"), id="charts.time"),
        Binding("tab", "next(1)", N_("Next chart"), id="charts.next", priority=True),
        Binding("shift+tab", "next(-1)", show=False, id="charts.before", priority=True),
        Binding("escape", "dismiss", N_("Close"), id="charts.close"),
    ]
    DEFAULT_CSS = """
    ChartsScreen { background: $surface; layout: vertical; }
    ChartsScreen .runs { height: auto; padding: 0 1; }
    ChartsScreen .state { height: 1; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, jobs: Mapping[str, str]):
        """By the names of jobs what they make."""
        super().__init__()
        self._runs = [Following(job) for job in jobs]
        self._targets = dict(jobs)
        self._chosen = 0  # of the charts, where one is shown at a time
        self._look = Look(x_text=_steps_text)

    def compose(self) -> ComposeResult:
        yield Static(self._heading(), classes="runs")
        yield RunCharts(self._look)
        yield Static("", classes="state", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """Look at the runs now and again."""
        self._follow()
        self.set_interval(link_to(self.app).follow, self._follow)

    def on_resize(self) -> None:
        """One chart or all, by the room."""
        self.call_after_refresh(self._arrange)

    def _arrange(self) -> None:
        self.query_one(RunCharts).choose(None if self._has_room() else self._chosen)
        self.refresh_bindings()
        self._tell()

    def _has_room(self) -> bool:
        return self.size.width >= 100 and self.size.height >= 32

    def _heading(self) -> Content:
        if len(self._runs) == 1:
            return Content.styled(self._targets[self._runs[0].name], "bold")
        kinds = zip(self._runs, MARKS, COLOURS, strict=False)
        return Content("   ").join(
            Content.styled(f"{mark} {self._targets[run.name]}", colour) for run, mark, colour in kinds
        )

    @work(exit_on_error=False, group="follow")
    async def _follow(self) -> None:
        for run in self._runs:
            async for _some in run.catch_up():
                self._show()
        if self._look.growing and not self._grows():
            self._show()

    def _grows(self) -> bool:
        states = {job["name"]: job["state"] for job in cast("Any", self.app).jobs}
        return any(states.get(run.name) in LIVE for run in self._runs)

    def _show(self) -> None:
        runs = [Run(self._targets[run.name], run.history) for run in self._runs]
        self.query_one(RunCharts).show(runs, self._grows())
        self._tell()

    def _tell(self) -> None:
        parts = [] if self._has_room() else [f"{self._chosen + 1}/{len(CHARTS)}"]
        parts.append(_("minutes of work") if self.query_one(RunCharts).by_time else _("steps"))
        if self._look.smoothing:
            parts.append(_("smoothed, {number}").format(number=SMOOTHING.index(self._look.smoothing)))
        if self._look.logarithmic:
            parts.append(_("logarithmic"))
        if self._look.window:
            parts.append(_("a part of it: 0 shows all"))
        self.query_one(".state", Static).update("  ".join(parts))

    # What is looked at

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's question."""
        return not (action == "next" and self._has_room()) and not (action == "whole" and self._look.window is None)

    def _ends(self) -> tuple[float, float]:
        first, last = self._look.extent or (0.0, 1.0)
        return first, max(last, first + 1e-6)

    def action_move(self, by: int) -> None:
        """Move the cursor by so many columns; it begins at the newest. A stretch goes along with it."""
        first, last = self._look.window or self._ends()
        width = max((chart.size.width for chart in self.query(Chart)), default=80)
        column = (last - first) / max(8, width - 8)
        at = self._look.cursor
        lowest, highest = self._ends()
        at = min(highest, max(lowest, (last if at is None else at) + by * column))
        self._look.cursor = at
        if self._look.window:
            shift = min(0.0, at - first) + max(0.0, at - last)
            self._look.window = first + shift, last + shift
        self._draw()

    def action_zoom(self, factor: float) -> None:
        """Show a shorter or a longer stretch around the cursor, or at the end."""
        lowest, highest = self._ends()
        first, last = self._look.window or (lowest, highest)
        size = max((last - first) * factor, MOST_ZOOM * (highest - lowest))
        at = last if self._look.cursor is None else self._look.cursor
        share = min(1.0, max(0.0, (at - first) / (last - first)))
        begin = min(max(lowest, at - share * size), highest - size)
        self._look.window = None if size >= highest - lowest else (begin, begin + size)
        self.refresh_bindings()
        self._draw()

    def action_whole(self) -> None:
        """Show all."""
        self._look.window = None
        self.refresh_bindings()
        self._draw()

    def action_smooth(self) -> None:
        """More of it, then none."""
        self._look.smoothing = SMOOTHING[(SMOOTHING.index(self._look.smoothing) + 1) % len(SMOOTHING)]
        self._draw()

    def action_logarithm(self) -> None:
        """The values, or their logarithm."""
        self._look.logarithmic = not self._look.logarithmic
        self._draw()

    def action_time(self) -> None:
        """Over steps, or over minutes of work."""
        charts = self.query_one(RunCharts)
        charts.by_time = not charts.by_time
        self._look.x_text = _minutes_text if charts.by_time else _steps_text
        self._look.window = self._look.cursor = None
        self.refresh_bindings()
        self._show()

    def action_next(self, by: int) -> None:
        """Another chart, where one is shown at a time."""
        self._chosen = (self._chosen + by) % len(CHARTS)
        self._arrange()
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        self.query_one(RunCharts).draw()
        self._tell()


def _steps_text(x: float) -> str:
    return f"{x:,.0f}"


def _minutes_text(x: float) -> str:
    minutes, seconds = divmod(round(60 * x), 60)
    return f"{minutes // 60}h{minutes % 60:02d}m" if minutes >= 60 else f"{minutes}m{seconds:02d}s"
