"""Near duplicates among millions of documents: those whose sketches agree, found without comparing all with all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..language import gettext as _
from ..progress import Progress, no_progress
from .mapped import Rows, mapped
from .sketches import BANDS, ROWS, SIZE, sketch

if TYPE_CHECKING:
    import numpy

__all__ = ["NearDuplicates", "sketch"]

LEADERS = 64  # documents of one bucket, at most, with which all others of it are compared
COMPARED = 1 << 14  # pairs compared at once
READ = 1 << 17  # documents worked on at once

_MULTIPLIER = 0x9E3779B97F4A7C15
Result = TypeVar("Result")


class NearDuplicates:
    """Groups of documents of which one is much like another, by locality-sensitive hashing (LSH) of their sketches.

    Two documents are compared when their sketches agree in all ROWS numbers of one of the BANDS bands, and joined when
    they agree in the share `similarity` of all numbers, an estimate of the Jaccard similarity of their texts. Pairs of
    similarity 0.8 are compared with probability 1 - (1 - 0.8 ** ROWS) ** BANDS = 99 %. Groups are single links, as is
    usual: where A is like B and B is like C, all three are one group, even if A and C are less alike.

    Documents that agree in one band are a bucket. All pairs of it are compared up to LEADERS + 1 documents. In a larger
    one, all are compared with LEADERS of them, others in each band: enough where they are copies of few texts, and a
    bucket of a million copies costs no more than a million comparisons; what has been joined with one of the LEADERS is
    not compared with the others in that band. Which ones depends on the sketches alone, so the groups do not depend on
    the order of the documents.

    What is added lies in files in `folder`, 448 bytes a document, which belongs to this object alone and is for the
    caller to remove. Memory is taken while `representatives` runs, some 40 bytes a document.
    """

    def __init__(self, folder: Path, similarity: float = 0.7):
        self.folder = folder
        self.similarity = similarity
        self.documents = 0
        self.rows = 0  # documents that have a sketch
        folder.mkdir(parents=True, exist_ok=True)
        for path in [*self._files(), self._numbers]:
            path.write_bytes(b"")

    def add(self, sketches: numpy.ndarray[Any, Any]) -> None:
        """Take the next documents: sketches (documents, SIZE) as `sketch` makes them."""
        for begin in range(0, len(sketches), READ):
            part = sketches[begin : begin + READ]
            self.add_columns(columns_of(part), len(part))

    def add_columns(
        self, columns: Sequence[bytes], documents: int, which: numpy.ndarray[Any, Any] | None = None
    ) -> None:
        """Take the next documents: `columns` of the sketches of those that have one; the others are like no other."""
        import numpy as np

        numbers = np.arange(documents) if which is None else np.flatnonzero(which)
        numbers += self.documents
        for path, column in zip([*self._files(), self._numbers], [*columns, numbers.tobytes()], strict=True):
            with path.open("ab") as file:
                file.write(column)
        self.documents += documents
        self.rows += len(numbers)

    def representatives(
        self, progress: Progress = no_progress, left_out: numpy.ndarray[Any, Any] | None = None
    ) -> numpy.ndarray[Any, Any]:
        """For each document, as int64, the number of the first document of its group: its own where that is itself.

        Documents that are `left_out` (a bool for each), such as exact copies of others, are in no group.
        """
        import numpy as np

        numbers = mapped(self._numbers, np.int64, self.rows)
        rows = None if left_out is None or not left_out[numbers].any() else np.flatnonzero(~left_out[numbers])
        found = self._groups(progress, rows)
        if self.rows == self.documents:
            return found
        all_documents = np.arange(self.documents)
        all_documents[numbers] = numbers[found]
        return all_documents

    def _groups(self, progress: Progress, rows: numpy.ndarray[Any, Any] | None) -> numpy.ndarray[Any, Any]:
        """For each row the first row of its group; of some `rows` alone."""
        import numpy as np

        groups = _Groups(self.rows)
        if self.rows < 2:
            return groups.all()
        sketches_file, wholes_file, *band_files = self._files()
        sketches = Rows(sketches_file, np.uint16, SIZE)
        wholes = mapped(wholes_file, np.uint64, self.rows)
        for number, (documents, sizes) in enumerate(_ahead(lambda path: _buckets_in(path, rows), band_files)):
            progress(number, BANDS, _("looking for near duplicates"))
            documents, sizes = _kept(documents, sizes, _is_open(documents, sizes, groups))
            documents = _in_order(documents, sizes, wholes, number)
            self._join_alike(documents, sizes, sketches, groups)
        sketches.close()
        progress(BANDS, BANDS, _("looking for near duplicates"))
        return groups.all()

    def _join_alike(
        self,
        documents: numpy.ndarray[Any, Any],
        sizes: numpy.ndarray[Any, Any],
        sketches: Rows,
        groups: _Groups,
    ) -> None:
        """Join what is alike in each bucket: `documents` are those of all buckets, one after the other."""
        import numpy as np

        large = sizes > LEADERS + 1
        for leader in range(LEADERS):
            if not len(documents):
                return
            starts = np.cumsum(sizes) - sizes
            later = np.arange(len(documents)) - np.repeat(starts, sizes) > leader
            leaders, others = np.repeat(documents[starts + leader], sizes - leader - 1), documents[later]
            for begin in range(0, len(others), READ):
                ones, twos = leaders[begin : begin + READ], others[begin : begin + READ]
                apart = groups.of(ones) != groups.of(twos)
                self._join_pairs(ones[apart], twos[apart], sketches, groups)
            # What a large bucket's leader has been joined with is done with here: other bands have other leaders.
            roots = groups.of(documents)
            joined = later & np.repeat(large, sizes) & (roots == np.repeat(roots[starts + leader], sizes))
            if joined.any():
                sizes = sizes - np.add.reduceat(joined, starts, dtype=np.int64)
                documents = documents[~joined]
            open_ = (sizes > leader + 2) & _is_open(documents, sizes, groups)
            large = large[open_]
            documents, sizes = _kept(documents, sizes, open_)

    def _join_pairs(
        self,
        ones: numpy.ndarray[Any, Any],
        twos: numpy.ndarray[Any, Any],
        sketches: Rows,
        groups: _Groups,
    ) -> None:
        """Join those pairs whose sketches are alike."""
        import numpy as np

        for begin in range(0, len(ones), COMPARED):
            some, more = ones[begin : begin + COMPARED], twos[begin : begin + COMPARED]
            alike = np.count_nonzero(sketches[some] == sketches[more], axis=1) >= self.similarity * SIZE
            groups.join(some[alike], more[alike])

    @property
    def _numbers(self) -> Path:
        return self.folder / "numbers"  # of the document of each row

    def _files(self) -> list[Path]:
        names = ["sketches", "wholes", *(f"band-{number:02d}" for number in range(BANDS))]
        return [self.folder / name for name in names]


def columns_of(sketches: numpy.ndarray[Any, Any]) -> list[bytes]:
    """What is kept of sketches: some of their bits, a hash of each, and one of each band of each."""
    import numpy as np

    multipliers = np.array([pow(_MULTIPLIER, power, 1 << 64) for power in range(1, ROWS + 1)], np.uint64)
    bands = _mixed(np.einsum("dbr,r->bd", sketches.reshape(-1, BANDS, ROWS), multipliers))
    whole = _mixed(bands.T @ np.arange(1, 2 * BANDS, 2, dtype=np.uint64))
    # 16 bits of each number tell two texts apart as well as 32 (b-bit minwise hashing, Li and König 2010,
    # arXiv:0910.3349: two that differ seem equal once in 65,536 times).
    return [column.tobytes() for column in (sketches.astype(np.uint16), whole, *bands)]


class _Groups:
    """Which documents belong together, as a forest whose roots are the first of their groups."""

    def __init__(self, documents: int):
        import numpy as np

        self._parents = np.arange(documents, dtype=np.int64)

    def of(self, documents: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
        """The first documents of the groups of these documents."""
        parents = self._parents
        roots = parents[documents]
        while (higher := parents[roots] != roots).any():
            roots[higher] = parents[roots[higher]]
        parents[documents] = roots
        return roots

    def join(self, ones: numpy.ndarray[Any, Any], twos: numpy.ndarray[Any, Any]) -> None:
        """Make one group of those of each pair."""
        import numpy as np

        while len(ones):
            ones, twos = self.of(ones), self.of(twos)
            apart = ones != twos
            ones, twos = ones[apart], twos[apart]
            np.minimum.at(self._parents, np.maximum(ones, twos), np.minimum(ones, twos))

    def all(self) -> numpy.ndarray[Any, Any]:
        """The first documents of the groups of all documents; of no use afterwards."""
        import numpy as np

        for begin in range(0, len(self._parents), READ):
            self.of(np.arange(begin, min(begin + READ, len(self._parents))))
        return self._parents


def _ahead(work: Callable[[Path], Result], paths: Sequence[Path]) -> Iterator[Result]:
    """The result of the work for each path; while one is in use, the next is being made."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(work, paths[0])
        for path in paths[1:]:
            ready, coming = coming, thread.submit(work, path)
            yield ready.result()
        yield coming.result()


