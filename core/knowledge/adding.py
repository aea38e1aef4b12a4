"""Files into a knowledge base: what is new is read, what has changed is read again, what is gone is dropped."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from .. import store
from ..corpus.importing import origin_of
from ..corpus.sources import LeftOut, Source, find_sources
from ..errors import UserError
from ..files import FolderLock, remove_folder
from ..language import gettext as _
from ..language import sentences
from ..progress import Progress, Rate, no_progress, part
from . import database
from .embeddings import NONE, Embedding, address
from .passages import Passage
from .reading import read_passages
from .store import Knowledge, busy, counts
from .vectors import embed

SETTLED = 2.0  # seconds: a file that was read sooner after it was written may have been written again since
READING = 0.1  # of the whole, where passages are embedded
EVERY = 0.1  # seconds between two words of progress on one file


@dataclass
class Added:
    """What became of the files."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: int = 0
    dropped: list[str] = field(default_factory=list)  # gone, or no longer chosen
    left_out: list[tuple[str, str]] = field(default_factory=list)  # (file, why)
    embedded: int = 0  # passages that were given a vector


def add_to_named(
    paths: Sequence[str | Path],
    name: str,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    progress: Progress = no_progress,
    embeddings: str = "",
) -> Added:
    """Add what is in `paths` to the knowledge base `name`, which is made where there is none.

    A file that is as it was is not read again. Raises UserError when nothing at all can be read. What Cancelled or a
    kill ends keeps the files that are done.
    """
    if name in store.names("knowledge"):
        return add_files(Knowledge.open(name), paths, include, exclude, progress, embeddings)
    find_sources(paths, include, exclude)  # says what is wrong before anything is made
    knowledge = Knowledge.make(store.new_path("knowledge", name))
    try:
        return add_files(knowledge, paths, include, exclude, progress, embeddings)
    finally:
        if not counts(knowledge.path)["documents"]:
            remove_folder(knowledge.path)


def add_files(
    knowledge: Knowledge,
    paths: Sequence[str | Path],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    progress: Progress = no_progress,
    embeddings: str = "",
) -> Added:
    """Add what is in `paths` to a knowledge base that exists.

    `embeddings` names a model that gives each passage a vector, from now on; NONE takes them out, "" leaves it as it
    is. Raises UserError.
    """
    origins = origin_of(paths)
    files: dict[bytes, _File] = {}
    for path, origin in zip(paths, origins, strict=True):
        for source in find_sources([path], include, exclude):
            key = os.fsencode(source.path.resolve() if source.path else source.name)
            files.setdefault(key, _File(source, key, os.fsencode(origin)))
    lock = FolderLock(knowledge.path)
    if not lock.acquire():
        raise busy(knowledge.name)
    try:
        with database.connected(knowledge.path) as connection:
            embedding = _choose(knowledge, connection, embeddings)
            reading = part(progress, 0, READING) if embedding else progress
            report = _Adding(connection, list(files.values()), reading).run(origins)
            if embedding:
                report.embedded = embed(connection, embedding, part(progress, READING, 1))
                progress(1, 1)
    finally:
        with contextlib.suppress(OSError, UserError):  # what is wrong with it was told already
            Knowledge.at(knowledge.path).note(origins)
        lock.release()
    if report.left_out and not counts(knowledge.path)["documents"]:
        (source_name, reason), more = report.left_out[0], len(report.left_out) - 1
        message = _("{source} was not added: {reason}.").format(source=source_name, reason=reason)
        raise UserError(sentences(message, _("So were {number} others.").format(number=more) if more else ""))
    return report


def _choose(knowledge: Knowledge, connection: sqlite3.Connection, embeddings: str) -> Embedding | None:
    """The model that gives passages their vectors from now on. Those of another one are taken out."""
    before = knowledge.embedding
    if not embeddings or (before and embeddings != NONE and address(embeddings) == before.model):
        return before
    embedding = None if embeddings == NONE else Embedding.measured(embeddings)
    knowledge.note(embeddings=None)  # first, so that no kill leaves vectors of one model under the name of another
    database.drop_vectors(connection)
    if embedding:
        database.make_vectors(connection)
        knowledge.note(embeddings=embedding.as_dict())
    return embedding


