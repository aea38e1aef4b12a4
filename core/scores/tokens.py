"""The words that scores count: what stands between spaces, and single characters where a script has no spaces."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable

# Thai to Burmese, Khmer, Kana, Han, in a regular expression's brackets. Korean has spaces.
UNSPACED = (
    "\u0e00-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
_UNSPACED = re.compile(f"[{UNSPACED}]")
_WORD = re.compile(f"[{UNSPACED}]|[^\\s{UNSPACED}]+")
_SENTENCE_END = re.compile(r"[。！？][”’」』）]*|[.!?…]+[\"'”’)\]]*(?=\s+[^\s\da-z])|\n\s*\n")
_ARTICLES = ("a", "an", "the")
# Of ASCII's symbols these are no punctuation to Unicode, but are to Python, and so to SQuAD's script.
_SYMBOLS = "$+<=>^`|~"
_CLOSING = frozenset(",.;:!?%)]}…")
_OPENING = frozenset("([{")


class _Table(dict[int, str]):
    """For str.translate: what stands for a character, found out once."""

    def __init__(self, replace: Callable[[str], str]):
        self._replace = replace

    def __missing__(self, code: int) -> str:
        character = chr(code)
        found = self[code] = f" {character} " if _UNSPACED.match(character) else self._replace(character)
        return found


def _letter_or_space(character: str) -> str:
    return character if character.isalnum() or unicodedata.category(character)[0] == "M" else " "


def _without_punctuation(character: str) -> str:
    return "" if unicodedata.category(character)[0] == "P" or character in _SYMBOLS else character


_LETTERS = _Table(_letter_or_space)
_UNPUNCTUATED = _Table(_without_punctuation)


def letters_and_digits(text: str) -> list[str]:
    """The words of a text in lower case; all but letters and digits parts them."""
    return text.lower().translate(_LETTERS).split()


def answer_words(text: str) -> list[str]:
    """The words of a short answer as SQuAD counts them: lower case, without punctuation and English articles.

    An answer of nothing else, such as "A" to a question with choices, stays as it is.
    """
    found = [word for word in text.lower().translate(_UNPUNCTUATED).split() if word not in _ARTICLES]
    return found or text.lower().split()


def count_words(text: str) -> int:
    """How many words a text has, punctuation being a part of the word before it."""
    return sum(1 for _match in _WORD.finditer(text))


def cut(text: str, words: int) -> str:
    """The beginning of a text: so many words."""
    end = 0
    for _number, match in zip(range(words), _WORD.finditer(text), strict=False):
        end = match.end()
    return text[:end]


def sentences(text: str) -> list[str]:
    """The sentences of a text, English or Chinese. The period of an abbreviation before a capital ends one too."""
    begin, found = 0, []
    for match in _SENTENCE_END.finditer(text):
        found.append(text[begin : match.end()])
        begin = match.end()
    found.append(text[begin:])
    return [sentence.strip() for sentence in found if sentence.strip()]


def joined(words: list[str]) -> str:
    """A text of these words, none of them empty, with spaces where the script has them."""
    parts: list[str] = []
    for before, word in itertools.pairwise(["", *words]):
        if before and before not in _OPENING and word not in _CLOSING and not _is_wide(before[-1] + word[0]):
            parts.append(" ")
        parts.append(word)
    return "".join(parts)


def _is_wide(characters: str) -> bool:
    return any(_UNSPACED.match(each) or unicodedata.east_asian_width(each) in "WF" for each in characters)
