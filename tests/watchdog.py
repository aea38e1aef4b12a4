"""Notices every stall of an event loop: how often, how long, and where it was."""

import asyncio
import sys
import threading
import time
from dataclasses import dataclass

BEAT = 0.01  # seconds between two signs of life of the loop
LONG = 0.05  # seconds that are a stall


@dataclass(frozen=True)
class Stall:
    """A time in which the loop did nothing else. By `cpu` it was our work; by `wall` alone the machine's, or a wait."""

    wall: float
    cpu: float
    where: str  # the innermost line of newleaf or of a test that was running, and the innermost of all

    @property
    def is_ours(self):
        return self.cpu >= LONG


class Watchdog:
    """`async with Watchdog() as watchdog`: then `watchdog.stalls` has them all."""

    def __init__(self):
        self.stalls = []
        self.beats = 0
        self._at = 0.0
        self._where = ""
        self._ended = threading.Event()

    async def __aenter__(self):
        self._thread_of_loop = threading.get_ident()
        self._at, self._cpu = time.perf_counter(), time.thread_time()
        self._looker = threading.Thread(target=self._look, daemon=True)
        self._looker.start()
        self._task = asyncio.create_task(self._live())
        return self

    async def __aexit__(self, *error):
        self._task.cancel()
        self._beat()
        self._ended.set()
        self._looker.join()

    async def _live(self):
        while True:
            await asyncio.sleep(BEAT)
            self._beat()

    def _beat(self):
        now, cpu = time.perf_counter(), time.thread_time()
        wall, spent = now - self._at - BEAT, cpu - self._cpu
        if max(wall, spent) >= LONG:
            self.stalls.append(Stall(wall, spent, self._where))
        self.beats += 1
        self._at, self._cpu, self._where = now, cpu, ""

    def _look(self):
        """From a thread beside the loop: where is it, when it has not been heard of for a while?"""
        while not self._ended.wait(BEAT):
            if not self._where and time.perf_counter() - self._at > LONG:
                self._where = _place(sys._current_frames().get(self._thread_of_loop))

    def report(self):
        """Lines for a person."""
        ours = [stall for stall in self.stalls if stall.is_ours]
        yield f"{len(self.stalls)} stalls over {LONG * 1000:.0f} ms, {len(ours)} of them by our own work"
        for stall in sorted(self.stalls, key=lambda stall: -stall.cpu)[:5]:
            yield f"  {1000 * stall.wall:.0f} ms, {1000 * stall.cpu:.0f} ms of CPU, {stall.where or 'not seen'}"


def _place(frame):
    innermost, ours = _line(frame) if frame else "", ""
    while frame and not ours:
        if "newleaf" in frame.f_globals.get("__name__", ""):
            ours = _line(frame)
        frame = frame.f_back
    return f"{ours} ({innermost})" if ours and ours != innermost else innermost


def _line(frame):
    return f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{frame.f_lineno} {frame.f_code.co_name}"
