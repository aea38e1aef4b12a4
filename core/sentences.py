"""Sentences of a text, in English and its neighbours as in Chinese and Japanese, with what stands between them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .corpus.readers.paragraphs import is_cjk

# A mark that ends a sentence with the quotes and brackets that close after it; in Latin script a space follows, and no
# small letter after that.
_END = re.compile(
    r"[。！？；…]+[”’」』）)\"']*|[.!?]+[\"'”’)\]]*(?=\s+[^\sa-z])|\n+",
)
_SHORT = re.compile(r"(?<![^\s(])(?:[A-Za-z]|e\.g|i\.e|etc|vs|cf|Mr|Mrs|Ms|Dr|Prof|St|No|Fig|vol|pp|al|approx)\.$")
_LONGEST = len("approx.")


def join_sentences(sentences: Iterable[str]) -> str:
    """Sentences as one text: a space between two, but between two in Chinese or Japanese."""
    whole = ""
    for sentence in filter(None, sentences):
        spaced = whole and not (is_cjk(whole[-1]) and is_cjk(sentence[0]))
        whole += f" {sentence}" if spaced else sentence
    return whole


def split_sentences(text: str) -> list[tuple[str, str]]:
    """The sentences of `text`, each with the white space that follows it; put together they are the text."""
    found: list[tuple[str, str]] = []
    begin = 0
    for match in _END.finditer(text):
        end = match.end()
        if match[0].startswith("\n"):
            end = match.start()
        elif match[0] == "." and _SHORT.search(text, max(begin, end - _LONGEST), end):
            continue
        if end <= begin:
            continue
        after = end
        while after < len(text) and text[after].isspace():
            after += 1
        found.append((text[begin:end], text[end:after]))
        begin = after
    if begin < len(text):
        stripped = text[begin:].rstrip()
        found.append((stripped, text[begin + len(stripped) :]))
    return found