def _buckets_in(
    path: Path, rows: numpy.ndarray[Any, Any] | None
) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]:
    """The buckets of all documents, or of some of them."""
    import numpy as np

    hashes = np.fromfile(path, np.uint64)
    if rows is None:
        return _buckets(hashes)
    documents, sizes = _buckets(hashes[rows])
    return rows[documents], sizes


def _mixed(numbers: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
    """The numbers with their bits well mixed, for their upper bits are compared."""
    import numpy as np

    numbers = numbers ^ numbers >> np.uint64(32)
    numbers *= np.uint64(_MULTIPLIER)
    return numbers ^ numbers >> np.uint64(32)


def _buckets(hashes: numpy.ndarray[Any, Any]) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]:
    """The documents whose hash is another's too, bucket by bucket, and how many each bucket has; `hashes` is used up.

    Sorting hash and number of a document as one number takes no memory. The upper bits that are left of the hash, 38
    for 50 million documents, make some thousand buckets of documents that have nothing in common.
    """
    import numpy as np

    bits = np.uint64((len(hashes) - 1).bit_length())
    parts = [slice(begin, min(begin + READ, len(hashes))) for begin in range(0, len(hashes), READ)]
    for part in parts:
        hashes[part] = hashes[part] >> bits << bits | np.arange(part.start, part.stop, dtype=np.uint64)
    hashes.sort()
    same = np.zeros(len(hashes) + 1, bool)  # as the one before
    for part in parts:
        before = hashes[max(0, part.start - 1) : part.stop - 1]
        same[part.stop - len(before) : part.stop] = (hashes[part.stop - len(before) : part.stop] ^ before) >> bits == 0
    member = same[:-1] | same[1:]
    first = member & ~same[:-1]
    starts = np.flatnonzero(first[member])
    documents = (hashes[member] & np.uint64((1 << int(bits)) - 1)).astype(np.int64)
    return documents, np.diff(np.append(starts, len(documents)))


