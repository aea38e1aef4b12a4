"""What an import keeps on disk between its two passes, and the second pass: from scratch files to a corpus's shards."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..progress import Cancelled
from . import store
from .arrays import mask_array, number_array, text_array
from .mapped import Table, parts
from .near_duplicates import NearDuplicates
from .preparer import DOCUMENT, Prepared, scratch_name
from .preparing import PATIENCE

if TYPE_CHECKING:
    from .choosing import Choice

PART = 1 << 20  # documents whose numbers are worked on at once


class Scratch:
    """The folder of an import that is under way."""

    def __init__(self, folder: Path, similarity: float):
        folder.mkdir(mode=0o700)
        self.folder = folder
        self.near = NearDuplicates(folder / "signatures", similarity)
        self._begin()

    def begin_again(self) -> None:
        """Forget the documents so far."""
        self.documents.close()
        self._begin()

    def _begin(self) -> None:
        self.documents_in: list[int] = []  # each batch
        self.documents = Table(self.folder / "documents", DOCUMENT)  # what is known of each, in order

    def remove(self) -> None:
        """Give the room back."""
        self.documents.close()
        shutil.rmtree(self.folder)

    def add(self, prepared: Prepared) -> None:
        """Take what is known of a batch's documents; their text is in the batch's file already."""
        self.documents.add(prepared.documents)
        self.near.add_columns(prepared.signatures, len(prepared.documents), prepared.compared)
        self.documents_in.append(len(prepared.documents))

    def texts(self, numbers: Sequence[int]) -> list[str]:
        """The texts of a few documents."""
        import numpy as np

        ends = np.cumsum(self.documents_in)
        found = []
        for number in numbers:
            batch = int(np.searchsorted(ends, number, side="right"))
            table = _read(self.folder, batch)
            found.append(table.column("text")[int(number - ends[batch] + self.documents_in[batch])].as_py())
        return found

    def write_shards(
        self,
        target: Path,
        choice: Choice,
        names: Sequence[str],
        progress: Callable[[int], None],
    ) -> list[str]:
        """Write the documents that are kept, several shards at a time; the names of the shards.

        `progress` is told now and then how many documents are done; what it raises ends the work.
        """
        import pyarrow

        edges = self._edges(choice)
        names_array, split_names = (
            text_array([name.encode("utf-8", "replace") for name in every]).cast(pyarrow.string())
            for every in (names, ("train", "val"))
        )
        done = [0] * (len(edges) - 1)
        stop = threading.Event()

        def write(number: int) -> None:
            def tables() -> Iterator[Any]:
                for batch, begin, end in self._batches(edges[number], edges[number + 1]):
                    if stop.is_set():
                        raise Cancelled
                    table = _read(self.folder, batch.number).slice(begin - batch.begin, end - begin)
                    kept = choice.kept[begin:end]
                    splits = number_array(choice.splits[begin:end][kept] - 1)
                    table = table.filter(mask_array(kept))
                    columns = [table.column("text"), names_array.take(table.column("source")), split_names.take(splits)]
                    yield pyarrow.table(columns, schema=store.schema())
                    done[number] += end - begin

            store.write_shard(target / shards[number], tables())

        shards = [f"documents-{number:05d}.parquet" for number in range(len(done))]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            waiting = {pool.submit(write, number) for number in range(len(shards))}
            try:
                while waiting:
                    finished, waiting = wait(waiting, PATIENCE, FIRST_COMPLETED)
                    for future in finished:
                        future.result()
                    progress(sum(done))
            except BaseException:
                stop.set()
                raise
        return shards

    def _edges(self, choice: Choice) -> list[int]:
        """Where each shard begins, and the end of the last."""
        import numpy as np

        edges, before = [0], 0
        all_sizes = self.documents["bytes"]
        for part in parts(len(all_sizes), PART):
            sizes = np.where(choice.kept[part], all_sizes[part], 0).astype(np.int64)
            ends = before + np.cumsum(sizes)
            shard = np.concatenate([[(len(edges) - 1)], (ends - sizes) // store.SHARD])
            edges += (np.flatnonzero(np.diff(shard)) + part.start).tolist()
            before = int(ends[-1])
        return [*edges, len(all_sizes)]

    def _batches(self, begin: int, end: int) -> Iterator[tuple[_Batch, int, int]]:
        """The batches with documents of this range, and the part of it in each."""
        start = 0
        for number, documents in enumerate(self.documents_in):
            if start < end and begin < start + documents:
                yield _Batch(number, start), max(begin, start), min(end, start + documents)
            start += documents


@dataclass(frozen=True)
class _Batch:
    number: int
    begin: int  # its first document


def _read(folder: Path, batch: int) -> Any:
    """The table of a batch: text, source."""
    import pyarrow

    with pyarrow.OSFile(str(folder / scratch_name(batch))) as file:
        return pyarrow.ipc.open_file(file).read_all()
