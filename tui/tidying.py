"""When Python looks for objects that only hold each other: in a pause, as all stands still meanwhile."""

from __future__ import annotations

import gc
import time

YOUNG = (10_000, 10)  # objects, and looks at them, between two looks at the young ones; Python's own are 700 and 10
NEVER = 1_000_000  # looks at young ones between two at all: those are begun here
PAUSE = 5.0  # seconds without a key that are a pause
WORTH = 3  # looks at young ones after which there may be something to find


class Tidying:
    """`begin` it when the screens are made; tell it of each `key`, and now and then of a `pause` in all work."""

    def __init__(self) -> None:
        self._last_key = time.monotonic()
        self._looks = 0

    def begin(self) -> None:
        """What is there now stays: nobody need look at it again."""
        gc.freeze()
        gc.set_threshold(*YOUNG, NEVER)

    def key(self) -> None:
        """A person is there."""
        self._last_key = time.monotonic()

    def pause(self) -> None:
        """Look at all, if nobody has been there for a while and there may be something to find."""
        looks = gc.get_stats()[1]["collections"]
        if time.monotonic() - self._last_key >= PAUSE and looks - self._looks >= WORTH:
            gc.collect()
            self._looks = gc.get_stats()[1]["collections"]
