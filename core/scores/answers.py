"""Short answers, as SQuAD scores them (Rajpurkar et al., 2016, arXiv:1606.05250), in Chinese and Japanese too.

Of several right answers the one that is nearest counts. Where there is nothing to answer, the empty answer is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .tokens import answer_words


def exact_match(answer: str, right: str | Sequence[str]) -> float:
    """1 where the answer has the words of a right one in the same order, else 0."""
    words = answer_words(answer)
    return float(any(words == answer_words(each) for each in _all(right)))


def f1(answer: str, right: str | Sequence[str]) -> float:
    """The harmonic mean of two shares: of the answer's words that the right answer has too, and the other way round."""
    words = Counter(answer_words(answer))
    return max((_f1(words, Counter(answer_words(each))) for each in _all(right)), default=0.0)


def _f1(answer: Counter[str], right: Counter[str]) -> float:
    size = answer.total() + right.total()
    return 2 * (answer & right).total() / size if size else 1.0


def _all(right: str | Sequence[str]) -> Sequence[str]:
    return [right] if isinstance(right, str) else right
