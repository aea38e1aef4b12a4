"""The step that tidies the space between words, lines and paragraphs."""

from __future__ import annotations

import re

ODD_SPACE = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f]")
_IDEOGRAPHIC_SPACE = re.compile("^\u3000+|\u3000", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{3,}")
BLANKS = " \t\u3000"  # not at the end of a line


def tidy_white_space(text: str) -> str:
    """Plain spaces, none at the ends of lines, at most one blank line in a row, none before and after the text.

    Indentation, tabs and runs of spaces within a line stay, and so do the ideographic spaces that begin a Chinese
    paragraph.
    """
    if not text.isascii():
        if ODD_SPACE.search(text):
            text = ODD_SPACE.sub(" ", text)
        if "\u3000" in text:
            # A line's first ones stay; each other one is a space.
            text = _IDEOGRAPHIC_SPACE.sub(_plain_inside, text)
    if " \n" in text or "\t\n" in text or "\u3000\n" in text or text.endswith(tuple(BLANKS)):
        # Not a regular expression: `[ \t]+$` takes a time that grows with the square of a long run of spaces.
        text = "\n".join([line.rstrip(BLANKS) for line in text.split("\n")])
    if "\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n", text)
    return text.strip("\n")


def _plain_inside(match: re.Match[str]) -> str:
    start = match.start()
    return match[0] if start == 0 or match.string[start - 1] == "\n" else " "
