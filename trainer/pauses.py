"""The seconds in which a process was stopped, by a signal or because its machine slept, though its clock went on."""

from __future__ import annotations

import threading
import time

SHORTEST = 2.0  # seconds; it is looked more often, unless the process cannot
BUSY = 0.5  # of a processor's time: a process that had so much of it only did not come to look


class Pauses:
    """Look at it again and again, from any thread, which costs little: what lies between two looks may be a pause."""

    def __init__(self) -> None:
        self.seconds = 0.0  # of all that were found
        self._lock = threading.Lock()
        self._looked, self._worked = time.perf_counter(), time.process_time()

    def look(self) -> float:
        """The clock's reading in seconds, less all pauses before.

        One reading serves both: a process is often stopped in the very call that tells how much it has worked.
        """
        with self._lock:
            now, worked = time.perf_counter(), time.process_time()
            gone = now - self._looked
            if gone > SHORTEST and worked - self._worked < BUSY * gone:
                self.seconds += gone
            self._looked, self._worked = now, worked
            return now - self.seconds
