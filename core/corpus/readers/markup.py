"""A tree of HTML, or of what trafilatura makes of it, as the text that a person would copy from the page."""

from __future__ import annotations

import html
import re
from typing import Any

from .paragraphs import SPACE_IN_CJK

NOT_SHOWN = frozenset((
    "script", "style", "noscript", "template", "head", "title", "svg", "annotation", "annotation-xml", "rt", "rp",
    "rtc", "select", "option", "button", "textarea", "input", "iframe", "object", "embed", "audio", "video",
    "canvas", "map", "datalist", "graphic", "img",
))  # fmt: skip
_PARAGRAPHS = frozenset((
    "p", "div", "section", "article", "main", "body", "html", "blockquote", "quote", "figure", "figcaption",
    "address", "details", "summary", "dl", "table", "caption", "ul", "ol", "list", "menu", "h1", "h2", "h3", "h4",
    "h5", "h6", "head", "hr", "fieldset", "form", "header", "footer", "aside", "nav", "center", "pre", "hgroup",
))  # fmt: skip
_LINES = frozenset((
    "li", "item", "dt", "dd", "tr", "row", "legend",
))  # fmt: skip
_LISTS = frozenset(("ul", "ol", "list", "menu"))
_ITEMS = frozenset(("li", "item"))
_ROWS = frozenset(("tr", "row"))
_CELLS = frozenset(("td", "th", "cell"))
_BLOCKS_IN_CELLS = ("p", "div", "ul", "ol", "pre", "h1", "h2", "h3", "h4", "blockquote")
_SPACES = re.compile(r"[ \t\n\r\f]+")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_ENTITY = re.compile(r"&(\w{2,31});")
_DOCTYPE = re.compile(r"<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>", re.IGNORECASE | re.DOTALL)
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*\n|\n[ \t]+\n")


def parse_html(text: str) -> Any:
    """The root element of a page, or None where it has none."""
    from lxml import etree

    try:
        return etree.HTML(text, etree.HTMLParser(no_network=True, remove_pis=True, remove_comments=True))
    except (etree.LxmlError, ValueError):
        return None


def parse_xhtml(text: str) -> Any:
    """The root element of a page that should be XML; one that is not well-formed is read as HTML."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    plain = _ENTITY.sub(_named_character, _DOCTYPE.sub("", text, count=1))
    try:
        return etree.fromstring(plain.encode(), parser)
    except (etree.LxmlError, ValueError):
        return parse_html(text)


def _named_character(match: re.Match[str]) -> str:
    if match[1] in ("amp", "lt", "gt", "quot", "apos"):
        return match[0]
    return html.unescape(match[0])


def name_of(element: Any) -> str:
    """An element's name in lower case, without its namespace; "" for a comment, an entity and the like."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def is_hidden(element: Any) -> bool:
    """Whether a browser would not show an element, as far as the element itself says so."""
    return (
        element.get("hidden") is not None
        or element.get("aria-hidden") == "true"
        or "headerlink" in element.get("class", "")  # the pilcrow that Sphinx and others put behind a heading
        or bool(_HIDDEN.search(element.get("style", "")))
    )


def visible_text(root: Any) -> str:
    """The text below an element, in reading order.

    Paragraphs are separated by a blank line, list items are lines with their mark, rows of a table are lines with
    tabs between the cells, preformatted text is kept as it is. Readings above characters (ruby) are left out.
    """
    from lxml import etree

    page = _Page()
    walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walk:
        name = name_of(element)
        if event == "start":
            if (name in NOT_SHOWN and not _is_heading(element, name)) or (element is not root and is_hidden(element)):
                walk.skip_subtree()
                page.skipped.add(element)
                continue
            page.start(element, name)
            page.write(element.text)
        elif event == "end":
            if element in page.skipped:
                page.skipped.discard(element)
            else:
                page.end(element, name)
        if event != "start" and element is not root:
            page.write(element.tail)
    return page.text()


def _is_heading(element: Any, name: str) -> bool:
    return name == "head" and element.get("rend") is not None  # trafilatura calls its headings so


