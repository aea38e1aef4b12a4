"""The expensive half of an import, in as many processes as there are processors.

Payloads (files, pages, records) come in batches, in order. A process takes the text out of them, cuts it into
documents, cleans these, and writes them into a scratch file; what comes back is a row of numbers for each document.
The result depends on the payloads and their order alone, never on which process was faster.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..language import current_language, set_language
from ..language import gettext as _
from .arrays import number_array, text_array
from .batches import Batch
from .cleaning.cleaner import Cleaner
from .cleaning.language import language_of
from .cleaning.look import look
from .cleaning.tally import Tally
from .documents import MOST, split_documents
from .near_duplicates import sketch
from .readers.base import NotTextError

if TYPE_CHECKING:
    import numpy as np

    from .importing import ImportOptions

MOST_PROCESSES = 32
PATIENCE = 0.25  # seconds between two looks whether somebody still waits
# The language of one of so many documents is looked at, and of each of the first ones.
LANGUAGE_SAMPLE, LANGUAGES_AT_FIRST = 256, 200
# What is kept of a document besides its text: the first 16 bytes of its SHA-256, its lengths, where it is from, the
# split that it has already (0: none), and its language where it was looked at.
DOCUMENT = [
    ("high", "<u8"),
    ("low", "<u8"),
    ("characters", "<u8"),
    ("bytes", "<u8"),
    ("source", "<u4"),
    ("split", "u1"),
    ("language", "S3"),
]
SPLITS = {None: 0, "train": 1, "val": 2}


@dataclass
class Prepared:
    """What became of a batch."""

    number: int
    documents: np.ndarray[Any, Any]  # of DOCUMENT
    signatures: np.ndarray[Any, Any]
    tally: Tally
    left_out: list[tuple[int, str, str]] = field(default_factory=list)  # (source, where, why)


@dataclass
class Preparer:
    """Turns batches into documents in the files of a folder."""

    folder: Path
    options: ImportOptions
    names: list[str]  # of the sources; grows while they are read
    language: str = field(default_factory=current_language)

    def __call__(self, batch: Batch, names: list[str] | None = None) -> Prepared:
        """The documents of a batch; `names` are those of its payloads' sources."""
        import numpy as np

        names = names or [self.names[source] for source in batch.sources]
        cleaner = Cleaner(self.options)
        raws: list[str] = []
        texts: list[str] = []
        encoded: list[bytes] = []
        digests: list[bytes] = []
        sizes: list[int] = []
        froms: list[int] = []
        origins: list[tuple[int, str]] = []
        left_out = []
        sha256, as_they_are, mode = hashlib.sha256, batch.split is not None, self.options.documents
        for payload, source, name in zip(batch.payloads, batch.sources, names, strict=True):
            try:
                for raw in texts_of(batch, payload, mode):
                    raws.append(raw if as_they_are else raw.strip("\n"))
                    origins.append((source, name))
            except NotTextError as error:
                left_out.append((source, "", str(error)))
            except (MemoryError, OSError):
                raise
            except Exception as error:  # of a library, on a file that its authors never saw
                left_out.append((source, "", cannot_be_read(error)))
        for raw, (source, name), seen in zip(raws, origins, look(raws), strict=True):
            try:
                text = raw if as_they_are else cleaner.clean(raw, name, seen)
            except (MemoryError, OSError):
                raise
            except Exception as error:  # of a library, on a text that its authors never saw
                left_out.append((source, "", cannot_be_read(error)))
                continue
            if text and not text.isspace():
                text, data = _encoded(text)
                texts.append(text)
                encoded.append(data)
                digests.append(sha256(data).digest())
                sizes.append(len(data))
                froms.append(source)
        _write(self.folder / scratch_name(batch.number), encoded, froms)
        documents = np.zeros(len(texts), DOCUMENT)
        halves = np.frombuffer(b"".join(digests), ">u8").reshape(-1, 4)
        documents["high"], documents["low"] = halves[:, 0], halves[:, 1]
        documents["characters"], documents["bytes"], documents["source"] = list(map(len, texts)), sizes, froms
        documents["split"] = SPLITS[batch.split]
        looked_at = documents["low"] % LANGUAGE_SAMPLE == 0
        if not batch.number:
            looked_at[:LANGUAGES_AT_FIRST] = True
        for number in np.flatnonzero(looked_at):
            documents["language"][number] = language_of(texts[number]).encode()
        return Prepared(batch.number, documents, sketch(texts), cleaner.tally, left_out)


def texts_of(batch: Batch, payload: Any, mode: str) -> Iterator[str]:
    """The documents in a payload of a batch, cut as `mode` says; see documents.py. Raises what its reader raises."""
    for text in [payload] if batch.convert is None else batch.convert(payload):
        if batch.convert is None or batch.records or mode == "file" or (mode == "auto" and len(text) <= MOST):
            yield text
        else:
            yield from split_documents(text.splitlines(keepends=True), mode)


def scratch_name(number: int) -> str:
    """The file with the documents of a batch."""
    return f"batch-{number:07d}.arrow"


def cannot_be_read(error: Exception) -> str:
    """The reason for a file at which a library fails in a way that nobody foresaw."""
    return _("it cannot be read ({error})").format(error=f"{type(error).__name__}: {error}"[:120].rstrip(": "))


def _encoded(text: str) -> tuple[str, bytes]:
    try:
        return text, text.encode()
    except UnicodeEncodeError:  # half of a pair of surrogates, from a file that spells characters by numbers
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text, text.encode()


def _write(path: Path, texts: list[bytes], sources: list[int]) -> None:
    import numpy as np
    import pyarrow

    columns = {"text": text_array(texts), "source": number_array(np.array(sources, np.uint32))}
    table = pyarrow.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
    options = pyarrow.ipc.IpcWriteOptions(compression="lz4")
    with pyarrow.OSFile(str(path), "wb") as file, pyarrow.ipc.new_file(file, table.schema, options=options) as writer:
        writer.write_batch(table)


_preparer: Preparer | None = None  # of a process of the pool


def _begin(preparer: Preparer) -> None:
    global _preparer
    import signal

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
        self.executor: ProcessPoolExecutor | None = self._new(processes)

    def _new(self, processes: int) -> ProcessPoolExecutor | None:
        executor = ProcessPoolExecutor(
            processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(self.preparer,)
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
        self.executor = self._new(self.processes)
        waiting.extend([(other, self._submit(other)) for other, _future in _drained(waiting)])
        return prepared

    def _one_by_one(self, batch: Batch) -> Prepared:
        """Each payload in a process of its own, as one of them may have ended a process."""
        import numpy as np

        whole = Batch(batch.number, batch.convert, batch.records, batch.split)
        crashed = []
        for payload, source in zip(batch.payloads, batch.sources, strict=True):
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
            _write(self.preparer.folder / scratch_name(batch.number), [], [])
            prepared = Prepared(batch.number, np.zeros(0, DOCUMENT), sketch([]), Tally())
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
