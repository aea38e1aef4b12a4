"""How long work tells the one who waits for it where it is, and learns that nobody waits any more."""

from __future__ import annotations

import time
from typing import Protocol


class Cancelled(Exception):  # noqa: N818  it is no error
    """Raised by a progress function to stop the work that called it. The work undoes what it has half done."""


class Progress(Protocol):
    """Called now and then by long work, with what is done of what there is, in any unit."""

    def __call__(self, done: float, total: float, message: str = "", **metrics: float) -> None: ...


def no_progress(done: float, total: float, message: str = "", **metrics: float) -> None:
    """For those who do not want to know."""


def onwards(progress: Progress) -> Progress:
    """Progress that never goes back, for work of which a part may have to be done again."""
    highest = 0.0

    def report(done: float, total: float, message: str = "", **metrics: float) -> None:
        nonlocal highest
        highest = max(highest, min(1.0, done / total) if total else 0.0)
        progress(highest, 1.0, message, **metrics)

    return report


def part(progress: Progress, begin: float, end: float) -> Progress:
    """Progress of one part of the work, which is that from `begin` to `end` of the whole (0 to 1)."""

    def report(done: float, total: float, message: str = "", **metrics: float) -> None:
        share = min(1.0, done / total) if total else 0.0
        progress(begin + (end - begin) * share, 1.0, message, **metrics)

    return report


class Rate:
    """How much of something was done each second, since this object was made."""

    def __init__(self) -> None:
        self._begin = time.monotonic()

    def __call__(self, done: float) -> float:
        """So much is done now; the rate until now."""
        return round(done / max(1e-3, time.monotonic() - self._begin), 1)
