"""The expensive half of an import, in as many processes as there are processors.

Payloads (files, pages, records) come in batches, in order. A process takes the text out of them, cuts it into
documents, cleans these, and writes them into a scratch file; what comes back is a row of numbers for each document.
The result depends on the payloads and their order alone, never on which process was faster.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from pathlib import Path
from typing import Any

from ..language import gettext as _
from ..language import set_language
from .batches import Batch
from .preparer import Prepared, Preparer, nothing
from .readers.json_lines import Lines
from .seen import SeenTexts

MOST_PROCESSES = 32
PATIENCE = 0.25  # seconds between two looks whether somebody still waits

_preparer: Preparer | None = None  # of a process of the pool


def _begin(preparer: Preparer, seen: Path | None) -> None:
    global _preparer
    import signal

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is there: its threads take time to begin
    if seen:
        preparer.seen = SeenTexts(seen)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who began this decides when it ends
    _preparer = preparer
    set_language(preparer.language)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()  # a killed import leaves nobody behind


def _ready() -> None:
    """Done once a process of the pool is there."""


def _prepare(batch: Batch, names: list[str]) -> Prepared:
    assert _preparer is not None
    return _preparer(batch, names)


def prepare_all(
    batches: Iterable[Batch], preparer: Preparer, still_wanted: Callable[[], None], processes: int | None = None
) -> Iterator[Prepared]:
    """What becomes of each batch, in their order.

    A few lines of text are prepared at once, in this process. `still_wanted` is called while there is nothing to do
    but wait; what it raises ends the work.
    """
    batches = iter(batches)
    first = list(_take(batches, 2))
    if len(first) == 1 and first[0].convert is None:
        yield preparer(first[0])
        return
    if first:
        pool = _Pool(preparer, still_wanted, processes or min(MOST_PROCESSES, _processors()))
        try:
            yield from pool.map(chain(first, batches))
        finally:
            pool.close()


def _take(batches: Iterator[Batch], number: int) -> Iterator[Batch]:
    for _number, batch in zip(range(number), batches, strict=False):
        yield batch


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Pool:
    """Processes that prepare batches; one that a file makes crash costs that file and nothing else."""

    def __init__(self, preparer: Preparer, still_wanted: Callable[[], None], processes: int):
        self.preparer = preparer
        self.still_wanted = still_wanted
        self.processes = processes
        self.executor = self._begin_anew()

    def _begin_anew(self) -> ProcessPoolExecutor | None:
        seen = self.preparer.folder / "seen"
        seen.unlink(missing_ok=True)
        SeenTexts.make(seen)
        return self._new(self.processes, seen)

    def _new(self, processes: int, seen: Path | None = None) -> ProcessPoolExecutor | None:
        executor = ProcessPoolExecutor(
            processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(self.preparer, seen)
        )
        try:
            self._wait(executor.submit(_ready))
        except BrokenProcessPool:  # no process can be had, as in a script that does not guard its main part
            return None
        except BaseException:
            _end(executor)
            raise
        return executor

    def close(self) -> None:
        if self.executor:
            _end(self.executor)

    def map(self, batches: Iterator[Batch]) -> Iterator[Prepared]:
        waiting: deque[tuple[Batch, Future[Prepared] | None]] = deque()
        for batch in batches:
            waiting.append((batch, self._submit(batch)))
            if len(waiting) > 2 * self.processes:
                yield self._next(waiting)
        while waiting:
            yield self._next(waiting)

    def _submit(self, batch: Batch) -> Future[Prepared] | None:
        if self.executor is None:
            return None
        try:
            return self.executor.submit(_prepare, batch, [self.preparer.names[source] for source in batch.sources])
        except BrokenProcessPool:
            return None

    def _next(self, waiting: deque[tuple[Batch, Future[Prepared] | None]]) -> Prepared:
        batch, future = waiting.popleft()
        if self.executor is None:
            return self.preparer(batch)
        try:
            if future:
                return self._wait(future)
        except BrokenProcessPool:
            pass
        _end(self.executor)
        prepared = self._one_by_one(batch)
        self.executor = self._begin_anew()
        waiting.extend([(other, self._submit(other)) for other, _future in _drained(waiting)])
        return prepared

    def _one_by_one(self, batch: Batch) -> Prepared:
        """Each payload in a process of its own, as one of them may have ended a process."""
        whole = Batch(batch.number, batch.convert, batch.records, batch.split)
        crashed = []
        for payload, source in _singly(batch):
            one = Batch(batch.number, batch.convert, batch.records, batch.split, [payload], [source])
            executor = self._new(1)
            if executor is None:
                continue
            try:
                self._wait(executor.submit(_prepare, one, [self.preparer.names[source]]))
                whole.payloads.append(payload)
                whole.sources.append(source)
            except BrokenProcessPool:
                crashed.append((source, "", _("it makes the program that reads it crash")))
            finally:
                _end(executor)
        if whole.payloads:
            executor = self._new(1)
            assert executor is not None
            try:
                names = [self.preparer.names[source] for source in whole.sources]
                prepared = self._wait(executor.submit(_prepare, whole, names))
            finally:
                _end(executor)
        else:
            prepared = nothing(batch, self.preparer.folder)
        prepared.left_out += crashed
        return prepared

    def _wait(self, future: Future[Any]) -> Any:
        while True:
            try:
                return future.result(PATIENCE)
            except NotYet:
                if future.done():
                    return future.result()
                self.still_wanted()


def _singly(batch: Batch) -> Iterator[tuple[Any, int]]:
    """Each payload with its source, and each of several lines by itself."""
    for payload, source in zip(batch.payloads, batch.sources, strict=True):
        for one in payload.single() if isinstance(payload, Lines) else [payload]:
            yield one, source


def _drained(waiting: deque[Any]) -> list[Any]:
    rest = list(waiting)
    waiting.clear()
    return rest


def _end(executor: ProcessPoolExecutor) -> None:
    processes = list((getattr(executor, "_processes", None) or {}).values())
    executor.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join()
