"""A line chart of braille dots: far cheaper than the plotting widgets, in time and in bytes on the wire."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from .levels import Levels

AXIS = 7  # columns for the numbers at the left
BETWEEN, LEAST_NAME = 3, 4  # columns between two in the legend, and to which a name there can be shortened
ROOM = 0.25  # at most so much of the x axis, besides, is for points that come
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
    dash: int = 0  # a line with gaps of so many dots


@dataclass
class Look:
    """How charts are looked at; several may share it."""

    window: tuple[float, float] | None = None  # the stretch of x that is shown; all without it
    extent: tuple[float, float] | None = None  # all of x, where it is more than what the chart has points for
    growing: bool = False  # more points come: the axis has room for them, so that not all move with each
    smoothing: int = 0  # a line is the mean of so many dots on either side
    logarithmic: bool = False
    cursor: float | None = None  # the x whose values are told
    x_text: Callable[[float], str] = "{:,.0f}".format


class Point(NamedTuple):
    """What is drawn of a line in one column of dots."""

    dot: int
    low: float
    high: float
    mean: float


class Chart(Widget):
    """Draws some series over a common x axis."""

    DEFAULT_CSS = "Chart { height: 1fr; min-height: 4; }"

    def __init__(self, *, look: Look | None = None, id: str | None = None):  # noqa: A002  Textual's name
        super().__init__(id=id)
        self.look = look or Look()
        self._series: tuple[Series, ...] = ()
        self._levels: list[Levels] = []
        self._lines: list[Strip] = []

    def show(self, *series: Series) -> None:
        """Draw these. A line that has grown since the last time is not looked at anew."""
        self._levels = [self.levels_of(each) for each in series]
        self._series = series
        self.draw()

    def levels_of(self, series: Series) -> Levels:
        """The points of a line at several levels of detail, up to date."""
        same = (levels for levels in self._levels if levels.xs is series.xs and levels.ys is series.ys)
        levels = next(same, None) or Levels(series.xs, series.ys)
        levels.catch_up()
        return levels

    def draw(self) -> None:
        """Draw again, as after a change of the look; only the cells that are not as they were."""
        before = self._lines
        self._draw()
        if len(before) != len(self._lines):
            self.refresh()
            return
        spans = [changed_cells(*lines) for lines in zip(before, self._lines, strict=True)]
        regions = [Region(begin, y, end - begin, 1) for y, (begin, end) in enumerate(spans) if end > begin]
        if regions:
            self.refresh(*regions)

    def on_resize(self) -> None:
        """Draw anew at the new size: Textual has asked for the lines before it tells of the size."""
        self._lines = []
        self.draw()

    def render_line(self, y: int) -> Strip:
        """One line, drawn before."""
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width)

    @property
    def whole(self) -> tuple[float, float] | None:
        """From which x to which there are points."""
        ends = [(levels.xs[0], levels.xs[len(levels.ys) - 1]) for levels in self._levels if len(levels.ys)]
        return (min(first for first, _last in ends), max(last for _first, last in ends)) if ends else None

    def _draw(self) -> None:
        width, height = self.size.width, self.size.height
        columns, rows = width - AXIS, height - 2  # the legend above, the x axis below
        if columns < 4 or rows < 1:
            self._lines = []
            return
        xs = self._shown()
        shown = [_smooth(self._points(levels, xs, 2 * columns), self.look.smoothing) for levels in self._levels]
        if self.look.logarithmic:
            shown = [[_logarithm(point) for point in points if point.low > 0] for points in shown]
        lines = [self._legend(shown, xs, columns, width)]
        values = [y for points in shown for point in points for y in (point.low, point.high)]
        if not values:
            self._lines = [*lines, *[Strip.blank(width)] * (height - 1)]
            return
        low, high = min(values), max(values)
        if high - low < 1e-9 * max(1e-3, abs(high)):
            margin = abs(high) / 2 or 0.5
            low, high = low - margin, high + margin
        elif self.look.growing:
            low, high = _rounded(low, high)
        lines += self._rows(shown, (low, high), columns, rows)
        lines.append(Strip([Segment(self._axis(xs, columns)[:width], self.rich_style)]))
        self._lines = [line.adjust_cell_length(width, self.rich_style) for line in lines]

    def _rows(self, shown: list[list[Point]], ys: tuple[float, float], columns: int, rows: int) -> list[Strip]:
        cells, marks = self._cells(shown, ys, rows), self._marks(shown, ys, columns, rows)
        plain = self.rich_style
        styles = [plain + Style.parse(series.style or "none") for series in self._series]
        # Without dots, lines over each other are told apart by the characters that they are drawn with.
        by_mark = getattr(self.app, "ascii", False) and sum(not series.points for series in self._series) > 1
        cursor = self._cursor_column(columns)
        signs = [[" "] * columns for _row in range(rows)]
        owners = [[-1] * columns for _row in range(rows)]
        if cursor is not None:
            for row in range(rows):
                signs[row][cursor] = "│"
        for (row, column), (bits, owner) in cells.items():
            signs[row][column] = self._series[owner].mark if by_mark else chr(0x2800 + bits)
            owners[row][column] = owner
        for (row, column), owner in marks.items():
            signs[row][column], owners[row][column] = self._series[owner].mark, owner
        lines = []
        for row in range(rows):
            label = ys[1] - (ys[1] - ys[0]) * row / max(1, rows - 1)
            label = 10**label if self.look.logarithmic else label
            between = row % 4 == 0 and rows - row > 4 if rows > 10 else rows > 4 and row == rows // 2
            told = between or row in (0, rows - 1)
            segments = [Segment(f"{value_text(label):>{AXIS - 1}}┤" if told else " " * (AXIS - 1) + "│", plain)]
            begin = 0
            for owner, run in groupby(owners[row]):
                end = begin + len(list(run))
                segments.append(Segment("".join(signs[row][begin:end]), plain if owner < 0 else styles[owner]))
                begin = end
            lines.append(Strip(segments))
        return lines

    def _axis(self, xs: tuple[float, float], columns: int) -> str:
        left, right = self.look.x_text(xs[0]), self.look.x_text(xs[1])
        room = columns - len(left) - len(right)
        middle, before = "", 0
        column = self._cursor_column(columns)
        if column is not None and self.look.cursor is not None:
            middle = self.look.x_text(self.look.cursor)
            before = min(max(1, column - len(left) - len(middle) // 2), room - len(middle) - 1)
            if before < 1:
                middle, before = "", 0
        return " " * (AXIS - 1) + "└" + left + " " * before + middle + " " * max(1, room - before - len(middle)) + right

    def _shown(self) -> tuple[float, float]:
        first, last = self.look.window or self.look.extent or self.whole or (0.0, 1.0)
        if self.look.growing and not self.look.window and last > first:
            last = _rounded(first, last, ROOM)[1]
        return first, max(last, first + 1e-9)

    def _cursor_column(self, columns: int) -> int | None:
        xs = self._shown()
        if self.look.cursor is None or not xs[0] <= self.look.cursor <= xs[1]:
            return None
        return _dot(self.look.cursor, xs, 2 * columns) // 2

    def _legend(self, shown: list[list[Point]], xs: tuple[float, float], columns: int, width: int) -> Strip:
        segments, numbers = [Segment(" " * AXIS, self.rich_style)], []
        column = self._cursor_column(columns)
        for series, points in zip(self._series, shown, strict=True):
            value: float | None = next((y for y in reversed(series.ys) if math.isfinite(y)), None)
            if column is not None:
                value = _nearest(points, 2 * column)
                value = 10**value if value is not None and self.look.logarithmic else value
            numbers.append("" if value is None else value_text(value, 3))
        names, between = _legend_that_fits([series.name for series in self._series], numbers, width - AXIS)
        for series, name, number in zip(self._series, names, numbers, strict=False):
            style = self.rich_style + Style.parse(series.style or "none")
            segments.append(Segment(f"{series.mark} {name} {number}{' ' * between}", style))
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    @staticmethod
    def _points(levels: Levels, xs: tuple[float, float], dots: int) -> list[Point]:
        """What there is of a line in each column of dots that has some of it."""
        found: dict[int, tuple[float, float, float, int]] = {}
        for span in levels.between(*xs, dots):
            dot = _dot(span.x, xs, dots)
            low, high, total, number = found.get(dot, (math.inf, -math.inf, 0.0, 0))
            found[dot] = min(low, span.low), max(high, span.high), total + span.total, number + span.number
        return [Point(dot, low, high, total / number) for dot, (low, high, total, number) in found.items()]

    def _cells(
        self, shown: list[list[Point]], ys: tuple[float, float], rows: int
    ) -> dict[tuple[int, int], tuple[int, int]]:
        """(row, column): the dots that are set, and the series that has set them last."""
        cells: dict[tuple[int, int], tuple[int, int]] = {}

        def set_dot(x: int, y: int, owner: int, dash: int) -> None:
            if dash and x // dash % 2:
                return
            key = (y // 4, x // 2)
            bits, before = cells.get(key, (0, owner))
            if before != owner:
                bits = 0  # the later series is drawn above
            cells[key] = (bits | DOTS[y % 4][x % 2], owner)

        for owner, points in enumerate(shown):
            if self._series[owner].points:
                continue
            dash = self._series[owner].dash
            previous: tuple[int, int] | None = None
            for point in points:
                top = _row(point.high, ys, 4 * rows)
                bottom = _row(point.low, ys, 4 * rows)
                if previous:
                    _line(previous, (point.dot, top), lambda x, y, owner=owner, dash=dash: set_dot(x, y, owner, dash))
                for y in range(top, bottom + 1):
                    set_dot(point.dot, y, owner, dash)
                previous = (point.dot, bottom)
        return cells

    def _marks(
        self, shown: list[list[Point]], ys: tuple[float, float], columns: int, rows: int
    ) -> dict[tuple[int, int], int]:
        """(row, column) of each single point: its series."""
        return {
            (_row(point.high, ys, rows), min(columns - 1, point.dot // 2)): owner
            for owner, points in enumerate(shown)
            for point in (points if self._series[owner].points else ())
        }


def value_text(value: float, digits: int = 2) -> str:
    """A number in few signs: 2.31, 0.014, 18.4k, 3e-04."""
    size = abs(value)
    if not math.isfinite(value):
        return str(value)
    if 1e3 <= size < 1e6:
        return f"{value / 1e3:.{0 if size >= 1e5 else 1}f}k"
    if 0.1 <= size < 1e3 or not size:
        return f"{value:.{digits}f}"
    return f"{value:.{digits}g}" if 1e-3 <= size < 1 else f"{value:.0e}"


def changed_cells(old: Strip, new: Strip) -> tuple[int, int]:
    """The cells of a line, from one to before another, that are not as they were; (0, 0) where all are."""
    if old == new:
        return 0, 0
    before, now = _cells_of(old), _cells_of(new)
    if len(before) != len(now):
        return 0, max(len(before), len(now))
    places = [place for place, (one, other) in enumerate(zip(before, now, strict=True)) if one != other]
    return (places[0], places[-1] + 1) if places else (0, 0)


def _cells_of(strip: Strip) -> list[tuple[str, Style | None, int]]:
    """What is in each cell: a sign, its style, and which of the sign's cells it is."""
    return [
        (sign, segment.style, place) for segment in strip for sign in segment.text for place in range(cell_len(sign))
    ]


