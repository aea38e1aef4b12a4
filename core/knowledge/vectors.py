"""The vectors of passages in the database of a knowledge base."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from ..language import gettext as _
from ..progress import Progress, Rate
from . import database
from .embeddings import Embedding, embedder

if TYPE_CHECKING:
    import numpy as np

AT_ONCE = 128  # passages that are embedded, and kept, together


def embed(connection: sqlite3.Connection, embedding: Embedding, progress: Progress) -> int:
    """Give a vector to each passage that has none; how many there were. What Cancelled or a kill ends stays.

    Raises UserError where the model cannot be used.
    """
    query = "SELECT id FROM passages WHERE id NOT IN (SELECT passage FROM vectors) ORDER BY id"
    without = [row for (row,) in connection.execute(query)]
    rate = Rate()
    for begin in range(0, len(without), AT_ONCE):
        words = _("{done:,} of {total:,} passages embedded").format(done=begin, total=len(without))
        progress(begin, len(without), words, passages_per_second=rate(begin))
        rows = without[begin : begin + AT_ONCE]
        vectors = embedder(embedding.model).encode(database.texts_at(connection, rows))
        with database.transaction(connection):
            connection.executemany(
                "INSERT INTO vectors (passage, vector) VALUES (?, ?)",
                [(row, vector.astype("float16").tobytes()) for row, vector in zip(rows, vectors, strict=True)],
            )
    return len(without)


def cosines(connection: sqlite3.Connection, embedding: Embedding, question: str) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of all passages that have vectors, and the cosine of each with `question`."""
    import numpy as np

    rows = connection.execute("SELECT passage, vector FROM vectors ORDER BY passage").fetchall()
    if not rows:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    vectors = np.frombuffer(b"".join(vector for _row, vector in rows), np.float16).reshape(len(rows), -1)
    (asked,) = embedder(embedding.model).encode([question], questions=True)
    return np.array([row for row, _vector in rows]), vectors.astype(np.float32) @ asked
