"""Lines of braille: nothing is lost by drawing fewer points, and no number breaks the chart."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from screens import screen_text
from textual.app import App
from textual.strip import Strip

from newleaf.tui.widgets.chart import Chart, Look, Series, changed_cells, value_text
from newleaf.tui.widgets.levels import FOLD, Levels

numbers = st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=700)


parts = st.tuples(st.text("ab─⣿损 ", max_size=4), st.sampled_from([Style(), Style(bold=True)]))
lines = st.lists(parts, max_size=5).map(lambda found: Strip([Segment(*part) for part in found]).adjust_cell_length(12))


@given(old=lines, new=lines)
def test_all_that_changes_in_a_line_and_little_else_is_drawn_again(old, new):
    begin, end = changed_cells(old, new)
    before, after = (
        [
            (set_cell_size(strip.crop(cell, cell + 1).text, 1), next(iter(strip.crop(cell, cell + 1))).style)
            for cell in range(12)
        ]
        for strip in (old, new)
    )
    assert before[:begin] == after[:begin] and before[end:] == after[end:]
    assert changed_cells(new, new) == (0, 0)


@given(ys=numbers, most=st.integers(1, 80), parts=st.integers(1, 5))
def test_fewer_points_keep_the_highest_the_lowest_and_the_mean(ys, most, parts):
    xs, line = list(range(len(ys))), []
    levels = Levels(xs, line)
    for begin in range(0, len(ys), max(1, len(ys) // parts)):  # as it grows
        line += ys[begin : begin + max(1, len(ys) // parts)]
        levels.catch_up()
    spans = list(levels.between(0, len(ys), most))
    finite = [y for y in ys if math.isfinite(y)]
    assert sum(span.number for span in spans) == len(finite)
    assert len(spans) <= FOLD * most + 7 * FOLD
    assert min((span.low for span in spans), default=None) == min(finite, default=None)
    assert max((span.high for span in spans), default=None) == max(finite, default=None)
    assert math.isclose(sum(span.total for span in spans), math.fsum(finite), rel_tol=1e-6, abs_tol=1e32)


@given(size=st.integers(0, 3000), first=st.integers(0, 3000), last=st.integers(0, 3000), most=st.integers(1, 80))
def test_a_stretch_has_all_its_points_and_few_others(size, first, last, most):
    levels = Levels(list(range(size)), list(range(size)))
    levels.catch_up()
    spans = list(levels.between(first, last, most))
    inside = range(max(0, first), min(size - 1, last) + 1)
    if not inside:
        assert not spans or sum(span.number for span in spans) <= FOLD
        return
    assert min(span.low for span in spans) <= inside[0] and max(span.high for span in spans) >= inside[-1]
    assert max(span.high for span in spans) <= inside[-1]  # what is before may be in the first span
    assert inside[0] - min(span.low for span in spans) <= len(inside) // most
    assert len(spans) >= min(len(inside), most)


def test_a_line_that_has_become_shorter_is_looked_at_anew():
    xs, ys = list(range(100)), [1.0] * 100
    levels = Levels(xs, ys)
    levels.catch_up()
    del ys[10:]
    levels.catch_up()
    ys += [5.0] * 20
    levels.catch_up()
    assert [span.mean for span in levels.between(0, 100, 1000)] == [1.0] * 10 + [5.0] * 20


async def drawn(*series, size=(60, 12), look=None):
    class ChartApp(App[None]):
        def compose(self):
            yield Chart(look=look)

    app = ChartApp()
    async with app.run_test(size=size) as pilot:
        app.query_one(Chart).show(*series)
        await pilot.pause()
        return screen_text(app)


async def test_a_falling_line_falls_from_the_left_to_the_right():
    lines = (await drawn(Series("loss", "─", range(100), [100 - x for x in range(100)]))).splitlines()
    first = [next((i for i, c in enumerate(line[7:]) if c > "\u2800"), None) for line in lines[1:11]]
    assert first == sorted(first) and first[0] == 0
    assert "loss" in lines[0] and "100.00" in lines[1] and "1.00" in lines[-2]
    assert lines[-1].split("└")[1].split() == ["0", "99"]


async def test_while_a_line_grows_its_axes_move_now_and_then_and_hold_all_of_it():
    class ChartApp(App[None]):
        def compose(self):
            yield Chart(look=Look(growing=True))

    xs, ys, ends = [], [], []
    app = ChartApp()
    async with app.run_test(size=(60, 12)) as pilot:
        chart = app.query_one(Chart)
        for x in range(0, 6000, 10):
            xs.append(x)
            ys.append(1 + 8 / (1 + x / 500))
            chart.show(Series("loss", "─", xs, ys))
            if len(ys) > 10:
                rows = [chart.render_line(y).text for y in (1, 10, 11)]
                highest, lowest = (float(row[:6]) for row in rows[:2])
                last = int(rows[2].split()[-1].replace(",", ""))
                assert x <= last <= x * 1.25 and highest >= max(ys) and lowest <= min(ys)
                ends.append((highest, lowest, last))
        await pilot.pause()
    assert len(set(ends)) < len(ends) / 8
    assert "5,990" in await drawn(Series("loss", "─", xs, ys))  # at its end the axis ends with it


async def test_odd_numbers_and_sizes_draw_something():
    nan, inf = math.nan, math.inf
    for ys in ([], [1.0], [nan], [nan, inf, 2.0], [3.0, 3.0], [1e30, -1e30]):
        for size in ((60, 12), (8, 3), (20, 5)):
            for growing in (False, True):
                await drawn(Series("s", "─", range(len(ys)), ys), size=size, look=Look(growing=growing))


async def test_two_lines_have_two_names():
    text = await drawn(Series("one", "─", [0, 1], [0, 1]), Series("two", "━", [0, 1], [1, 0]))
    assert "─ one" in text and "━ two" in text


async def test_single_points_are_drawn_as_their_mark():
    line = Series("line", "─", range(50), [50 - x for x in range(50)])
    text = await drawn(line, Series("held out", "x", [0, 25, 49], [50, 25, 1], points=True))
    assert "x held out" in text and sum(row.count("x") for row in text.splitlines()[1:-1]) == 3


async def test_a_chart_that_was_hidden_when_it_was_filled_is_drawn_when_it_shows():
    class ChartApp(App[None]):
        def compose(self):
            chart = Chart()
            chart.display = False
            yield chart

    app = ChartApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.query_one(Chart).show(Series("loss", "─", range(10), range(10)))
        await pilot.pause()
        app.query_one(Chart).display = True
        await pilot.pause(0.1)
        assert "loss" in screen_text(app)


def line(ys):
    return Series("loss", "─", range(len(ys)), ys)


async def test_of_a_stretch_its_own_values_are_shown():
    text = await drawn(line([1000 - x for x in range(1000)]), look=Look(window=(100, 200)))
    lines = text.splitlines()
    assert "900.00" in lines[1] and "800.00" in lines[-2]
    assert lines[-1].split("└")[1].split() == ["100", "200"]


async def test_the_cursor_tells_the_value_where_it_stands():
    text = await drawn(line([x / 10 for x in range(1000)]), look=Look(cursor=500))
    assert "─ loss 49.9" in text and text.splitlines()[1][33] == "│"
    assert text.splitlines()[-1].split("└")[1].split() == ["0", "500", "999"]
    assert "loss 99.900" in await drawn(line([x / 10 for x in range(1000)]), look=Look(cursor=5000))


async def test_a_smooth_line_has_less_noise():
    noisy = [5 + (x % 7) - 3 for x in range(400)]
    plain = await drawn(line(noisy))
    smooth = await drawn(line(noisy), look=Look(smoothing=8))
    assert "8.00" in plain and "2.00" in plain
    _legend, *rows = smooth.splitlines()
    assert not any(label in row for row in rows for label in ("8.00", "2.00", "7."))


async def test_a_logarithmic_axis_makes_a_straight_line_of_powers():
    text = await drawn(line([10 ** (x / 100) for x in range(400)] + [0.0, -1.0]), look=Look(logarithmic=True))
    lines = text.splitlines()
    first = [next((i for i, c in enumerate(row[7:]) if c > "\u2800"), None) for row in lines[1:11]]
    gaps = {before - after for before, after in pairwise(first)}
    assert "9.8k" in lines[1] and "1.00" in lines[-2] and max(gaps) - min(gaps) <= 2


def test_numbers_are_told_in_few_signs():
    told = [value_text(value) for value in (0, 2.314, 0.05, 0.014, 0.0003, -18_432.0, 250_000, 3e9, 0.4)]
    assert told == ["0.00", "2.31", "0.05", "0.014", "3e-04", "-18.4k", "250k", "3e+09", "0.40"]
    assert max(map(len, told)) <= 6


@pytest.mark.parametrize("width", [40, 60, 113])
@pytest.mark.parametrize(
    "name", ["m197 loss", "gradient norm", "a-name-of-more-than-forty-characters-for-a-model", "红楼梦的模型"]
)
async def test_no_number_in_a_legend_is_cut(name, width):
    series = (Series(f"{name} {i}", "=", [1.0, 2.0], [1.0, 3.8094]) for i in range(4))
    legend = (await drawn(*series, size=(width, 12))).splitlines()[0]
    shown = [part.split() for part in legend.split("=")[1:]]
    assert shown and all(part[-1] == value_text(3.8094, 3) for part in shown)
    assert width == 40 or len(shown) > 1