def _kept(
    documents: numpy.ndarray[Any, Any], sizes: numpy.ndarray[Any, Any], keep: numpy.ndarray[Any, Any]
) -> tuple[numpy.ndarray[Any, Any], numpy.ndarray[Any, Any]]:
    import numpy as np

    return documents[np.repeat(keep, sizes)], sizes[keep]


def _is_open(
    documents: numpy.ndarray[Any, Any], sizes: numpy.ndarray[Any, Any], groups: _Groups
) -> numpy.ndarray[Any, Any]:
    """For each bucket whether its documents do not all belong together yet."""
    import numpy as np

    if not len(documents):
        return np.zeros(len(sizes), bool)
    roots = groups.of(documents)
    starts = np.cumsum(sizes) - sizes
    return np.minimum.reduceat(roots, starts) != np.maximum.reduceat(roots, starts)


def _in_order(
    documents: numpy.ndarray[Any, Any], sizes: numpy.ndarray[Any, Any], wholes: numpy.ndarray[Any, Any], band: int
) -> numpy.ndarray[Any, Any]:
    """The documents of each large bucket in an order that comes from their sketches, another one for each band.

    In the others all pairs are compared, in whatever order.
    """
    import numpy as np

    large = sizes > LEADERS + 1
    if not large.any():
        return documents
    places = np.flatnonzero(np.repeat(large, sizes))
    some, its_sizes = documents[places], sizes[large]
    order = _mixed(wholes[some] + np.uint64(band * _MULTIPLIER & (1 << 64) - 1))
    ordered = documents.copy()
    ordered[places] = some[np.lexsort((order, np.repeat(np.arange(len(its_sizes)), its_sizes)))]
    return ordered
