"""Charts of trainings: the small ones of the tab, and a screen of them with a cursor, stretches and several runs."""

import json

import pytest
from screens import BROAD, SMALL, USUAL, WIDE, compare, screen_text, wait_for, wait_for_rest, wait_for_text
from trainings import pretend_training

from newleaf.core import language
from newleaf.trainer.history import History
from newleaf.trainer.jobs import Job
from newleaf.tui.app import NewleafApp
from newleaf.tui.charts_screen import _minutes_text
from newleaf.tui.run_charts import RunCharts
from newleaf.tui.widgets.chart import Chart


@pytest.fixture
def runs(newleaf_home):
    return [pretend_training("alpha"), pretend_training("beta", seed=2, level=1.2)]


async def open_tab(pilot):
    await wait_for(pilot, lambda: pilot.app.focused is not None, "the focus")
    await pilot.press("f4")
    await wait_for_text(pilot, "it writes:")


async def open_charts(pilot, *keys):
    await open_tab(pilot)
    await pilot.press(*keys, "c")
    await wait_for(pilot, lambda: pilot.app.screen.query(RunCharts), "the screen")
    await wait_for_text(pilot, "└1 ")


def state(app):
    return str(app.screen.query_one(".state").content)


@pytest.mark.parametrize("size", [SMALL, USUAL, BROAD, WIDE])
@pytest.mark.parametrize("code", ["en", pytest.param("zh_CN", marks=pytest.mark.long)])
async def test_charts_at_any_size(runs, size, code):
    language.set_language(code)
    app = NewleafApp()
    async with app.run_test(size=size) as pilot:
        await wait_for(pilot, lambda: app.focused is not None, "the focus")
        await pilot.press("f4", "space", "down", "c")
        await wait_for(pilot, lambda: app.screen.query(RunCharts), "the screen")
        await wait_for_text(pilot, "└1")
        await wait_for_rest(pilot)
        compare(app, f"charts-{size[0]}x{size[1]}-{code}")


async def test_the_cursor_tells_what_was_there(runs):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_charts(pilot)
        await pilot.press("home")
        await wait_for(pilot, lambda: "loss 8" in screen_text(app), "the first loss")
        await pilot.press("end")
        await wait_for_text(pilot, "loss 2.")
        await pilot.press("pageup", "left")
        await wait_for(pilot, lambda: app.screen._look.cursor < 400, "the cursor")
        assert f"{app.screen._look.cursor:,.0f}" in screen_text(app).splitlines()[-4]


async def test_a_stretch_goes_along_with_the_cursor(runs):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_charts(pilot)
        await pilot.press("home", "plus", "plus")
        await wait_for_text(pilot, "a part of it")
        first, last = app.screen._look.window
        assert first == 1 and last - first == pytest.approx(399 / 4)
        await pilot.press("end")
        await pilot.pause()
        assert app.screen._look.window == (pytest.approx(400 - 399 / 4), 400)
        await pilot.press("minus", "minus")
        await wait_for(pilot, lambda: app.screen._look.window is None, "all of it")
        await pilot.press(*["plus"] * 30, "0")
        await wait_for(pilot, lambda: "a part of it" not in screen_text(app), "all of it")


async def test_smoothing_logarithm_and_time(runs):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_charts(pilot)
        await pilot.press("s")
        await wait_for(pilot, lambda: "smoothed, 1" in state(app), "smoothing")
        await pilot.press("s", "s", "s", "g")
        await wait_for(pilot, lambda: state(app).split("  ")[1:] == ["steps", "logarithmic"], "the logarithm")
        await pilot.press("t")
        await wait_for_text(pilot, "minutes of work")
        await wait_for_text(pilot, "2m00s")  # 400 steps of 0.3 seconds


async def test_one_chart_after_the_other_where_there_is_little_room(runs):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_charts(pilot)
        for word in ("held out", "learning rate", "gradient norm", "tokens/s", "loss"):
            await pilot.press("tab")
            await wait_for(pilot, lambda word=word: word in screen_text(app).splitlines()[1], word)
        assert sum(chart.display for chart in app.screen.query(Chart)) == 1
        await pilot.resize_terminal(200, 50)
        await wait_for(pilot, lambda: sum(chart.display for chart in app.screen.query(Chart)) == 5, "all of them")
        await pilot.press("escape")
        await wait_for_text(pilot, "it writes:")


