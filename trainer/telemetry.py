"""What the machine does meanwhile: load, memory, temperature, power, energy; what cannot be read is left out."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.language import gettext as _
from ..core.options import format_size

EVERY = 10.0  # seconds
RAPL = Path("/sys/class/powercap/intel-rapl:0/energy_uj")  # micro-joules of the first processor, where one may read it


class Telemetry:
    """Tells of the machine now and then, from a thread of its own: use it as a context."""

    def __init__(self, tell: Callable[[dict[str, Any]], None], device: str, every: float = EVERY, alone: bool = True):
        """If it is not `alone`, its parent's other processes train with it on this machine."""
        self.tell, self.every, self.alone = tell, every, alone
        self.energy = 0.0  # joules since the beginning
        self._gpus = _gpus() if device == "cuda" else []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        import psutil  # late: the app, which shows what this tells, starts sooner

        psutil.cpu_percent()  # the first call of it knows nothing
        last, joules = time.monotonic(), _cpu_joules()
        while not self._ended.wait(self.every):
            now, now_joules = time.monotonic(), _cpu_joules()
            values = self._values()
            if (
                joules is not None and now_joules is not None and now_joules >= joules
            ):  # the counter begins anew at times
                values["cpu_watts"] = round((now_joules - joules) / (now - last), 1)
            watts = values.get("cpu_watts", 0.0) + sum(gpu.get("watts", 0.0) for gpu in values.get("gpus", []))
            if watts:
                self.energy += watts * (now - last)
                values["energy_wh"] = round(self.energy / 3600, 3)
            last, joules = now, now_joules
            self.tell(values)

    def _values(self) -> dict[str, Any]:
        import psutil

        memory = self._memory()
        values: dict[str, Any] = {
            "cpu_percent": psutil.cpu_percent(),
            "memory_bytes": memory,
            "memory_percent": round(100 * memory / psutil.virtual_memory().total, 1),
        }
        with contextlib.suppress(AttributeError, OSError):  # not on every system
            heat = [entry.current for entries in psutil.sensors_temperatures().values() for entry in entries]
            if heat:
                values["cpu_celsius"] = max(heat)
        if self._gpus:
            values["gpus"] = [_gpu_values(gpu) for gpu in self._gpus]
        return values

    def _memory(self) -> int:
        """Bytes that the training has in use, in all of its processes."""
        import psutil

        this = psutil.Process()
        parent = None if self.alone else this.parent()
        total = 0
        for process in [parent, *parent.children(recursive=True)] if parent else [this]:
            with contextlib.suppress(psutil.Error):  # one has just ended
                total += process.memory_info().rss
        return total

    def __enter__(self) -> Telemetry:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()


def _cpu_joules() -> float | None:
    try:
        return int(RAPL.read_text()) / 1e6
    except (OSError, ValueError):
        return None


def _gpus() -> list[Any]:
    """NVML's handles, where its bindings are installed."""
    try:
        import pynvml
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
        return [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return []


def _gpu_values(handle: Any) -> dict[str, float]:
    import pynvml

    readings: dict[str, Callable[[], float]] = {
        "percent": lambda: pynvml.nvmlDeviceGetUtilizationRates(handle).gpu,
        "memory_bytes": lambda: pynvml.nvmlDeviceGetMemoryInfo(handle).used,
        "memory_total": lambda: pynvml.nvmlDeviceGetMemoryInfo(handle).total,
        "celsius": lambda: pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU),
        "watts": lambda: pynvml.nvmlDeviceGetPowerUsage(handle) / 1000,
    }
    values = {}
    for name, read in readings.items():
        with contextlib.suppress(pynvml.NVMLError):  # not every card says everything
            values[name] = read()
    return values


@dataclass(frozen=True)
class Device:
    """What a reading says of the processor or of a graphics card; None for what it does not say."""

    name: str
    percent: float | None  # of what it can do
    memory_bytes: float | None  # that are in use: of the training on the processor, of all on a card
    memory_share: float | None  # of all that there is these are, from 0 to 1
    celsius: float | None
    watts: float | None


def devices(values: Mapping[str, Any]) -> list[Device]:
    """The processor, then each card."""
    share = values.get("memory_percent")
    found = [
        Device(
            "CPU",
            values.get("cpu_percent"),
            values.get("memory_bytes"),
            None if share is None else share / 100,
            values.get("cpu_celsius"),
            values.get("cpu_watts"),
        )
    ]
    for number, gpu in enumerate(values.get("gpus", [])):
        used, total = gpu.get("memory_bytes"), gpu.get("memory_total")
        share = used / total if used is not None and total else None
        found.append(Device(f"GPU {number}", gpu.get("percent"), used, share, gpu.get("celsius"), gpu.get("watts")))
    return found


def machine_text(values: dict[str, Any]) -> str:
    """A reading in words, short."""
    parts = [_("CPU {percent:.0f} %").format(percent=values["cpu_percent"])]
    parts.append(_("memory {size}").format(size=format_size(values["memory_bytes"])))
    if "cpu_celsius" in values:
        parts.append(f"{values['cpu_celsius']:.0f} °C")
    if "cpu_watts" in values:
        parts.append(f"{values['cpu_watts']:.0f} W")
    for index, gpu in enumerate(values.get("gpus", [])):
        words = [f"GPU {index}"]
        if "percent" in gpu:
            words.append(f"{gpu['percent']:.0f} %")
        if "memory_bytes" in gpu:
            words.append(format_size(gpu["memory_bytes"]))
        if "celsius" in gpu:
            words.append(f"{gpu['celsius']:.0f} °C")
        if "watts" in gpu:
            words.append(f"{gpu['watts']:.0f} W")
        parts.append(" ".join(words))
    if "energy_wh" in values:
        parts.append(_("{energy:.3g} Wh so far").format(energy=values["energy_wh"]))
    return "  ".join(parts)
