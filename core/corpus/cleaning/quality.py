"""The step that leaves out poor texts, by the rules that large corpora are filtered with."""

from __future__ import annotations

import re
from collections import Counter

from .dropped import Dropped
from .language import language_of
from .repetition import has_repeated_lines, has_repeated_phrases

WORDS = (50, 100_000)
WORD_LENGTH = (3, 10)
COMMON_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
WORDS_WITH_LETTERS = 0.8
SYMBOLS = 0.1  # signs # and ellipses for each word
BULLET_LINES = 0.9
ELLIPSIS_LINES = 0.3

# Of texts in characters that stand for words or syllables.
CHARACTERS = (10, 200_000)
LETTERS = 0.6  # the least share of letters among characters that are no space
COMMONEST_CHARACTER = 0.3  # the largest share of one character
LONG_ENOUGH_TO_REPEAT = 100  # characters; the phrases of a shorter text are not counted

_SYMBOL = re.compile(r"#|…|\.{3,}")
_BULLET = re.compile(r"^[ \t]*[•‣▪●○■□◦·*-](?=\s|[^\W\d_])", re.MULTILINE)
_ELLIPSIS_END = re.compile(r"(?:…|\.\.\.)$", re.MULTILINE)
_LETTER = re.compile(r"[^\W\d_]")
# Scripts that set no space between words: Han, kana, Thai, Lao, Burmese, Khmer.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30fa\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]"
)
_PLACEHOLDER = re.compile(r"lorem ipsum", re.IGNORECASE)


def judge_quality(text: str) -> str | Dropped:
    """The text, or why it is left out.

    Where words have spaces between them: the rules of Gopher (Rae et al., 2021, arXiv:2112.11446, appendix A.1): 50
    to 100,000 words, 3 to 10 letters long on average, four of five with a letter, two of the commonest English words
    where it is English, few # and ellipses, few lines that are bullets or break off, little repetition. Of phrases,
    twice the repetition is allowed.

    Chinese and other texts without such spaces: 10 to 200,000 characters, three of five of them letters, no single
    one more than three in ten, and the same rules of lines and repetition, over characters, with phrases twice as
    long. A couplet of two lines of five characters is long enough; phrases are counted from 100 characters on, for a
    short poem may repeat a line.

    Of C4 (Raffel et al., 2019, arXiv:1910.10683), only the rule of lorem ipsum: how lines end and whether there are
    braces would throw out verse, lists and code.
    """
    lines = sum(map(bool, map(str.strip, text.split("\n"))))
    if _PLACEHOLDER.search(text):
        return Dropped("placeholder")
    unspaced = [] if text.isascii() else _UNSPACED.findall(text)
    if unspaced and len(unspaced) * 2 >= len(_LETTER.findall(text)):
        reason = _judge_characters(text, unspaced)
    else:
        reason = _judge_words(text)
    if reason is None:
        if len(_BULLET.findall(text)) > BULLET_LINES * lines:
            reason = "bullets"
        elif len(_ELLIPSIS_END.findall(text)) > ELLIPSIS_LINES * lines:
            reason = "ellipses"
        elif has_repeated_lines(text):
            reason = "repeated_lines"
    return Dropped(reason) if reason else text


def _judge_words(text: str) -> str | None:
    words = text.split()
    if not WORDS[0] <= len(words) <= WORDS[1]:
        return "too_short" if len(words) < WORDS[0] else "too_long"
    length = sum(map(len, words)) / len(words)
    if not WORD_LENGTH[0] <= length <= WORD_LENGTH[1]:
        return "word_length"
    if sum(map(_has_letter, words)) < WORDS_WITH_LETTERS * len(words):
        return "few_letters"
    if len(_SYMBOL.findall(text)) > SYMBOLS * len(words):
        return "symbols"
    if len(COMMON_WORDS.intersection(map(str.lower, words))) < 2 and language_of(text) == "en":
        return "few_common_words"
    return "repeated_phrases" if has_repeated_phrases(words, len(text)) else None


def _has_letter(word: str) -> bool:
    return word.isalpha() or _LETTER.search(word) is not None


def _judge_characters(text: str, characters: list[str]) -> str | None:
    if not CHARACTERS[0] <= len(characters) <= CHARACTERS[1]:
        return "too_short" if len(characters) < CHARACTERS[0] else "too_long"
    seen = sum(map(len, text.split()))
    if len(_LETTER.findall(text)) < LETTERS * seen:
        return "few_letters"
    if len(_SYMBOL.findall(text)) > SYMBOLS * len(characters):
        return "symbols"
    if Counter(characters).most_common(1)[0][1] > COMMONEST_CHARACTER * len(characters):
        return "repeated_phrases"
    if len(characters) >= LONG_ENOUGH_TO_REPEAT and has_repeated_phrases(characters, len(characters), longer=2):
        return "repeated_phrases"
    return None
