"""A corpus on disk: `manifest.json`, `report.json`, and Parquet shards with the columns text, source and split."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .. import store
from ..files import disk_size, read_object, write_json
from .mapped import parts

if TYPE_CHECKING:
    import pyarrow

    from .mapped import Table

FORMAT = 1
SHARD = 256 << 20  # bytes of text in a shard, about
GROUP = 16 << 20  # bytes of text in a row group, about: what a reader holds at once
Split = Literal["train", "val"]
_NOT_COUNTED: dict[str, Any] = {
    "estimated_tokens": 0,
    "languages": {},
    "lengths": {},
    "formats": {},
    "near_duplicates": 0,
    "near_duplicates_dropped": False,
    "near_duplicate_examples": [],
    "held_out_is_alike": False,
    "cleaning": {"steps": {}},
}


@dataclass
class Counts:
    """How much text."""

    documents: int = 0
    characters: int = 0
    bytes: int = 0


@dataclass
class Manifest:
    """What a corpus is: the content of its `manifest.json`."""

    name: str
    created: float  # unix seconds
    train: Counts
    val: Counts
    shards: list[str]
    fingerprint: str  # of all documents, their order and their splits
    format: int = FORMAT

    @property
    def total(self) -> Counts:
        """Both splits together."""
        return Counts(*(a + b for a, b in zip(asdict(self.train).values(), asdict(self.val).values(), strict=True)))


@dataclass(frozen=True)
class Corpus:
    """A corpus that exists; reading its documents needs pyarrow, the rest does not."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, name: str) -> Corpus:
        """The corpus of this name. Raises UserError when there is none."""
        return cls.at(store.find("corpora", name))

    @classmethod
    def at(cls, path: Path) -> Corpus:
        """The corpus in this folder."""
        values = read_object(path / "manifest.json", "train", "val", "shards", "created", "fingerprint")
        values |= {split: Counts(**values[split]) for split in ("train", "val")}
        return cls(path, Manifest(**values))

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def report(self) -> dict[str, Any]:
        """How the import went: sources, what was left out and why, samples; see report.py."""
        report = read_object(self.path / "report.json")
        if report.get("format", 1) < 2:  # of a version that counted less
            report["skipped"] = [{"where": "", **skipped} for skipped in report["skipped"]]
            report = {**_NOT_COUNTED, "skipped_in_all": len(report["skipped"]), **report}
        return report

    def documents(self, split: Split | None = None) -> Iterator[str]:
        """The texts, of one split or of both, in their order; memory stays at one row group."""
        import pyarrow.parquet as parquet

        for shard in self.manifest.shards:
            with parquet.ParquetFile(self.path / shard) as file:
                for batch in file.iter_batches(batch_size=1024, columns=["text", "split"]):
                    texts = batch.column("text").to_pylist()
                    if split is None:
                        yield from texts
                    else:
                        splits = batch.column("split").to_pylist()
                        yield from (text for text, its_split in zip(texts, splits, strict=True) if its_split == split)

    def rows(self) -> Iterator[tuple[str, str, Split]]:
        """Text, source and split of each document, in their order; memory stays at one row group."""
        import pyarrow.parquet as parquet

        for shard in self.manifest.shards:
            with parquet.ParquetFile(self.path / shard) as file:
                for batch in file.iter_batches(batch_size=1024):
                    columns = (batch.column(name).to_pylist() for name in ("text", "source", "split"))
                    yield from zip(*columns, strict=True)

    def some_documents(self, places: int, documents: int) -> Iterator[tuple[str, str]]:
        """Source and text of some documents: so many at each of so many places, which are spread over the corpus."""
        import pyarrow.parquet as parquet

        groups = []
        for shard in self.manifest.shards:
            with parquet.ParquetFile(self.path / shard) as file:
                groups += [(shard, group) for group in range(file.num_row_groups)]
        chosen = [groups[len(groups) * place // places] for place in range(places)] if len(groups) > places else groups
        for shard, group in chosen:
            with parquet.ParquetFile(self.path / shard) as file:
                for batch in file.iter_batches(documents, row_groups=[group], columns=["text", "source"]):
                    yield from zip(batch.column("source").to_pylist(), batch.column("text").to_pylist(), strict=True)
                    break

    def summary(self) -> dict[str, Any]:
        """What `corpus list --json` says of it."""
        total = self.manifest.total
        return {
            "name": self.name,
            "path": str(self.path),
            "created": self.manifest.created,
            **asdict(total),
            "train": asdict(self.manifest.train),
            "held_out": asdict(self.manifest.val),
            "disk_bytes": disk_size(self.path),
        }


def list_corpora() -> list[Corpus]:
    """All corpora, by name."""
    return store.open_all("corpora", Corpus.open)


def write_manifest(
    folder: Path, name: str, shards: list[str], documents: Table, kept: Any, splits: Any, report: dict[str, Any]
) -> Manifest:
    """Complete a corpus with its report and manifest, from what is known of all documents, and which are kept."""
    totals = {1: Counts(), 2: Counts()}
    digest = hashlib.sha256()
    columns = [documents[column] for column in ("high", "low", "characters", "bytes")]
    for part in parts(len(kept), 1 << 16):
        its_splits = splits[part][kept[part]]
        high, low, characters, sizes = (column[part][kept[part]] for column in columns)
        for column in (high, low, its_splits):
            digest.update(column.tobytes())
        for split, counts in totals.items():
            chosen = its_splits == split
            counts.documents += int(chosen.sum())
            counts.characters += int(characters[chosen].sum())
            counts.bytes += int(sizes[chosen].sum())
    manifest = Manifest(name, round(time.time(), 3), totals[1], totals[2], shards, digest.hexdigest())
    write_json(folder / "report.json", report)
    write_json(folder / "manifest.json", asdict(manifest))
    return manifest


def write_shard(path: Path, tables: Iterator[pyarrow.Table]) -> None:
    """Write tables of the columns text, source and split as one file."""
    import pyarrow
    import pyarrow.parquet as parquet

    def write(group: list[pyarrow.Table]) -> None:
        file.write_table(pyarrow.concat_tables(group).combine_chunks(), row_group_size=1 << 30)

    # While a group is packed and written, the next one is gathered.
    with parquet.ParquetWriter(path, schema(), compression="zstd") as file, ThreadPoolExecutor(1) as thread:
        writing: Future[None] | None = None
        for group in _groups(tables):
            if writing:
                writing.result()
            writing = thread.submit(write, group)
        if writing:
            writing.result()


def _groups(tables: Iterator[pyarrow.Table]) -> Iterator[list[pyarrow.Table]]:
    """The tables in groups of GROUP bytes, about."""
    group: list[pyarrow.Table] = []
    size = 0
    for table in tables:
        group.append(table)
        size += table.nbytes
        if size >= GROUP:
            yield group
            group, size = [], 0
    if group:
        yield group


def schema() -> pyarrow.Schema:
    """The columns of a shard."""
    import pyarrow

    return pyarrow.schema([("text", pyarrow.large_string()), ("source", pyarrow.string()), ("split", pyarrow.string())])
