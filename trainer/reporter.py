"""How the process of a job tells the world where it is: `status.json` each second, `events.jsonl` as things happen."""

from __future__ import annotations

import contextlib
import json
import math
import os
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from ..core.errors import FAULT, explain
from ..core.files import append_lines, write_json
from ..core.language import gettext as _
from ..core.language import sentences
from ..core.progress import Cancelled
from .jobs import STOP, Job
from .pauses import Pauses

BEAT = 0.25  # seconds between two looks for news and for a wish to stop
HEARTBEAT = 1.0  # seconds between two signs of life
GRACE = 3.0  # seconds after a wish to stop, until work ends that would lose nothing


class Reporter:
    """Writes a job's status and events; a thread of its own does the writing, so the work is never held up.

    Use it as a context: it says "running" at the start and how it ended at the end. It is a `Progress`, which raises
    Cancelled once somebody wants the job to stop.
    """

    def __init__(self, job: Job, last_word: bool = True):
        self.job = job
        self.last_word = last_word  # whether it says how the job ended; else another process does
        pid = os.getpid() if last_word else os.getppid()  # the job's own process
        self.status: dict[str, Any] = {**job._read_status(), "state": "running", "pid": pid}
        self.status["started"] = self.status["updated"] = round(time.time(), 3)
        self._pauses = Pauses()
        self._work_began = self.clock
        self.result: dict[str, Any] = {}  # what was made, for the end of the status
        self._events: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._handed_over = self._may_be_cut = False
        self._begin: tuple[float, float] | None = None
        self._thread = threading.Thread(target=self._beat, daemon=True)

    @property
    def clock(self) -> float:
        """A clock's reading in seconds, which stands still while the process is stopped, or its machine sleeps."""
        return self._pauses.look()

    @property
    def paused(self) -> float:
        """Seconds in which it was so, as far as the clock has been looked at."""
        return self._pauses.seconds

    @property
    def gone(self) -> float:
        """Seconds since it was made, or since `begin`, pauses left out."""
        return self.clock - self._work_began

    def begin(self) -> None:
        """The work begins now: what was before, a wait, is none of its time."""
        self._work_began = self.clock
        self.update(state="running", message="", started=round(time.time(), 3))

    @property
    def stop_requested(self) -> bool:
        """Whether the job shall end soon."""
        return self._stop.is_set()

    def request_stop(self) -> None:
        """Let the job end soon; may be called by a signal handler."""
        self._stop.set()
        if self._handed_over:
            (self.job.path / STOP).touch()

    def event(self, kind: str, **values: Any) -> None:
        """Add a line to `events.jsonl`."""
        with self._lock:
            self._events.append({"t": round(time.time(), 3), "kind": kind, **values})

    def message(self, text: str) -> None:
        """Say a sentence to whoever watches."""
        self.event("message", text=text)

    def update(self, **values: Any) -> None:
        """Change the status: `progress`, `eta_s`, `message` or more."""
        with self._lock:
            self.status.update(values)

    def __call__(self, done: float, total: float, message: str = "", **metrics: float) -> None:
        """Progress, with the time left reckoned from the rate so far. Raises Cancelled after a wish to stop."""
        self.check()
        now, share = self.gone, min(1.0, done / total) if total else 0.0
        if self._begin is None or share < self._begin[1]:
            self._begin = now, share
        gone, since = share - self._begin[1], now - self._begin[0]
        eta = round(since / gone * (1 - share), 1) if gone > 0.01 and since > 0.5 else None
        self.update(progress=round(share, 4), eta_s=eta, message=message, **metrics)

    def words(self, done: float, total: float, message: str = "", **metrics: float) -> None:
        """Progress of a part whose share of the whole is not known: its words alone. Raises Cancelled."""
        self.say(message)

    def say(self, message: str) -> None:
        """What is done now. Raises Cancelled after a wish to stop."""
        self.check()
        self.update(message=message)

    def measures_machine(self) -> None:
        """A training has what it learns from; of what is done already nothing was taken back by that."""
        if not self.job.has_work:
            self.update(progress=0.0)
        self.update(eta_s=None, message=_("measuring this machine"))

    def check(self) -> None:
        """Raises Cancelled after a wish to stop."""
        if self._stop.is_set():
            raise Cancelled

    def flush(self) -> None:
        """Write the events so far, and the status."""
        with self._writing:
            with self._lock:
                events, self._events = self._events, []
                status = {**self.status, "updated": round(time.time(), 3)}
            try:
                if events:
                    append_lines(self.job.path / "events.jsonl", events)
            except OSError:  # a full disk: they are written when there is room
                with self._lock:
                    self._events = events + self._events
                raise
            finally:  # where there is no room for what happened there is for where it is
                self._write(status)

    @contextlib.contextmanager
    def handed_over(self) -> Iterator[None]:
        """In this context another process writes the status, and this one is still. A wish to stop is passed on."""
        self.flush()
        with self._writing:
            self._handed_over = True
        if self._stop.is_set():
            self.request_stop()
        try:
            yield
        finally:
            self._handed_over = False
            self.status = {**self.job._read_status(), "state": "running", "pid": os.getpid()}

    def tell_for_others(self, message: str) -> None:
        """What is done now, in the status of the process that it was handed over to and that is no more."""
        status = {**self.job._read_status(), "message": message, "updated": round(time.time(), 3)}
        status.pop("eta_s", None)
        self._write(status)

    @contextlib.contextmanager
    def may_be_cut(self) -> Iterator[None]:
        """In this context a wish to stop ends the process, if what it is at takes long and asks nobody: a compiler.

        Nothing may be lost by it.
        """
        self._may_be_cut = True
        try:
            yield
        finally:
            self._may_be_cut = False
        self.check()

    def _cut(self) -> None:
        self.status.pop("eta_s", None)
        self.update(state="stopped")
        with contextlib.suppress(OSError):
            self.flush()
        os._exit(0)

    def _write(self, status: dict[str, Any], durable: bool = False) -> None:
        path = self.job.path / "status.json"
        try:
            write_json(path, status, durable)
        except OSError:  # a full disk: the room that the file has is enough
            text = json.dumps(status, ensure_ascii=False)
            with path.open("r+", encoding="utf-8") as file:
                file.write(text)
                file.truncate()

    def _beat(self) -> None:
        last, asked = 0.0, math.inf
        while not self._ended.wait(BEAT):
            self._pauses.look()
            if (self.job.path / STOP).exists():
                self._stop.set()
            now = time.monotonic()
            asked = min(asked, now) if self._stop.is_set() else math.inf
            if self._may_be_cut and now - asked > GRACE:
                self._cut()
            with self._lock:
                news = bool(self._events)
            if now - last >= HEARTBEAT or (news and now - last >= BEAT):
                last = now
                if self._handed_over:
                    continue
                with contextlib.suppress(OSError):  # a full disk stops the work itself, with its own words
                    self.flush()

    def __enter__(self) -> Reporter:
        self.status.pop("error", None)  # of the time before a resume
        self.flush()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        if not self.last_word:
            with contextlib.suppress(OSError):
                self.flush()
            return
        if error is None:
            self.update(state="finished", progress=1.0, **self.result)
        elif isinstance(error, Cancelled):
            self.update(state="stopped", **self.result)
        else:
            sentence = explain(error)
            self.update(state="failed", error=sentence or fault(error, self.job.name), fault=sentence is None)
        self.status.pop("eta_s", None)
        with contextlib.suppress(OSError):
            self.flush()
        self._write({**self.status, "updated": round(time.time(), 3)}, durable=True)


class SilentReporter(Reporter):
    """For a process that is one of several: another one tells."""

    @property
    def clock(self) -> float:
        """It does not look for pauses; the clock that counts is that of the one who tells."""
        return time.perf_counter()

    def event(self, kind: str, **values: Any) -> None:
        """Nobody hears it."""

    def update(self, **values: Any) -> None:
        """Nobody sees it."""

    def flush(self) -> None:
        """There is nothing to write."""

    def __enter__(self) -> Reporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def fault(error: BaseException, job: str) -> str:
    """The sentence for what no person can mend; the job's log has the rest."""
    where = _("Its log says where: newleaf job log {name}").format(name=job)
    return sentences(_(FAULT).format(error=f"{type(error).__name__}: {error}"), where)
