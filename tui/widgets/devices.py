"""A line for each device that a training uses: load, memory, temperature, power."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from textual.widgets import Static

from ...core.language import gettext as _
from ...core.options import format_size
from ...trainer.telemetry import Device, devices
from .bar import bar

LEAST_BAR, MOST_BAR = 4, 20  # cells
GAP = 2  # cells between two columns


class DevicePanel(Static):
    """The last reading of the machine. What it does not say has no column, and what has no room is left out."""

    DEFAULT_CSS = "DevicePanel { height: auto; max-height: 10; display: none; }"

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._values: Mapping[str, Any] | None = None

    def show(self, values: Mapping[str, Any] | None) -> None:
        """Show this reading; nothing without one."""
        if values != self._values:
            self._values = values
            self.display = values is not None
            self._write()

    def on_resize(self) -> None:
        """Fit the new width."""
        self._write()

    def _write(self) -> None:
        if self._values is None:
            return
        lines = device_lines(devices(self._values), self.size.width or 50)
        if "energy_wh" in self._values:
            lines.append(_("{energy:.3g} Wh so far").format(energy=self._values["energy_wh"]))
        text = "\n".join(lines)
        if text != self.content:
            self.update(text)


def device_lines(found: Sequence[Device], width: int) -> list[str]:
    """The devices in columns, in `width` cells: of load and memory also bars, as long as there is room for them."""
    columns = [
        [device.name for device in found],
        [_percent(device.percent) for device in found],
        [_memory(device.memory_bytes) for device in found],
        [_percent(None if device.memory_share is None else 100 * device.memory_share) for device in found],
        ["" if device.celsius is None else f"{device.celsius:.0f} °C" for device in found],
        ["" if device.watts is None else f"{device.watts:.0f} W" for device in found],
    ]
    bars = {1: [_share(device.percent) for device in found], 3: [device.memory_share for device in found]}
    widths = [max(map(cell_len, column)) for column in columns]
    kept: list[int] = []
    for number in (0, 1, 2, 4, 5, 3):  # what has no room is left out, the least important first
        if widths[number] and sum(widths[each] + GAP for each in [*kept, number]) - GAP <= width:
            kept.append(number)
    room = width - sum(widths[each] + GAP for each in kept) + GAP
    drawn = [number for number in bars if number in kept]
    while drawn and room // len(drawn) < LEAST_BAR + 1:
        drawn.pop()
    long = min(MOST_BAR, room // len(drawn) - 1) if drawn else 0
    lines = []
    for row in range(len(found)):
        cells = []
        for number in sorted(kept):
            text = set_cell_size(columns[number][row], widths[number])
            cells.append(f"{bar(bars[number][row], long)} {text}" if number in drawn else text)
        lines.append((" " * GAP).join(cells).rstrip())
    return lines


def load_text(values: Mapping[str, Any]) -> str:
    """The load of the devices that compute, in as few words as can be: of the cards where there are any."""
    found = devices(values)
    cards = [device.percent for device in found[1:] if device.percent is not None]
    if len(cards) > 1:
        return _("{number} GPUs {percent:.0f}%").format(number=len(cards), percent=sum(cards) / len(cards))
    if cards:
        return f"GPU {cards[0]:.0f}%"
    return "" if found[0].percent is None else f"CPU {found[0].percent:.0f}%"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:3.0f}%"


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _memory(value: float | None) -> str:
    return "" if value is None else _("memory {size}").format(size=format_size(value))
