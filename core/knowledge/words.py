"""Text as the terms by which it is found: English words without their endings, Chinese words, both scripts alike."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterator

from ..corpus.readers.paragraphs import SPACE_IN_CJK

# Scripts without spaces between words, for which there is no dictionary here: pairs of characters are their words.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\uac00-\ud7a3"
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(f"(?P<han>[{_HAN}]+)|(?P<unspaced>[{_UNSPACED}]+)|[^\\W{_HAN}{_UNSPACED}]+")
_ANY_HAN = re.compile(f"[{_HAN}]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_+")  # within readLine, HTMLParser, read_line

# Words that say how a question is asked, not what it is about. The lists of stopwords-iso hold words that it may be
# about, "different", "page" and "order" among them: with these lists the right answer comes first for 49.5 % instead of
# 53.2 % of the questions of the Perl FAQ, and among the first five for 88.5 % instead of 91.2 % of package summaries.
_ENGLISH = """
a about am an and any anything are arent as at be been but by can cant could couldnt did didnt do does doesnt doing
done dont each either else for from get got had has have having how i id if im in into is isnt it its ive just know
let like many may me might much must my no nor not of on one or other our please shall should so some something such
tell than that the their them then there theres these they this those to too us use used using very want was way we
were what whats when where whether which who whom whose why will with wont would you your
"""
_CHINESE = """
的 了 是 在 我 有 和 就 都 一 一个 上 也 很 到 说 要 去 你 您 会 着 没有 这 这个 那
那个 吗 呢 吧 啊 呀 么 如何 怎么 怎样 什么 为什么 为何 哪些 哪 哪里 哪个 哪儿 谁 能 能够
可以 可 能否 是否 怎么样 怎么办 多少 几 与 及 或 或者 而 对 从 把 被 之 以 为 于 它 他
她 我们 你们 他们 它们 应该 应当 需要 想 请 请问 告诉 知道 得 地 并 但 但是 因为 所以 如果
那么 什么样 来 给 让 用 使用 由 向 中 里 等
"""
SMALL_WORDS = frozenset(f"{_ENGLISH} {_CHINESE}".split())


def words(text: str) -> list[str]:
    """The terms of `text`, in order."""
    return [term for word in _words(text) for term in _terms(word)]


def question_words(question: str) -> list[str]:
    """The terms that a question is about; all of them where it has nothing but small words."""
    found = list(_words(question))
    content = [word for word in found if word not in SMALL_WORDS]
    return [term for word in content or found for term in _terms(word)]


def _terms(word: str) -> list[str]:
    """A word without its ending; a Chinese one and its characters, as they are in other words of the same sense."""
    if _ANY_HAN.match(word):
        return [word, *word] if len(word) > 1 else [word]
    return [stem(word)]


def _words(text: str) -> Iterator[str]:
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", text))
        if _ANY_HAN.search(text):
            text = _simplified()(SPACE_IN_CJK.sub("", text))  # a word may go on in the next line
    for match in _RUN.finditer(_APOSTROPHE.sub("", text)):
        run = match[0]
        if match["han"]:
            yield from _segmented()(run)
        elif match["unspaced"]:
            yield from (run[place : place + 2] for place in range(max(1, len(run) - 1)))
        elif word := run.strip("_").lower():
            yield word
            if len(humps := _HUMP.split(run.strip("_"))) > 1:
                yield from (hump.lower() for hump in humps)


@functools.lru_cache(1 << 16)
def stem(word: str) -> str:
    """A word in lower case without its English ending, by Porter's second algorithm; other words as they are."""
    return _stemmer()(word) if word.isascii() and word.isalpha() else word


@functools.cache
def _stemmer() -> Callable[[str], str]:
    import snowballstemmer

    return snowballstemmer.stemmer("english").stemWord


@functools.cache
def _segmented() -> Callable[[str], list[str]]:
    import rjieba

    return rjieba.cut_for_search


@functools.cache
def _simplified() -> Callable[[str], str]:
    from opencc import OpenCC

    return OpenCC("t2s").convert
