"""The events of a job as they come. A long past is read in pieces, in a thread: the app stays awake meanwhile."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator

from ..core.store import DAMAGED
from ..trainer.history import History
from ..trainer.jobs import Job

PIECE = 1 << 18  # bytes
SHOWN = 0.3  # seconds: what has a long past is shown so often while it is read


class Following:
    """What happened in a job so far."""

    def __init__(self, name: str):
        self.name = name
        self.history = History()
        self._offset = 0
        self._reads = False

    async def catch_up(self) -> AsyncIterator[None]:
        """Read what is new; comes back now and then, to be shown. Nothing while another one does the same."""
        if self._reads:
            return
        self._reads, shown, new = True, -math.inf, False
        try:
            while True:
                events, offset = await asyncio.to_thread(self._read)
                if offset == self._offset:
                    if new:
                        yield
                    return
                self._offset, new = offset, True
                self.history.feed(events)
                if time.monotonic() - shown > SHOWN:
                    yield
                    shown, new = time.monotonic(), False
        except DAMAGED:  # removed since the last look
            return
        finally:
            self._reads = False

    def _read(self) -> tuple[list[dict[str, object]], int]:
        return Job.open(self.name).events(self._offset, PIECE)
