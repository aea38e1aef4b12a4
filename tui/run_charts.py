"""The charts of a training, or of several laid over each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Container, Vertical

from ..core.language import gettext as _
from ..trainer.history import History
from .widgets.chart import Chart, Look, Series

CHARTS = ("loss", "bits", "learning-rate", "gradient-norm", "rate")
COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "red")  # of runs that are laid over each other
MARKS = ("─", "╌", "┄", "┈", "═", "━")
MARKS_OF_POINTS = ("x", "o", "+", "*", "v", "^")


class Run(NamedTuple):
    """A training to draw."""

    name: str
    history: History


class RunCharts(Vertical):
    """Loss and bits per byte; where there is room also the learning rate, the gradients' norm and the speed."""

    DEFAULT_CSS = """
    RunCharts { height: 1fr; }
    RunCharts #first { height: 2fr; layout: vertical; }
    RunCharts #second { height: 1fr; layout: horizontal; display: none; }
    RunCharts Chart { width: 1fr; }
    RunCharts.-one #first, RunCharts.-one #second { height: 1fr; }
    RunCharts.-one Container, RunCharts.-one Chart { display: none; }
    RunCharts.-one .-chosen, RunCharts.-one #second.-chosen { display: block; }
    """

    def __init__(self, look: Look | None = None, id: str | None = None):  # noqa: A002  Textual's name
        super().__init__(id=id)
        self.look = look or Look()
        self.by_time = False  # whether x is minutes of work, and not steps

    def compose(self) -> ComposeResult:
        with Container(id="first"):
            for name in CHARTS[:2]:
                yield Chart(look=self.look, id=name)
        with Container(id="second"):
            for name in CHARTS[2:]:
                yield Chart(look=self.look, id=name)

    def show(self, runs: Sequence[Run], growing: bool = False) -> None:
        """Draw these runs; while they are growing, with some room for what comes."""
        self.look.growing = growing
        series = [series_of(run, number if len(runs) > 1 else None, self.by_time) for number, run in enumerate(runs)]
        all_xs = [each.xs for found in series for each in found[CHARTS[0]] if len(each.xs)]
        self.look.extent = (min(xs[0] for xs in all_xs), max(xs[-1] for xs in all_xs)) if all_xs else None
        for name in CHARTS:
            self.query_one(f"#{name}", Chart).show(*(each for found in series for each in found[name]))

    def choose(self, number: int | None) -> None:
        """Show one chart alone, or as many as there is room for."""
        self.set_class(number is not None, "-one")
        for index, name in enumerate(CHARTS):
            self.query_one(f"#{name}", Chart).set_class(index == number, "-chosen")
        for container in self.query(Container):
            container.set_class(bool(container.query(".-chosen")), "-chosen")

    def draw(self) -> None:
        """Draw again, as after a change of the look."""
        for chart in self.query(Chart):
            chart.draw()


def series_of(run: Run, number: int | None, by_time: bool = False) -> dict[str, list[Series]]:
    """The lines of a run for each chart; with a number, as one of several."""
    found = run.history
    xs = found.minutes if by_time else found.steps
    evaluated = found.evaluation_minutes if by_time else found.evaluation_steps

    def line(name: str, ys: Sequence[float], colour: str) -> Series:
        if number is None:
            return Series(name, MARKS[0], xs, ys, colour)
        kind = number % len(COLOURS)
        return Series(f"{run.name} {name}", MARKS[kind], xs, ys, COLOURS[kind], dash=number)

    kind = (number or 0) % len(COLOURS)
    told, colour = (_("held out"), "bold yellow") if number is None else (run.name, f"bold {COLOURS[kind]}")
    held_out = Series(told, MARKS_OF_POINTS[kind], evaluated, found.evaluations, colour, points=True)
    bits = [held_out] if number is not None else [line(_("bits per byte"), found.bits, "blue"), held_out]
    return {
        "loss": [line(_("loss"), found.losses, "cyan")],
        "bits": bits,
        "learning-rate": [line(_("learning rate"), found.learning_rates, "green")],
        "gradient-norm": [line(_("gradient norm"), found.gradient_norms, "magenta")],
        "rate": [line(_("tokens/s"), found.rates, "cyan")],
    }
