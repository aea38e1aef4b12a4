"""Simple answers, made without a model of language: what a model does not beat it has not learnt."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from .tokens import count_words, cut, joined, letters_and_digits, sentences

STEM = 5  # letters


def majority(labels: Iterable[str]) -> str:
    """The commonest label; of several the first in the alphabet."""
    counts = Counter(labels)
    return min(counts, key=lambda label: (-counts[label], label))


def mean_words(texts: Sequence[str]) -> int:
    """How many words the texts have on average, at least one."""
    return max(1, round(sum(map(count_words, texts)) / max(1, len(texts))))


def lead(document: str, words: int) -> str:
    """The first sentences of a document that have so many words together; of the very first one, what fits."""
    found: list[str] = []
    for sentence in sentences(document):
        words -= count_words(sentence)
        if words < 0:
            return joined(found) if found else cut(sentence, words + count_words(sentence))
        found.append(sentence)
    return joined(found)


class Rarity:
    """How much a word says of the text that it stands in: its inverse document frequency (Spärck Jones 1972)."""

    def __init__(self, texts: Iterable[str]):
        self._counts: Counter[str] = Counter()
        self._texts = 0
        for text in texts:
            self._counts.update(stems(text))
            self._texts += 1

    def of(self, word: str) -> float:
        """Greater than 0; most for a word that was never seen."""
        return math.log((self._texts + 1) / (self._counts[word] + 0.5)) if self._texts else 1.0


class Telling:
    """How much a word of a question says of where the answer stands, learnt from answered questions.

    It is the share of the parts of contexts with that word of which the answer is a part too. So where the name in a
    question is rarest but is everywhere in the context, "section" or "maintains" say more.
    """

    def __init__(self, answered: Iterable[tuple[str, str, Sequence[str]]]):
        self._seen: Counter[str] = Counter()
        self._right: Counter[str] = Counter()
        seen = right = 0
        for question, context, answers in answered:
            asked = stems(question)
            for part in parts(context):
                common = asked & stems(part)
                self._seen.update(common)
                seen += 1
                if any(answer and answer in part for answer in answers):
                    self._right.update(common)
                    right += 1
        self._share = right / max(1, seen)

    def __bool__(self) -> bool:
        """Whether anything was learnt: not where answers are in words of their own."""
        return bool(self._right)

    def of(self, word: str) -> float:
        """From 0 to 1; of a word that was never seen, the share of all parts."""
        return (self._right[word] + self._share) / (self._seen[word] + 1)


def stems(text: str) -> set[str]:
    """The words of a text, the long ones by how they begin: maintains and maintainer are one."""
    return {word[:STEM] for word in letters_and_digits(text)}


def parts(context: str) -> list[str]:
    """The sentences of a context, of which none goes on over the end of a line."""
    return [sentence for line in context.split("\n") for sentence in sentences(line)]


def retrieve(question: str, context: str, weight: Callable[[str], float]) -> str:
    """The sentence or line of the context that has most of the question's words, each as much as it weighs."""
    asked = {word: weight(word) for word in sorted(stems(question))}
    best, most = "", -1.0
    for part in parts(context):
        here = stems(part)
        found = sum(worth for word, worth in asked.items() if word in here)
        if found > most:
            best, most = part, found
    return best


class Nearest:
    """Answers with what was answered to the most similar question: the cosine of their words, weighed by rarity."""

    def __init__(self, questions: Sequence[str], answers: Sequence[str]):
        self._answers = answers
        self._rarity = Rarity(questions)
        found: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, question in enumerate(questions):
            for word, weight in self._weights(question).items():
                found[word].append((number, weight))
        # For each word the numbers of the questions that have it, and its weight in each.
        self._with = {
            word: (np.array([number for number, _weight in places]), np.array([weight for _number, weight in places]))
            for word, places in found.items()
        }

    def answer(self, question: str) -> str:
        """That of the first of the most similar questions; none where no question has a word of this one."""
        similar = np.zeros(len(self._answers))
        for word, weight in self._weights(question).items():
            if word in self._with:
                numbers, weights = self._with[word]
                similar[numbers] += weight * weights
        return self._answers[int(similar.argmax())] if similar.any() else ""

    def _weights(self, question: str) -> dict[str, float]:
        found = {word: self._rarity.of(word) for word in sorted(stems(question))}
        length = math.hypot(*found.values())
        return {word: weight / length for word, weight in found.items()}