@dataclass
class _File:
    """A file to look at."""

    source: Source
    key: bytes  # its path, by which the base knows it
    origin: bytes  # the path that a person gave

    def __post_init__(self) -> None:
        self.size = self.mtime = 0
        with contextlib.suppress(OSError):  # it is said when the file is opened
            self.size = self.source.size
            self.mtime = self.source.path.stat().st_mtime_ns if self.source.path else 0

    def digest(self) -> str:
        """The SHA-256 of its content; "" for what can be read once only. Raises OSError."""
        if self.source.path is None:
            return ""
        with self.source.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


class _Known(NamedTuple):
    """What the base knows of a file."""

    number: int
    size: int
    mtime: int
    sha256: str
    added: float

    def is_surely(self, file: _File) -> bool:
        """Whether the file is the same, without a look into it."""
        settled = self.added > file.mtime / 1e9 + SETTLED
        return bool(file.mtime) and settled and (self.size, self.mtime) == (file.size, file.mtime)


class _Adding:
    """The work of one call."""

    def __init__(self, connection: sqlite3.Connection, files: list[_File], progress: Progress):
        self.connection = connection
        self.files = files
        self.progress = progress
        self.report = Added()
        self.total = max(1, sum(file.size for file in files))
        self.done = 0  # bytes of files that are done with
        self.read = 0  # those of them that had to be read
        self.here = 0  # bytes of the file at hand
        self.rate = Rate()
        self.told = -math.inf  # when there was a word of progress last

    def run(self, origins: Sequence[str]) -> Added:
        """Do it all."""
        self._drop_missing(origins)
        for file in self.files:
            self._tell(file)
            try:
                digest = self._new_digest(file)
            except OSError as error:
                self.report.left_out.append((file.source.name, error.strerror or str(error)))
                digest = None
            if digest is not None:
                self._read(file, digest)
                self.read += file.size
            self.done += file.size
            self.here = 0
        self.progress(self.total, self.total)
        return self.report

    def _tell(self, file: _File) -> None:
        now = time.monotonic()
        if not self.here or now - self.told > EVERY:
            self.told = now
            rate = self.rate(self.read + self.here)
            self.progress(self.done + self.here, self.total, file.source.name, bytes_per_second=rate)

    def _drop_missing(self, origins: Sequence[str]) -> None:
        """Take out what was in the given paths and is no longer."""
        there = {file.key for file in self.files}
        given = {os.fsencode(origin) for origin in origins}
        folders = tuple(os.fsencode(Path(origin).resolve()) + b"/" for origin in origins if Path(origin).is_dir())
        rows = self.connection.execute("SELECT id, path, origin, name FROM documents").fetchall()
        for number, path, origin, name in rows:
            if path not in there and (origin in given or path.startswith(folders)):
                with database.transaction(self.connection):
                    database.forget(self.connection, number)
                self.report.dropped.append(name)

    def _known(self, file: _File) -> _Known | None:
        row = self.connection.execute(
            "SELECT id, size, mtime, sha256, added FROM documents WHERE path = ?", (file.key,)
        ).fetchone()
        return _Known(*row) if row else None

    def _new_digest(self, file: _File) -> str | None:
        """The SHA-256 of a file that has to be read; None for one that is as it was. Raises OSError."""
        known = self._known(file)
        if known and known.is_surely(file):
            self.report.unchanged += 1
            return None
        digest = file.digest()
        if not known or not digest or digest != known.sha256:
            return digest
        self.connection.execute(
            "UPDATE documents SET mtime = ?, added = ? WHERE id = ?", (file.mtime, time.time(), known.number)
        )
        self.report.unchanged += 1
        return None

    def _read(self, file: _File, digest: str) -> None:
        known = self._known(file)
        row = (file.key, file.origin, file.source.name, file.size, file.mtime, digest, time.time())
        with database.transaction(self.connection):
            if known:
                database.forget(self.connection, known.number)
            document = database.begin(self.connection, row)
            passages = database.put(self.connection, document, self._passages(file))
        if passages:
            (self.report.changed if known else self.report.added).append(file.source.name)
        elif known:
            self.report.dropped.append(file.source.name)

    def _passages(self, file: _File) -> Iterator[Passage]:
        found, told = 0, len(self.report.left_out)

        def at(position: int) -> None:
            self.here = min(position, file.size)

        for item in read_passages(file.source, at):
            self._tell(file)
            if isinstance(item, LeftOut):
                self.report.left_out.append((item.name, item.reason))
            else:
                found += 1
                yield item
        if not found and len(self.report.left_out) == told:
            self.report.left_out.append((file.source.name, _("it has no text")))
