"""Web pages that were saved: their main text, without menus, notices and comments."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from ...language import gettext as _
from .base import Format, Notes, NotTextError, ReadOptions
from .decoding import decode_markup, read_bytes
from .markup import name_of, parse_html, visible_text

ENOUGH_OF_A_PART = 0.6  # of the text of a part of the page is main text: then all of that part is
MOST_OF_THE_TEXT = 0.9  # of the main text lies in the part of the page that is taken for it
SHORTEST_BLOCK = 20  # characters of a paragraph that is looked for in the page
_BLOCKS = frozenset((
    "p", "li", "dd", "dt", "pre", "td", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6",
))  # fmt: skip
_FOUND_BLOCKS = frozenset((
    "p", "item", "cell", "head", "code", "quote",
))  # fmt: skip
_AROUND = frozenset((
    "nav", "footer", "aside", "form", "dialog",
))  # fmt: skip
_ROLES = frozenset((
    "navigation", "banner", "contentinfo", "search", "complementary", "dialog", "alertdialog", "menu", "menubar",
    "tablist",
))  # fmt: skip
_NAMES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|navheader|navfooter|menu|sidebar|sphinxsidebar|breadcrumbs?|cookies?|consent|"
    r"gdpr|footer|related|comments?|respond|disqus|share|sharing|social|advert\w*|ads?|promo|newsletter|subscribe|"
    r"pagination|pager|skip|toc|popup|modal|banner|mw-editsection|navbox|catlinks|printfooter)(?:$|[\s_-])",
    re.IGNORECASE,
)
_UNSEEN = ("head", "script", "style", "noscript", "template")
_PILCROW = re.compile(r"¶$", re.MULTILINE)  # the link behind a heading
_TITLE_PARTS = re.compile(r"\s+[-–—|·»«:]+\s+|_|\|")
_WORDLESS = re.compile(r"\W+")


def read(file: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[str]:
    """The page, decoded."""
    text = decode_markup(read_bytes(file), notes)
    if not text.strip():
        raise NotTextError(_("it is empty"))
    yield text


def convert(page: str) -> Iterator[str]:
    """The main text of a page.

    What is main text is found by trafilatura (Barbaresi 2021, https://aclanthology.org/2021.acl-demo.15). Where nearly
    all of it lies in one part of the page that is little else, that part is taken as it stands, with its headings;
    otherwise only what trafilatura chose. A page in which it finds nothing gives all its visible text.
    """
    root = parse_html(page)
    if root is None:
        raise NotTextError(_("it is not a web page"))
    found = _extracted(page)
    title = _title(root)
    _take_away_surroundings(root)
    part = _part_of_main_text(root, found)
    if part is None and found is not None and _length(found) >= _length(root) * ENOUGH_OF_A_PART:
        part = root
    text = visible_text(part if part is not None else found) if part is not None or found is not None else ""
    text = _PILCROW.sub("", text or _all_text(page))
    if not text:
        raise NotTextError(_("it has no text"))
    beginning = _plain(text[:1000])
    if title and not any(_plain(part) in beginning for part in [title, *_TITLE_PARTS.split(title)] if _plain(part)):
        text = f"{title}\n\n{text}"
    yield text


def _extracted(page: str) -> Any:
    """The body of what trafilatura finds, or None."""
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it reports each page in which it finds nothing
    try:
        document = trafilatura.bare_extraction(
            page, favor_recall=True, include_comments=False, include_tables=True, include_formatting=True
        )
    except Exception:  # of a library that meets any page: all visible text is taken then
        return None
    return getattr(document, "body", None)


def _title(root: Any) -> str:
    headings = ["".join(heading.itertext()) for heading in root.iter("h1")]
    titles = ["".join(title.itertext()) for title in root.iter("title")]
    for candidate in (*(headings if len(headings) == 1 else ()), *titles[:1]):
        if words := " ".join(candidate.replace("¶", " ").split()):
            return words
    return ""


def _take_away_surroundings(root: Any) -> None:
    """Remove what is not the page's own text by what its authors call it."""
    from lxml import etree

    for element in list(root.iter(*_UNSEEN)):
        _remove(element)
    total = _length(root)
    for element in list(root.iter(etree.Element)):
        name = name_of(element)
        if name in ("html", "body", "main", "article", *_BLOCKS) or element.getparent() is None:
            continue
        called = f"{element.get('class', '')} {element.get('id', '')}"
        if (
            name in _AROUND
            or element.get("role") in _ROLES
            or (name == "header" and next(element.iterancestors("article", "main"), None) is None)
            or (_NAMES.search(called) and next(element.iter("article", "main"), None) is None)
        ) and _length(element) * 2 < total:  # a page whose text is all in a form or a "modal" keeps it
            _remove(element)


def _remove(element: Any) -> None:
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
        element.tail = None
    parent.remove(element)


def _part_of_main_text(root: Any, found: Any) -> Any:
    """The smallest element of the page that holds nearly all of the text that was found, and little else."""
    if found is None:
        return None
    wanted = {
        key
        for element in found.iter()
        if name_of(element) in _FOUND_BLOCKS and len(key := _plain("".join(element.itertext()))) >= SHORTEST_BLOCK
    }
    weights: dict[Any, int] = {}
    total = 0
    for element in root.iter(*_BLOCKS):
        key = _plain("".join(element.itertext()))
        if key not in wanted:
            continue
        wanted.discard(key)
        total += len(key)
        ancestor = element
        while ancestor is not None:
            weights[ancestor] = weights.get(ancestor, 0) + len(key)
            ancestor = ancestor.getparent()
    if total * 2 < _length(found):  # the page is made of other elements than these
        return None
    part = root
    while (
        inner := next((child for child in part if weights.get(child, 0) >= total * MOST_OF_THE_TEXT), None)
    ) is not None and name_of(inner) not in _BLOCKS:
        part = inner
    return part if total >= _length(part) * ENOUGH_OF_A_PART else None


def _length(element: Any) -> int:
    return len(_plain("".join(element.itertext())))


def _plain(text: str) -> str:
    return _WORDLESS.sub("", text)


def _all_text(page: str) -> str:
    root = parse_html(page)
    return "" if root is None else visible_text(root)


FORMAT = Format("html", (".html", ".htm", ".xhtml"), read, convert)
