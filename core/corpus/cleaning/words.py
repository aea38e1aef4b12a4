"""The steps that remove stop words and punctuation: for counting words, not for a GPT, so no preset has them on."""

from __future__ import annotations

import functools
import re
import unicodedata

from .language import language_of

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*[ \t]*")
_SIGNS = re.compile(r"(?:(?<![ \t])[ \t]*+)?(?:[^\w\s]|_)+[ \t]*")
_BETWEEN_WORDS = "'’-"  # stay within a word, such as don't
_BETWEEN_DIGITS = ".,:"  # stay within a number
_UNSPACED = ("zh", "ja", "th", "lo", "my", "km")


def remove_stop_words(text: str) -> str:
    """Without the words that stopwords-iso lists for the text's language (https://github.com/stopwords-iso).

    Chinese, Japanese and Thai are written without spaces: there, each longest match goes, wherever it stands.
    """
    while (shorter := _without_stop_words(text)) != text:  # what moves together may make another stop word
        text = shorter
    return text


def _without_stop_words(text: str) -> str:
    language = language_of(text)
    words = _stop_words(language)
    if not words:
        return text
    if language in _UNSPACED:
        return _any_of(language).sub("", text)
    return _WORD.sub(lambda match: "" if match[0].rstrip(" \t").lower() in words else match[0], text)


@functools.cache
def _stop_words(language: str) -> frozenset[str]:
    import stopwordsiso

    return frozenset(stopwordsiso.stopwords(language)) if stopwordsiso.has_lang(language) else frozenset()


@functools.cache
def _any_of(language: str) -> re.Pattern[str]:
    words = [word for word in _stop_words(language) if any(character.isalpha() for character in word)]
    return re.compile("|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word))))


def remove_punctuation(text: str) -> str:
    """Without punctuation: a space stands for it between two words. The signs within don't and 3.14 stay."""
    return _SIGNS.sub(_space_for_punctuation, text)


def _space_for_punctuation(match: re.Match[str]) -> str:
    found, text = match[0], match.string
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    if len(found) == 1:
        within_word = found in _BETWEEN_WORDS and before.isalpha() and after.isalpha()
        if within_word or (found in _BETWEEN_DIGITS and before.isdigit() and after.isdigit()):
            return found
    kept = "".join(character for character in found if not unicodedata.category(character).startswith("P"))
    if len(kept) == len(found):
        return found
    if kept.strip():
        return kept
    return " " if before.strip() and after.strip() else ""
