"""Lines of braille: nothing is lost by drawing fewer points, and no number breaks the chart."""

import math

from hypothesis import given
from hypothesis import strategies as st
from screens import screen_text
from textual.app import App

from newleaf.tui.widgets.chart import Chart, Series, decimate

numbers = st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=300)


@given(ys=numbers, columns=st.integers(1, 80))
def test_fewer_points_keep_the_highest_and_the_lowest(ys, columns):
    points = decimate(Series("s", "─", range(len(ys)), ys), columns)
    finite = [y for y in ys if math.isfinite(y)]
    assert len(points) <= columns or len(points) == len(finite)
    assert min((low for _x, low, _high in points), default=None) == min(finite, default=None)
    assert max((high for _x, _low, high in points), default=None) == max(finite, default=None)


async def drawn(*series, size=(60, 12)):
    class ChartApp(App[None]):
        def compose(self):
            yield Chart()

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


async def test_odd_numbers_and_sizes_draw_something():
    nan, inf = math.nan, math.inf
    for ys in ([], [1.0], [nan], [nan, inf, 2.0], [3.0, 3.0], [1e30, -1e30]):
        for size in ((60, 12), (8, 3), (20, 5)):
            await drawn(Series("s", "─", range(len(ys)), ys), size=size)


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
