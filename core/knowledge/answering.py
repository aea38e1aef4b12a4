"""The sentences of a passage that answer a question, for when no model does."""

from __future__ import annotations

import math
import sqlite3
from itertools import pairwise

from .passages import sentences
from .searching import idf
from .words import question_words, words

LONG = 12  # terms; a longer sentence has more of them by chance


def best_sentence(connection: sqlite3.Connection, question: str, text: str) -> str:
    """The sentence of `text` with most of what `question` is about, and the next one where the two are better."""
    weights = idf(connection, list(dict.fromkeys(question_words(question))))
    found = [sentence for sentence in sentences(text) if words(sentence)]
    if not found:
        return text.strip()
    candidates = [*found, *(f"{one} {two}" for one, two in pairwise(found))]
    return max(candidates, key=lambda sentence: _worth(sentence, weights))


def _worth(sentence: str, weights: dict[str, float]) -> float:
    terms = words(sentence)
    there = sum(weights.get(term, 0.0) for term in set(terms))
    # A question in the text is not its answer.
    return there / math.sqrt(max(len(terms), LONG)) * (0.5 if sentence.rstrip().endswith(("?", "？")) else 1.0)
