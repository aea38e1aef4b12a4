"""A summary of a text's own sentences: those that say what most others say too. It needs no model.

LexRank (Erkan and Radev 2004, arXiv:1109.2128): a sentence counts by those that resemble it, as a page by its links.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..scores.tokens import letters_and_digits as words
from ..sentences import split_sentences

DAMPING, ROUNDS = 0.85, 50
TOGETHER = 800  # sentences that are compared with each other; of more, the best of each part are
FEWEST_WORDS = 3  # of a sentence that can stand for others


def extract(text: str, number: int) -> list[str]:
    """The `number` sentences that say most of the text, in its order."""
    sentences = [" ".join(sentence.split()) for sentence, _after in split_sentences(text)]
    unique = list(dict.fromkeys(sentence for sentence in sentences if sentence))
    long_enough = [sentence for sentence in unique if len(words(sentence)) >= FEWEST_WORDS] or unique
    while len(long_enough) > TOGETHER:
        parts = [long_enough[begin : begin + TOGETHER] for begin in range(0, len(long_enough), TOGETHER)]
        each = max(number, TOGETHER // (2 * len(parts)), 1)
        long_enough = [sentence for part in parts for sentence in _best(part, min(each, len(part) // 2 + 1))]
    return _best(long_enough, number)


def _best(sentences: Sequence[str], number: int) -> list[str]:
    chosen = sorted(np.argsort(-_ranks(sentences), kind="stable")[:number])
    return [sentences[index] for index in chosen]


def _ranks(sentences: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How much each sentence counts, (N,)."""
    counts = [Counter(words(sentence)) for sentence in sentences]
    having = Counter(word for count in counts for word in count)
    numbers = {word: index for index, word in enumerate(having)}
    vectors = np.zeros((len(sentences), max(1, len(numbers))), dtype=np.float32)
    for row, count in enumerate(counts):
        for word, times in count.items():
            vectors[row, numbers[word]] = times * np.log(1 + len(sentences) / having[word])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    alike = (vectors @ vectors.T).astype(np.float64)
    np.fill_diagonal(alike, 0.0)
    alike /= np.maximum(alike.sum(axis=1, keepdims=True), 1e-9)
    ranks = np.full(len(sentences), 1.0 / max(1, len(sentences)))
    for _round in range(ROUNDS):
        ranks = (1 - DAMPING) / len(sentences) + DAMPING * (alike.T @ ranks)
    return ranks
