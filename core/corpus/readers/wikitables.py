"""Tables of wikitext as lines of text: a row in a line, tabs between its cells."""

from __future__ import annotations

import re

_START = re.compile(r"^[\s:*#]*\{\|(.*)$")
_NAVIGATION = re.compile(r"infobox|navbox|toc\b|metadata|ambox|sidebar|taxobox|vertical-navbox", re.IGNORECASE)
_ATTRIBUTES = re.compile(r"""^\s*(?:[\w-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'|]+)\s*)+$""")
_LINK = re.compile(r"\[\[[^\[\]]*\]\]")


def tables_as_lines(text: str) -> str:
    """`text` with its tables as lines; those for navigation, and tables in cells of others, are left out."""
    if "{|" not in text:
        return text
    lines: list[str] = []
    open_tables: list[_Table] = []
    for line in text.split("\n"):
        if start := _START.match(line):
            open_tables.append(_Table(shown=not open_tables and not _NAVIGATION.search(start[1])))
        elif not open_tables:
            lines.append(line)
        elif (stripped := line.strip()).startswith("|}"):
            table = open_tables.pop()
            lines += table.lines()
            if rest := stripped[2:].strip():
                (lines if not open_tables else open_tables[-1].below).append(rest)
        else:
            open_tables[-1].add(stripped)
    for table in open_tables:  # one that nobody closed goes to the end of the page
        lines += table.lines()
    return "\n".join(lines)


class _Table:
    def __init__(self, shown: bool):
        self.shown = shown
        self.caption = ""
        self.rows: list[list[str]] = []
        self.below: list[str] = []  # text in a cell, behind a table inside it
        self.in_caption = False

    def add(self, line: str) -> None:
        if not self.shown:
            return
        if line.startswith("|-"):
            self.rows.append([])
            self.in_caption = False
        elif line.startswith("|+"):
            self.caption, self.in_caption = _content(line[2:]), True
        elif line.startswith(("|", "!")):
            separator = r"\|\||!!" if line[0] == "!" else r"\|\|"
            if not self.rows:
                self.rows.append([])
            self.rows[-1] += [_content(cell) for cell in re.split(separator, line[1:])]
            self.in_caption = False
        elif self.in_caption:
            self.caption = f"{self.caption} {line}".strip()
        elif self.rows and self.rows[-1]:
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {line.lstrip('*#: ')}".strip()

    def lines(self) -> list[str]:
        rows = ["\t".join(row).rstrip() for row in self.rows if any(_has_text(cell) for cell in row)]
        return ["", self.caption, "", *rows, "", *self.below] if rows and self.shown else ["", *self.below]


def _has_text(cell: str) -> bool:
    return any(character.isalnum() for character in cell)


def _content(cell: str) -> str:
    """A cell without the attributes before it: `style="..." | text`."""
    masked = _LINK.sub(lambda match: "x" * len(match[0]), cell)
    bar = masked.find("|")
    if bar >= 0 and (_ATTRIBUTES.match(cell[:bar]) or not cell[:bar].strip()):
        cell = cell[bar + 1 :]
    cell = re.sub(r"<br\s*/?>", " ", cell, flags=re.IGNORECASE)
    return " ".join(cell.split())
