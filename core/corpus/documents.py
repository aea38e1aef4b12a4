"""Where one document ends and the next begins.

A model learns that a text starts and stops at these places, and a document is the smallest thing that is held out, so
a long book must be cut somewhere: at a blank line, after enough text to be worth calling a document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

MODES = ("auto", "file", "paragraph", "line")
ENOUGH = 2_000  # characters; from here on, the next blank line ends a document
MOST = 20_000  # characters; from here on, the end of the line or of a sentence does
REMAINDER = 200  # characters; less than this at the end of a file stays with what is before it

_SENTENCE_END = re.compile(r".*(?:[。！？…]|[.!?][\"')\]]*\s)|.*\s", re.DOTALL)


def split_documents(lines: Iterable[str], mode: str = "auto") -> Iterator[str]:
    """Cut the lines of one file into documents.

    Modes: "auto" as above; "file": all of it is one document; "paragraph": every blank line ends one, as in a file of
    poems; "line": every line is one.
    """
    if mode == "line":
        return (line for line in lines if line.strip())
    if mode == "file":
        return iter([text] if (text := "".join(lines)).strip() else [])
    if mode == "paragraph":
        return _paragraphs(lines)
    return _join_remainder(_passages(lines))


def _paragraphs(lines: Iterable[str]) -> Iterator[str]:
    block: list[str] = []
    for line in lines:
        if line.strip():
            block.append(line)
        elif block:
            yield "".join(block)
            block = []
    if block:
        yield "".join(block)


def _passages(lines: Iterable[str]) -> Iterator[str]:
    block: list[str] = []
    size = 0
    for line in lines:
        blank = not line.strip()
        if not block and blank:
            continue
        block.append(line)
        size += len(line)
        if size >= MOST and not blank:
            text, rest = _cut("".join(block))
            yield text
            block, size = [rest] if rest else [], len(rest)
        elif size >= ENOUGH and blank:
            yield "".join(block)
            block, size = [], 0
    if block:
        yield "".join(block)


def _cut(text: str) -> tuple[str, str]:
    """`text` in two: at the end of the line, which may be its own end, else of a sentence, else between two words."""
    if text.endswith("\n"):
        return text, ""
    newline = text.rfind("\n", len(text) // 2)
    if newline >= 0:
        return text[: newline + 1], text[newline + 1 :]
    match = _SENTENCE_END.match(text, len(text) // 2)
    end = match.end() if match else len(text)
    return text[:end], text[end:]


def _join_remainder(passages: Iterator[str]) -> Iterator[str]:
    held = next(passages, None)
    for passage in passages:
        if len(passage.strip()) < REMAINDER:
            held = f"{held}{passage}"
        else:
            if held is not None:
                yield held
            held = passage
    if held is not None:
        yield held
