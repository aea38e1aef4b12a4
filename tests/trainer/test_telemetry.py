"""What the machine does while a training runs."""

import subprocess
import sys
import time
import types

import psutil
import pytest

from newleaf.trainer.telemetry import Telemetry, machine_text


def readings(device="cpu", number=2):
    found = []
    with Telemetry(found.append, device, every=0.05):
        while len(found) < number:
            time.sleep(0.01)
    return found


def test_load_and_memory_are_told():
    for values in readings():
        assert 0 <= values["cpu_percent"] <= 100 and values["memory_bytes"] > 1 << 20
        assert "CPU" in machine_text(values)
        share = values["memory_bytes"] / psutil.virtual_memory().total
        assert values["memory_percent"] == pytest.approx(100 * share, abs=0.06), "of the same memory"


def test_several_processes_that_train_together_are_counted_together():
    script = (
        "import json; from newleaf.trainer.telemetry import Telemetry\n"
        "for alone in (True, False): print(Telemetry(print, 'cpu', alone=alone)._memory(), flush=True)"
    )
    ballast = bytearray(1 << 26)
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    alone, together = map(int, output.split())
    assert together > alone + len(ballast)


def test_a_gpu_is_told_of_as_far_as_it_says_something(monkeypatch):
    """A stand-in for NVML, which has one card that does not say its power."""

    class NVMLError(Exception):
        pass

    def refuse(_handle):
        raise NVMLError

    card = types.SimpleNamespace(
        NVMLError=NVMLError,
        NVML_TEMPERATURE_GPU=0,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 1,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetUtilizationRates=lambda handle: types.SimpleNamespace(gpu=87),
        nvmlDeviceGetMemoryInfo=lambda handle: types.SimpleNamespace(used=10**9, total=8 * 10**9),
        nvmlDeviceGetTemperature=lambda handle, kind: 61,
        nvmlDeviceGetPowerUsage=refuse,
    )
    monkeypatch.setitem(sys.modules, "pynvml", card)
    (gpu,) = readings("cuda", 1)[0]["gpus"]
    assert gpu == {"percent": 87, "memory_bytes": 10**9, "memory_total": 8 * 10**9, "celsius": 61}
    assert "GPU 0 87 % 1.0 GB 61 °C" in machine_text({"cpu_percent": 5, "memory_bytes": 1, "gpus": [gpu]})
