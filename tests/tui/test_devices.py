"""What the machine does while it trains: a line a device, and the load in the status line."""

import pytest
from rich.cells import cell_len
from screens import SMALL, USUAL, screen_text, wait_for, wait_for_text
from trainings import pretend_training

from newleaf.core.files import read_json, write_json
from newleaf.core.language import set_language
from newleaf.trainer.jobs import Job
from newleaf.trainer.telemetry import devices
from newleaf.tui.app import NewleafApp
from newleaf.tui.widgets.devices import DevicePanel, device_lines, load_text
from newleaf.tui.widgets.status_line import status_text

CPU = {"cpu_percent": 51.4, "memory_bytes": 1_073_373_184, "memory_percent": 7.1}
CARD = {"percent": 97, "memory_bytes": 61e9, "memory_total": 80e9, "celsius": 64, "watts": 402.2}
TWO = {**CPU, "cpu_celsius": 58.0, "cpu_watts": 88.1, "gpus": [CARD, {**CARD, "percent": 3}], "energy_wh": 12.3}


def test_a_line_for_each_device_says_what_it_knows():
    assert device_lines(devices(CPU), 52) == ["CPU  █████░░░░░  51%  memory 1.1 GB  █░░░░░░░░░   7%"]
    first, card, _other = device_lines(devices(TWO), 78)
    assert "58 °C" in first and "88 W" in first
    assert card.startswith("GPU 0") and " 97%" in card and "61.0 GB" in card and "402 W" in card and "76%" in card


@pytest.mark.parametrize("code", ["en", "zh_CN"])
@pytest.mark.parametrize("values", [CPU, TWO])
def test_no_line_is_wider_than_its_room(code, values):
    set_language(code)
    for width in range(12, 160):
        assert max(map(cell_len, device_lines(devices(values), width))) <= width


def test_the_load_is_that_of_what_computes():
    assert load_text(CPU) == "CPU 51%"
    assert load_text({**CPU, "gpus": [CARD]}) == "GPU 97%"
    assert load_text(TWO) == "2 GPUs 50%"


@pytest.mark.parametrize("code", ["en", "zh_CN"])
def test_the_status_line_gives_up_whole_fields(code):
    set_language(code)
    job = {"kind": "train", "target": "story", "state": "running", "progress": 0.42, "loss": 3.21, "machine": TWO}
    job |= {"tokens_per_second": 18400.0, "eta_s": 4020.0}
    whole = status_text([job], 200).split(" · ")
    assert "GPU" in whole[-1]
    before = len(whole) + 1
    for width in range(200, 12, -1):
        text = status_text([job], width)
        fields = text.split(" · ")
        assert cell_len(text) <= width and len(fields) <= before
        assert set(fields[1:]) <= set(whole)
        before = len(fields)


@pytest.fixture
def running(newleaf_home):
    folder = pretend_training("story", state="running")
    write_json(folder / "status.json", {**read_json(folder / "status.json"), "progress": 0.4, "machine": TWO})
    lock = Job(folder).lock
    assert lock.acquire()
    yield
    lock.release()


@pytest.mark.parametrize("size", [USUAL, SMALL])
async def test_the_training_tab_has_a_panel_of_the_devices(running, size):
    app = NewleafApp()
    async with app.run_test(size=size) as pilot:
        await pilot.press("3")
        await wait_for_text(pilot, "GPU 1")
        shown = screen_text(app)
        assert "GPU 0" in shown and "12.3 Wh" in shown
        assert app.query_one(DevicePanel).size.height == 4
        await wait_for(pilot, lambda: "● training story 40%" in screen_text(app).splitlines()[-3], "the status line")