def _rounded(low: float, high: float, share: float = 0.1) -> tuple[float, float]:
    """A stretch that holds this one and ends at round numbers, at most a `share` of it farther on each side."""
    most = (high - low) * share
    step = 10.0 ** math.floor(math.log10(most))
    step *= next(factor for factor in (5, 2, 1) if factor * step <= most or factor == 1)
    return math.floor(low / step) * step, math.ceil(high / step) * step


def _dot(x: float, xs: tuple[float, float], dots: int) -> int:
    return min(dots - 1, max(0, round((x - xs[0]) / (xs[1] - xs[0]) * (dots - 1))))


def _row(y: float, ys: tuple[float, float], rows: int) -> int:
    return round((ys[1] - y) / (ys[1] - ys[0]) * (rows - 1))


def _logarithm(point: Point) -> Point:
    return Point(point.dot, math.log10(point.low), math.log10(point.high), math.log10(point.mean))


def _smooth(points: list[Point], reach: int) -> list[Point]:
    """Each the mean of those up to `reach` dots away."""
    if not reach:
        return points
    found, begin, end, total = [], 0, 0, 0.0
    for point in points:
        while end < len(points) and points[end].dot <= point.dot + reach:
            total += points[end].mean
            end += 1
        while points[begin].dot < point.dot - reach:
            total -= points[begin].mean
            begin += 1
        mean = total / (end - begin)
        found.append(Point(point.dot, mean, mean, mean))
    return found


