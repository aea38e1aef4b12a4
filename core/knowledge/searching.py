"""The passages that may answer a question, the best first, and how far to trust them.

What was tried to find more, with what it gave, is in docs/knowledge.md.
"""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .database import Candidate, at_rows, candidates
from .embeddings import NEAR, Embedding
from .passages import Passage
from .words import question_words

CANDIDATES = 200  # passages that are looked at
WORDS = 0.3  # how much the words count beside what a passage means; 0.2 to 0.5 find as much
K1, B = 1.2, 0.75  # others, 0.6 to 2 and 0.4 to 0.9, found no more
# From here on a passage may well hold the answer. Where none of five does, this refuses 7 % of the questions of the
# Perl FAQ, 9 % of those of Debian's FAQ in English and 6 % in Chinese, asked of their own answers; and of questions
# without an answer 87 to 89 % (on packages, asked of the Perl FAQ), 90 to 93 % (on cooking), 87 % (that in Chinese).
# Questions of a near topic are harder: 58 % of the Perl FAQ's, asked of Debian's.
RELEVANT = 0.4


@dataclass(frozen=True)
class Found:
    """A passage that a search found."""

    passage: Passage
    rank: int  # from 1
    score: float  # the higher the better; of one search only
    relevance: (
        float  # 0 to 1: how much of what the question is about is in the passage and around it, or how near it is
    )

    @property
    def is_relevant(self) -> bool:
        """Whether it may hold the answer."""
        return self.relevance >= RELEVANT


def is_answered(found: Sequence[Found]) -> bool:
    """Whether one of the passages may hold the answer."""
    return any(one.is_relevant for one in found)


def search(
    connection: sqlite3.Connection, question: str, limit: int, embedding: Embedding | None = None
) -> list[Found]:
    """The best passages for `question`. Of passages that follow each other the best alone is taken.

    With an `embedding`, by what they mean as well as by their words. Raises UserError where its model cannot be used.
    """
    terms = list(dict.fromkeys(question_words(question)))
    weights = idf(connection, terms)
    scores = _bm25(connection, candidates(connection, terms, CANDIDATES), weights)
    near: dict[int, float] = {}
    if embedding and question.strip():
        scores, near = _with_meaning(connection, scores, embedding, question)
    found: list[Found] = []
    taken: set[tuple[int, int]] = set()
    for candidate, score in sorted(scores, key=lambda pair: (-pair[1], pair[0].row)):
        document, position = candidate.document, candidate.position
        if len(found) < limit and taken.isdisjoint({(document, position - 1), (document, position + 1)}):
            taken.add((document, position))
            relevance = max(_relevance(connection, candidate, weights), near.get(candidate.row, 0.0))
            found.append(Found(_passage(connection, candidate.row), len(found) + 1, round(score, 4), relevance))
    return found


def _bm25(
    connection: sqlite3.Connection, passages: Sequence[Candidate], weights: dict[str, float]
) -> list[tuple[Candidate, float]]:
    """BM25 anew (Robertson and Zaragoza 2009), as FTS5 gives nothing for a term that half of the passages have."""
    (average,) = connection.execute("SELECT 1.0 * sum(terms) / max(1, sum(passages)) FROM documents").fetchone()
    found = []
    for passage in passages:
        terms = passage.words.split(" ")
        counts = Counter(term for term in terms if term in weights)
        long = K1 * (1 - B + B * len(terms) / (average or 1))
        score = sum(weights[term] * count * (K1 + 1) / (count + long) for term, count in counts.items())
        found.append((passage, score))
    return found


def _with_meaning(
    connection: sqlite3.Connection, by_words: Sequence[tuple[Candidate, float]], embedding: Embedding, question: str
) -> tuple[list[tuple[Candidate, float]], dict[int, float]]:
    """The scores of passages by both, and the relevance of each by what it means alone.

    Both are brought to 0 to 1 and added (Bruch, Gai and Ingber 2023, "An Analysis of Fusion Functions for Hybrid
    Retrieval"), which found more than to add one over their ranks.
    """
    from .vectors import cosines

    rows, found = cosines(connection, embedding, question)
    if not len(rows):
        return list(by_words), {}
    low, high = float(found.min()), float(found.max())
    cosine_of = dict(zip(rows.tolist(), found.tolist(), strict=True))
    nearest = rows[(-found).argsort(kind="stable")[:CANDIDATES]].tolist()
    best = max((score for _candidate, score in by_words), default=0.0)
    words_of = {candidate.row: score / best for candidate, score in by_words} if best > 0 else {}
    others = at_rows(connection, [row for row in nearest if row not in words_of])
    scores = []
    for candidate in [*(candidate for candidate, _score in by_words if candidate.row in words_of), *others]:
        meaning = (cosine_of.get(candidate.row, low) - low) / ((high - low) or 1.0)
        scores.append((candidate, meaning + WORDS * words_of.get(candidate.row, 0.0)))
    near = {candidate.row: cosine_of.get(candidate.row, low) for candidate, _score in scores}
    return scores, {
        row: round(min(1.0, embedding.nearness(cosine) * RELEVANT / NEAR), 4) for row, cosine in near.items()
    }


def _passage(connection: sqlite3.Connection, row: int) -> Passage:
    return Passage(
        *connection.execute(
            "SELECT text, source, position, page, heading FROM passages WHERE id = ?", (row,)
        ).fetchone()
    )


def idf(connection: sqlite3.Connection, terms: Sequence[str]) -> dict[str, float]:
    """How much each term tells: the rarer in the base, the more."""
    (passages,) = connection.execute("SELECT count(*) FROM passages").fetchone()
    weights = {}
    for term in terms:
        row = connection.execute("SELECT doc FROM word_counts WHERE term = ?", (term,)).fetchone()
        having = row[0] if row else 0
        weights[term] = math.log(1 + (passages - having + 0.5) / (having + 0.5))
    return weights


def _relevance(connection: sqlite3.Connection, passage: Candidate, weights: dict[str, float]) -> float:
    rows = connection.execute(
        "SELECT words FROM passages WHERE document = ? AND position BETWEEN ? AND ?",
        (passage.document, passage.position - 1, passage.position + 1),
    )
    there = {term for (terms,) in rows for term in terms.split(" ")}
    whole = sum(weights.values())
    return round(sum(weight for term, weight in weights.items() if term in there) / whole, 4) if whole else 0.0