class _Page:
    """Where the text is put together: breaks are asked for, and come before the next text."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.skipped: set[Any] = set()
        self.lists: list[int | None] = []  # the next number of each list that is open; None: it has bullets
        self.tables: list[bool] = []  # of each table that is open, whether its cells are only places on the page
        self.preformatted: set[Any] = set()  # the elements that are open whose spaces count
        self.wanted = 0  # line ends before the next text
        self.space = False  # whether a space stands before it
        self.mark = ""  # of a list item that has no text yet
        self.cells = 0  # of this row so far
        self.tabs = 0  # before the next text, one for each cell that ended

    @property
    def in_cell(self) -> bool:
        return bool(self.tables) and not self.tables[-1] and self.cells > 0

    def start(self, element: Any, name: str) -> None:
        self.separate(name)
        if name in _LISTS:
            ordered = name == "ol" or element.get("rend") == "ol"
            start = element.get("start", "1")
            self.lists.append((int(start) if start.isdecimal() and len(start) < 9 else 1) if ordered else None)
        elif name in _ITEMS and not self.in_cell:
            self.mark = "  " * (len(self.lists) - 1) + "- "
            if self.lists and (number := self.lists[-1]) is not None:
                self.mark = f"{'  ' * (len(self.lists) - 1)}{number}. "
                self.lists[-1] = number + 1
        elif name == "table":
            self.tables.append(_is_layout(element))
            self.cells = self.tabs = 0
        elif name in _ROWS:
            self.cells = self.tabs = 0
        elif name in _CELLS:
            self.start_cell()
        elif name == "pre" or (name == "code" and "\n" in (element.text or "")):
            self.separate("pre")
            self.preformatted.add(element)
        elif name in ("br", "lb"):
            self.break_line(1)

    def end(self, element: Any, name: str) -> None:
        if name in _LISTS and self.lists:
            self.lists.pop()
        elif name in _ITEMS:
            self.mark = ""
        elif name == "table" and self.tables:
            self.tables.pop()
            self.cells = self.tabs = 0
        elif name in _ROWS:
            self.cells = self.tabs = 0
        elif element in self.preformatted:
            self.preformatted.discard(element)
            self.separate("pre")
        self.separate(name)

    def start_cell(self) -> None:
        if self.tables and self.tables[-1]:
            self.break_line(2)
            return
        if self.cells:
            self.tabs += 1
        self.cells += 1

    def separate(self, name: str) -> None:
        if name in _PARAGRAPHS:
            self.break_line(1 if self.lists and name != "pre" else 2)
        elif name in _LINES:
            self.break_line(1)

    def break_line(self, lines: int) -> None:
        if self.in_cell:
            self.space = True
        elif self.mark:
            pass  # the first paragraph of a list item stands beside its mark
        else:
            self.wanted = max(self.wanted, lines)

    def write(self, text: str | None) -> None:
        if not text:
            return
        if self.preformatted and not self.in_cell:
            self.put(text.replace("\r\n", "\n"))
            return
        text = SPACE_IN_CJK.sub("", text)
        words = _SPACES.sub(" ", text)
        if words[:1] == " ":
            self.space = True
        stripped = words.strip(" ")
        if stripped:
            self.put(stripped)
            self.space = words[-1:] == " "

    def put(self, text: str) -> None:
        if self.wanted or self.mark:
            if self.parts:
                self.parts.append("\n" * max(self.wanted, 1 if self.mark else 0))
            self.parts.append(self.mark)
            self.wanted, self.mark, self.space = 0, "", False
        elif self.space and self.parts and not self.tabs and not self.parts[-1].endswith("\n"):
            self.parts.append(" ")
        self.parts.append("\t" * self.tabs)
        self.space, self.tabs = False, 0
        self.parts.append(text)

    def text(self) -> str:
        lines = "".join(self.parts).replace("\xa0", " ").replace("\xad", "")
        return _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in lines.split("\n"))).strip("\n")


def _is_layout(table: Any) -> bool:
    """Whether a table only puts parts of a page beside each other."""
    for element in table.iterdescendants():
        name = name_of(element)
        if name == "table":
            return True
        if name in _CELLS and sum(name_of(child) in _BLOCKS_IN_CELLS for child in element) > 2:
            return True
    return False
