"""The SQLite file of a knowledge base: documents, their passages, and an index of terms."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import UserError
from ..language import gettext as _
from .passages import Passage
from .words import words

FILE = "passages.sqlite"
_CANDIDATE = "SELECT id, document, position, words FROM passages WHERE id IN"
# The index keeps no text: `passages.words` has what it was given, which FTS5 asks for when it shall forget it.
# "ascii" cuts at spaces only, as our terms have no other signs.
_SCHEMA = """
CREATE TABLE documents (
    id INTEGER PRIMARY KEY, path BLOB UNIQUE NOT NULL, origin BLOB NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL,
    mtime INTEGER NOT NULL, sha256 TEXT NOT NULL, added REAL NOT NULL, pages INTEGER, passages INTEGER NOT NULL,
    characters INTEGER NOT NULL, terms INTEGER NOT NULL
);
CREATE TABLE passages (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL, source TEXT NOT NULL, position INTEGER NOT NULL, page INTEGER,
    heading TEXT NOT NULL, text TEXT NOT NULL, words TEXT NOT NULL
);
CREATE INDEX places ON passages (document, position);
CREATE VIRTUAL TABLE by_word USING fts5 (terms, content = '', tokenize = "ascii tokenchars '_'");
CREATE VIRTUAL TABLE word_counts USING fts5vocab (by_word, row);
"""


class Candidate(NamedTuple):
    """A passage that may be what is looked for."""

    row: int
    document: int
    position: int
    words: str


@contextlib.contextmanager
def connected(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the database in `folder`; what goes wrong with it is said in a sentence."""
    path = folder / FILE
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")  # a power cut costs the last files, never the rest
            yield connection
    except sqlite3.DatabaseError as error:
        if "full" in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
        raise UserError(
            _("{path} cannot be used: {error}. Remove the knowledge base, then add its files again.").format(
                path=path, error=error
            )
        ) from error


def make(folder: Path) -> None:
    """An empty database in `folder`."""
    with connected(folder) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_SCHEMA)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that the block writes, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def begin(connection: sqlite3.Connection, row: tuple[bytes, bytes, str, int, int, str, float]) -> int:
    """A document that has no passages yet: path, origin, name, size, mtime, SHA-256, when; its number."""
    number = connection.execute(
        "INSERT INTO documents (path, origin, name, size, mtime, sha256, added, passages, characters, terms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0)",
        row,
    ).lastrowid
    assert number is not None
    return number


def put(connection: sqlite3.Connection, document: int, passages: Iterable[Passage]) -> int:
    """Complete a document with its passages; how many there were. One without any is forgotten."""
    number = characters = length = 0
    pages = None
    for passage in passages:
        terms = words(whole(passage.heading, passage.text))
        row = connection.execute(
            "INSERT INTO passages (document, source, position, page, heading, text, words) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (document, passage.source, passage.position, passage.page, passage.heading, passage.text, " ".join(terms)),
        ).lastrowid
        connection.execute("INSERT INTO by_word (rowid, terms) VALUES (?, ?)", (row, " ".join(terms)))
        number += 1
        characters += len(passage.text)
        length += len(terms)
        pages = max(passage.page, pages or 0) if passage.page else pages
    if number:
        connection.execute(
            "UPDATE documents SET passages = ?, characters = ?, terms = ?, pages = ? WHERE id = ?",
            (number, characters, length, pages, document),
        )
    else:
        forget(connection, document)
    return number


def forget(connection: sqlite3.Connection, document: int) -> None:
    """Take a document out, with its passages."""
    rows = connection.execute("SELECT id, words FROM passages WHERE document = ?", (document,)).fetchall()
    for row in rows:  # the first column is how FTS5 is told to forget
        connection.execute("INSERT INTO by_word (by_word, rowid, terms) VALUES ('delete', ?, ?)", row)
    if _has_vectors(connection):
        connection.executemany("DELETE FROM vectors WHERE passage = ?", [row[:1] for row in rows])
    connection.execute("DELETE FROM passages WHERE document = ?", (document,))
    connection.execute("DELETE FROM documents WHERE id = ?", (document,))


def make_vectors(connection: sqlite3.Connection) -> None:
    """Make the table of vectors where there is none yet."""
    connection.execute("CREATE TABLE IF NOT EXISTS vectors (passage INTEGER PRIMARY KEY, vector BLOB NOT NULL)")


def drop_vectors(connection: sqlite3.Connection) -> None:
    """Take all vectors out."""
    connection.execute("DROP TABLE IF EXISTS vectors")


def _has_vectors(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'vectors'").fetchone()
    return found is not None


def whole(heading: str, text: str) -> str:
    """What a passage is found by: its text, below its heading where that does not stand in it."""
    return text if heading in text else f"{heading}\n{text}"


def candidates(connection: sqlite3.Connection, terms: Sequence[str], limit: int) -> list[Candidate]:
    """The passages that FTS5 puts first for `terms`."""
    if not terms:
        return []
    query = " OR ".join(f'"{term}"' for term in terms)
    rows = connection.execute(
        f"{_CANDIDATE} (SELECT rowid FROM by_word WHERE by_word MATCH ? ORDER BY rank, rowid LIMIT ?)", (query, limit)
    )
    return [Candidate(*row) for row in rows]


def texts_at(connection: sqlite3.Connection, rows: Sequence[int]) -> list[str]:
    """What the passages of these numbers are found by."""
    marks = ", ".join("?" * len(rows))
    found = connection.execute(f"SELECT id, heading, text FROM passages WHERE id IN ({marks})", rows)
    texts = {row: whole(heading, text) for row, heading, text in found}
    return [texts[row] for row in rows]


def at_rows(connection: sqlite3.Connection, rows: Sequence[int]) -> list[Candidate]:
    """The passages of these numbers."""
    marks = ", ".join("?" * len(rows))
    return [Candidate(*row) for row in connection.execute(f"{_CANDIDATE} ({marks})", rows)]
