"""Lines of a page put together to paragraphs, in scripts with spaces between the words and in those without."""

from __future__ import annotations

import re
from collections.abc import Collection

# Chinese and Japanese characters and their punctuation, between which a line end is no space. Korean has spaces.
CJK = "\u2e80-\u2fdf\u3000-\u30ff\u31c0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
SPACE_IN_CJK = re.compile(f"(?<=[{CJK}])[ \t\r\f]*\n[ \t\n\r\f]*(?=[{CJK}])")
_CJK = re.compile(f"[{CJK}]")
_HYPHENATED = re.compile(r"[^\W\d_]{2,}[-\u2010]$")
_LAST_WORD = re.compile(r"[\w-]+$")
_FIRST_WORD = re.compile(r"[\w-]*\w")
_SURE_HYPHEN = ("\u00ad", "\x02")  # what is only there because the line ends


def is_cjk(character: str) -> bool:
    """Whether it is a Chinese or Japanese character, or punctuation of theirs."""
    return bool(_CJK.match(character))


def join_lines(first: str, second: str, words: Collection[str] = ()) -> str:
    """Two lines of a paragraph as one: a word that was cut by the line end is whole again.

    `words` are those of the text, in lower case: they tell a word that was cut from one that has a hyphen.
    """
    first, second = first.rstrip(), second.lstrip()
    if not first or not second:
        return first or second
    if first.endswith(_SURE_HYPHEN):
        return first[:-1] + second
    if _HYPHENATED.search(first) and second[0].islower():
        beginning, rest = _LAST_WORD.search(first), _FIRST_WORD.match(second)
        word = f"{beginning[0] if beginning else ''}{rest[0] if rest else ''}".lower()
        compound = "-" in word.replace("-", "", 1) or first[-2].isupper()
        if word.replace("-", "") in words or (word not in words and not compound):
            return first[:-1] + second
        return first + second
    if is_cjk(first[-1]) and is_cjk(second[0]):
        return first + second
    return f"{first} {second}"
