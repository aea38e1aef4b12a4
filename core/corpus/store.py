"""A corpus on disk: `manifest.json`, `report.json`, and Parquet shards with the columns text, source and split."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .. import store
from ..files import disk_size, read_object, write_json

if TYPE_CHECKING:
    import pyarrow

FORMAT = 1
SHARD = 256 << 20  # bytes of text in a shard, about
GROUP = 16 << 20  # bytes of text in a row group, about: what a reader holds at once
Split = Literal["train", "val"]


@dataclass
class Counts:
    """How much text."""

    documents: int = 0
    characters: int = 0
    bytes: int = 0

    def add(self, text: str) -> None:
        """Count one more document."""
        self.documents += 1
        self.characters += len(text)
        self.bytes += len(text.encode())


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
        """How the import went: sources, what was left out and why, samples."""
        return read_object(self.path / "report.json")

    def documents(self, split: Split | None = None) -> Iterator[str]:
        """The texts, of one split or of both, in their order; memory stays at one row group."""
        import pyarrow.parquet as parquet

        for shard in self.manifest.shards:
            with parquet.ParquetFile(self.path / shard) as file:
                for batch in file.iter_batches(batch_size=1024, columns=["text", "split"]):
                    texts, splits = batch.column("text"), batch.column("split")
                    for text, its_split in zip(texts, splits, strict=True):
                        if split is None or its_split.as_py() == split:
                            yield text.as_py()

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


@dataclass
class CorpusWriter:
    """Writes documents into the folder of a corpus to be; `finish` completes it."""

    path: Path
    name: str
    train: Counts = field(default_factory=Counts)
    val: Counts = field(default_factory=Counts)
    shards: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        import hashlib

        self._hash = hashlib.sha256()
        self._rows: list[tuple[str, str, str]] = []
        self._row_bytes = 0
        self._shard_bytes = 0
        self._file: Any = None

    def add(self, text: str, source: str, split: Split) -> None:
        """Append a document."""
        counts = self.train if split == "train" else self.val
        before = counts.bytes
        counts.add(text)
        self._hash.update(f"{split}\0{len(text)}\0{text}".encode())
        self._rows.append((text, source, split))
        self._row_bytes += counts.bytes - before
        if self._row_bytes >= GROUP:
            self._write_group()

    def finish(self, report: dict[str, Any]) -> Manifest:
        """Write what is left, the report and the manifest."""
        self._write_group()
        if self._file:
            self._file.close()
        manifest = Manifest(self.name, round(time.time(), 3), self.train, self.val, self.shards, self._hash.hexdigest())
        write_json(self.path / "report.json", report)
        write_json(self.path / "manifest.json", asdict(manifest))
        return manifest

    def _write_group(self) -> None:
        import pyarrow
        import pyarrow.parquet as parquet

        if not self._rows:
            return
        schema = _schema()
        if self._file is None or self._shard_bytes >= SHARD:
            if self._file:
                self._file.close()
            self.shards.append(f"documents-{len(self.shards):05d}.parquet")
            self._file = parquet.ParquetWriter(self.path / self.shards[-1], schema, compression="zstd")
            self._shard_bytes = 0
        columns = [pyarrow.array(column) for column in zip(*self._rows, strict=True)]
        self._file.write_table(pyarrow.Table.from_arrays(columns, schema=schema))
        self._shard_bytes += self._row_bytes
        self._rows, self._row_bytes = [], 0


def _schema() -> pyarrow.Schema:
    import pyarrow

    return pyarrow.schema([("text", pyarrow.large_string()), ("source", pyarrow.string()), ("split", pyarrow.string())])
