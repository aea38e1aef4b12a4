"""A line chart of braille dots: far cheaper than the plotting widgets, in time and in bytes on the wire."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

AXIS = 7  # columns for the numbers at the left
# Bit of each dot in a braille character, by row and column.
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


@dataclass(frozen=True)
class Series:
    """A line, or single points drawn as `mark`, so that colour is not all that tells them apart."""

    name: str
    mark: str
    xs: Sequence[float]
    ys: Sequence[float]
    style: str = ""
    points: bool = False


class Chart(Widget):
    """Draws some series over a common x axis."""

    DEFAULT_CSS = "Chart { height: 1fr; min-height: 5; }"

    def __init__(self, *, id: str | None = None):  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._series: tuple[Series, ...] = ()
        self._lines: list[Strip] = []

    def show(self, *series: Series) -> None:
        """Draw these."""
        self._series = series
        self._draw()
        self.refresh()

    def on_resize(self) -> None:
        """Draw anew at the new size: Textual has asked for the lines before it tells of the size."""
        self._draw()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line, drawn before."""
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width)

    def _draw(self) -> None:
        width, height = self.size.width, self.size.height
        columns, rows = width - AXIS, height - 2  # the legend above, the steps below
        if columns < 4 or rows < 1:
            self._lines = []
            return
        shown = [decimate(series, 2 * columns) for series in self._series]
        values = [y for points in shown for _x, low, high in points for y in (low, high)]
        lines = [self._legend(width)]
        if not values:
            self._lines = [*lines, *[Strip.blank(width)] * (height - 1)]
            return
        low, high = min(values), max(values)
        if high - low < 1e-9:
            low, high = low - 0.5, high + 0.5
        first = min(points[0][0] for points in shown if points)
        last = max(max(points[-1][0] for points in shown if points), first + 1)
        cells = self._cells(shown, (first, last), (low, high), columns, rows)
        marks = self._marks(shown, (first, last), (low, high), columns, rows)
        plain = self.rich_style
        for row in range(rows):
            label = high - (high - low) * row / max(1, rows - 1)
            shows = row in (0, rows - 1) or (rows > 4 and row == rows // 2)
            segments = [Segment(f"{label:{AXIS - 1}.2f}┤" if shows else " " * (AXIS - 1) + "│", plain)]
            for column in range(columns):
                bits, owner = cells.get((row, column), (0, 0))
                character = chr(0x2800 + bits) if bits else " "
                if (row, column) in marks:
                    owner = marks[row, column]
                    character = self._series[owner].mark
                style = plain if character == " " else plain + Style.parse(self._series[owner].style or "none")
                segments.append(Segment(character, style))
            lines.append(Strip(Strip(segments).simplify()))
        left, right = f"{first:,.0f}", f"{last:,.0f}"
        axis = " " * (AXIS - 1) + "└" + left + " " * max(1, columns - len(left) - len(right)) + right
        lines.append(Strip([Segment(axis[:width], plain)]))
        self._lines = [line.adjust_cell_length(width, plain) for line in lines]

    def _legend(self, width: int) -> Strip:
        segments = [Segment(" " * AXIS, self.rich_style)]
        for series in self._series:
            last = next((f"{y:.3f}" for y in reversed(series.ys) if math.isfinite(y)), "")
            style = self.rich_style + Style.parse(series.style or "none")
            segments.append(Segment(f"{series.mark} {series.name} {last}   ", style))
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _cells(
        self,
        shown: list[list[tuple[float, float, float]]],
        xs: tuple[float, float],
        ys: tuple[float, float],
        columns: int,
        rows: int,
    ) -> dict[tuple[int, int], tuple[int, int]]:
        """(row, column): the dots that are set, and the series that has set them last."""
        cells: dict[tuple[int, int], tuple[int, int]] = {}

        def set_dot(x: int, y: int, owner: int) -> None:
            key = (y // 4, x // 2)
            bits, before = cells.get(key, (0, owner))
            if before != owner:
                bits = 0  # the later series is drawn above
            cells[key] = (bits | DOTS[y % 4][x % 2], owner)

        for owner, points in enumerate(shown):
            if self._series[owner].points:
                continue
            previous: tuple[int, int] | None = None
            for x, low, high in points:
                column = round((x - xs[0]) / (xs[1] - xs[0]) * (2 * columns - 1))
                top = round((ys[1] - high) / (ys[1] - ys[0]) * (4 * rows - 1))
                bottom = round((ys[1] - low) / (ys[1] - ys[0]) * (4 * rows - 1))
                if previous:
                    _line(previous, (column, top), lambda x, y, owner=owner: set_dot(x, y, owner))
                for y in range(top, bottom + 1):
                    set_dot(column, y, owner)
                previous = (column, bottom)
        return cells

    def _marks(
        self,
        shown: list[list[tuple[float, float, float]]],
        xs: tuple[float, float],
        ys: tuple[float, float],
        columns: int,
        rows: int,
    ) -> dict[tuple[int, int], int]:
        """(row, column) of each single point: its series."""
        marks = {}
        for owner, points in enumerate(shown):
            for x, _low, high in points if self._series[owner].points else ():
                column = round((x - xs[0]) / (xs[1] - xs[0]) * (columns - 1))
                marks[round((ys[1] - high) / (ys[1] - ys[0]) * (rows - 1)), column] = owner
        return marks


def _line(start: tuple[int, int], end: tuple[int, int], dot: object) -> None:
    """All dots between two: Bresenham 1965."""
    (x, y), (x_end, y_end) = start, end
    across, down = abs(x_end - x), -abs(y_end - y)
    step_x, step_y = (1 if x < x_end else -1), (1 if y < y_end else -1)
    error = across + down
    while True:
        dot(x, y)  # type: ignore[operator]
        if (x, y) == (x_end, y_end):
            return
        if 2 * error >= down:
            error += down
            x += step_x
        else:
            error += across
            y += step_y


def decimate(series: Series, columns: int) -> list[tuple[float, float, float]]:
    """(x, lowest y, highest y) for at most `columns` spans of x; what is no number is left out."""
    points = [(x, y) for x, y in zip(series.xs, series.ys, strict=True) if math.isfinite(y)]
    if len(points) <= columns:
        return [(x, y, y) for x, y in points]
    first, last = points[0][0], points[-1][0]
    width = (last - first) / columns or 1
    spans: dict[int, tuple[float, float, float]] = {}
    for x, y in points:
        span = min(columns - 1, int((x - first) / width))
        at, low, high = spans.get(span, (x, y, y))
        spans[span] = (at, min(low, y), max(high, y))
    return [spans[span] for span in sorted(spans)]
