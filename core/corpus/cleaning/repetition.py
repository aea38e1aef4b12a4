"""How much of a text is repetition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

DUPLICATE_LINES = 0.30  # the largest share of lines, and of paragraphs, that stood in the text before
DUPLICATE_LINE_CHARACTERS = 0.20  # the largest share of the characters in them
TOP_PHRASE = {2: 0.20, 3: 0.18, 4: 0.16}  # words of a phrase: the largest share of characters in the commonest one
# The largest share of characters in phrases that were there before. Twice what the paper allows: with its own shares,
# 3 % of the chapters of the King James Bible would go, whose style is repetition.
REPEATED_PHRASES = {5: 0.30, 6: 0.28, 7: 0.26, 8: 0.24, 9: 0.22, 10: 0.20}


def has_repeated_lines(text: str) -> bool:
    """Whether too many lines or paragraphs of `text` are repeated (Rae et al., 2021, arXiv:2112.11446, table A1)."""
    lines = [line for line in text.split("\n") if line]
    return _too_many_again(lines) or _too_many_again([part for part in text.split("\n\n") if part.strip()])


def _too_many_again(parts: Sequence[str]) -> bool:
    distinct = set(parts)
    if len(distinct) == len(parts):
        return False
    characters = sum(map(len, parts))
    return (
        len(parts) - len(distinct) > DUPLICATE_LINES * len(parts)
        or characters - sum(map(len, distinct)) > DUPLICATE_LINE_CHARACTERS * characters
    )


def has_repeated_phrases(words: Sequence[str], total: int, longer: int = 1) -> bool:
    """Whether too much of a text of `total` characters is phrases of 2 to 10 words over and over (table A1 again).

    `longer` multiplies the lengths: 2 where `words` are the characters of Chinese, in which a word is about two.
    """
    ends = [0, *accumulate(map(len, words))]
    for length, share in TOP_PHRASE.items():
        size = length * longer
        if len(words) < 2 * size:
            return False
        phrase, count = Counter(zip(*(words[start:] for start in range(size)), strict=False)).most_common(1)[0]
        if count > 1 and count * sum(map(len, phrase)) > share * total:
            return True
    lowest = min(REPEATED_PHRASES.values())
    for length, share in REPEATED_PHRASES.items():
        repeated = _repeated_characters(words, ends, length * longer)
        if repeated > share * total:
            return True
        if repeated <= lowest * total:  # longer phrases hold no more
            return False
    return False


def _repeated_characters(words: Sequence[str], ends: Sequence[int], size: int) -> int:
    """How many characters stand in phrases of `size` words that were there before, each counted once."""
    phrases = list(zip(*(words[start:] for start in range(size)), strict=False))
    if len(set(phrases)) == len(phrases):
        return 0
    seen: set[tuple[str, ...]] = set()
    characters = covered = 0
    for start, phrase in enumerate(phrases):
        if phrase in seen:
            characters += ends[start + size] - ends[max(start, covered)]
            covered = start + size
        else:
            seen.add(phrase)
    return characters