def _nearest(points: list[Point], dot: int) -> float | None:
    """The value of the point that is nearest to a column of dots."""
    if not points:
        return None
    at = bisect_left(points, dot, key=lambda point: point.dot)
    near = points[max(0, at - 1) : at + 1]
    return min(near, key=lambda point: abs(point.dot - dot)).mean


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


def _legend_that_fits(names: list[str], numbers: list[str], room: int) -> tuple[list[str], int]:
    """Names for a legend in so many cells, and how many there are between two.

    What stands between them gives way first, then the longest names are shortened, and where that is not enough the
    last left out: a number that is cut would be another.
    """
    while True:
        of_names = sum(map(cell_len, names))
        taken = sum(cell_len(f"= {number} ") for number in numbers[: len(names)])
        gaps = max(1, len(names) - 1)
        between = max(1, min(BETWEEN, (room - taken - of_names) // gaps))
        left, longest = room - taken - between * (len(names) - 1), max(map(cell_len, names), default=0)
        while longest > LEAST_NAME and sum(min(cell_len(name), longest) for name in names) > left:
            longest -= 1
        if len(names) <= 1 or sum(min(cell_len(name), longest) for name in names) <= left:
            return [_shortened(name, longest) for name in names], between
        names = names[:-1]


def _shortened(name: str, cells: int) -> str:
    return name if cell_len(name) <= cells else set_cell_size(name, cells - 1).rstrip() + "…"
