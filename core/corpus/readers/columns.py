"""Which column of a table holds its text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...language import gettext as _
from .base import NotTextError

# The commonest names first; compared in lower case.
NAMES = (
    *("text", "content", "body", "article", "document", "story", "review", "review_text", "passage", "paragraph"),
    *("comment", "comments", "message", "sentence", "post", "tweet", "poem", "lyrics", "abstract", "description"),
    *("文本", "内容", "正文", "文章", "评论", "评论内容", "原文", "句子", "诗歌", "诗", "内文", "文字", "內容", "評論"),
)
SHOWN = 20  # columns that a sentence names

_NO_PROSE = re.compile(r"[\w.+-]+@[\w.-]+|(?:https?|ftp|file)://\S+|[\w/\\.:+-]*\d[\w/\\.:+-]*|(?:/[\w.-]+)+|\s*")
_WORD = re.compile(r"[^\W\d_]{2,}")
# Where a character is about a word: Han, kana, Hangul, Thai and their neighbours.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def prose(text: str) -> int:
    """About how many words of prose are in `text`: 0 for numbers, dates, addresses, a single word."""
    if _NO_PROSE.fullmatch(text):
        return 0
    words = len(_WORD.findall(text)) + len(_UNSPACED.findall(text)) // 2
    return words if words > 1 else 0


def find_column(columns: Mapping[str, Sequence[str]]) -> str | None:
    """The name of the column with the text, judged by some of its values, or None where none has any.

    One of a name in NAMES is taken before others, unless there is next to nothing in it.
    """
    amounts = {name: sum(map(prose, values)) for name, values in columns.items()}
    most = max(amounts.values(), default=0)
    for name in sorted(columns, key=_rank):
        enough = amounts[name] * (2 if "." in name else 20) >= most  # a part of something may be called so too
        if _rank(name) < len(NAMES) and enough and any(columns[name]):
            return name
    if most:
        return max(amounts, key=amounts.__getitem__)
    if len(columns) == 1:
        (only,) = columns
        return only if any(_WORD.search(value) or _UNSPACED.search(value) for value in columns[only]) else None
    return None


def _rank(name: str) -> int:
    last = name.rpartition(".")[2].strip().lower()
    return NAMES.index(last) if last in NAMES else len(NAMES)


def listed(columns: Sequence[str]) -> str:
    """Their names for a sentence."""
    return ", ".join(columns[:SHOWN]) + (", …" if len(columns) > SHOWN else "")


def missing(column: str, columns: Sequence[str]) -> NotTextError:
    """The error where a person named a column that is not there."""
    return NotTextError(
        _("it has no column {column}; there are: {columns}").format(column=column, columns=listed(columns))
    )


def none_found(columns: Sequence[str]) -> NotTextError:
    """The error where no column holds text."""
    if not columns:
        return NotTextError(_("it has no column"))
    return NotTextError(
        _("no column in it holds text; name one of these, if it does: {columns}").format(columns=listed(columns))
    )