async def test_runs_are_laid_over_each_other(runs):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tab(pilot)
        await pilot.press("space", "down")
        await wait_for_text(pilot, "+✓ beta")
        await pilot.press("c")
        await wait_for_text(pilot, "alpha loss")
        assert "beta loss" in screen_text(app)
        await pilot.press("escape", "up", "space")
        await wait_for(pilot, lambda: "+✓" not in screen_text(app), "no mark")


async def test_what_is_added_is_drawn_and_a_job_that_is_gone_is_survived(runs):
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_charts(pilot)  # of the newest, which is the first
        with (runs[1] / "events.jsonl").open("a") as events:
            events.write(json.dumps({"kind": "step", "step": 500, "loss": 1.0, "bits_per_byte": 1.0}) + "\n")
        await wait_for_text(pilot, "loss 1.000")
        runs[1].rename(runs[1].with_name("elsewhere"))
        await pilot.pause(1.5)
        assert "loss" in screen_text(app)


async def test_a_training_without_a_step_yet_has_no_lines_of_another(runs):
    path = pretend_training("empty", seed=-1)  # the oldest: the last of the list
    (path / "events.jsonl").write_text("")
    app = NewleafApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await open_tab(pilot)
        await wait_for_text(pilot, "└1")
        await pilot.press("end")
        await wait_for(pilot, lambda: "└1" not in screen_text(app), "empty charts")


def test_a_million_steps_are_drawn_from_few_points(newleaf_home):
    path = pretend_training("long", steps=1_000_000)
    history = History()
    history.feed(Job(path).events()[0])
    assert len(history.steps) > 100_000
    chart = Chart()
    from newleaf.tui.widgets.chart import Series

    levels = chart.levels_of(Series("loss", "─", history.steps, history.losses))
    assert len(list(levels.between(1, 1_000_000, 400))) < 4_000


def test_a_resumed_training_has_the_minutes_of_work_alone():
    found = History()
    found.feed({"t": 60.0 * n, "kind": "step", "step": n, "loss": 1.0, "bits_per_byte": 1.0} for n in range(1, 6))
    found.feed([{"t": 10_000.0, "kind": "resume", "step": 3}])
    found.feed([{"t": 10_060.0, "kind": "step", "step": 4, "loss": 1.0, "bits_per_byte": 1.0}])
    assert found.minutes == [0, 1, 2, 3] and found.steps == [1, 2, 3, 4]


def test_the_minutes_are_those_of_the_clock_of_the_training_which_stands_still_while_the_machine_sleeps():
    found, step = History(), {"kind": "step", "loss": 1.0, "bits_per_byte": 1.0}
    found.feed([{**step, "t": 0.0, "step": 1, "elapsed": 60.0}, {**step, "t": 30_000.0, "step": 2, "elapsed": 90.0}])
    found.feed([{"t": 30_001.0, "kind": "eval", "step": 2, "bits_per_byte": 1.0, "elapsed": 90.0}])
    assert found.minutes == [1.0, 1.5] and found.evaluation_minutes == [1.5]


def test_the_time_in_line_is_no_work():
    found = History()
    found.feed([{"t": 0.0, "kind": "message", "text": "Another training runs."}, {"t": 5000.0, "kind": "plan"}])
    found.feed([{"t": 5060.0, "kind": "step", "step": 1, "loss": 1.0, "bits_per_byte": 1.0}])
    assert found.minutes == [1] and found.messages == ["Another training runs."]


@pytest.mark.parametrize("size", [USUAL, WIDE])
async def test_the_tab_has_as_many_charts_as_there_is_room_for(runs, size):
    app = NewleafApp()
    async with app.run_test(size=size) as pilot:
        await open_tab(pilot)
        await wait_for_text(pilot, "└1")
        await wait_for_rest(pilot)
        compare(app, f"training-{size[0]}x{size[1]}-en")


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0.0, "0m00s"), (7.999, "8m00s"), (7.5, "7m30s"), (59.999, "1h00m"), (60.0, "1h00m"), (119.9999, "2h00m")],
)
def test_minutes_are_rounded_before_they_are_divided(minutes, text):
    assert _minutes_text(minutes) == text
