"""Dumps of MediaWiki (Wikipedia and its relatives): the articles as a reader sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from ...language import gettext as _
from .base import Format, Notes, NotTextError, ReadOptions
from .wikitext import plain_text

PIECE = 1 << 20  # bytes that are parsed at a time

_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,10000}?-->\s*)*<mediawiki[\s>]", re.DOTALL
)
_PICTURES, _CATEGORIES, _MEDIA = "6", "14", "-2"  # numbers of namespaces


class Article(NamedTuple):
    """A page as its authors wrote it."""

    title: str
    wikitext: str
    not_shown: frozenset[str]  # how links begin, in lower case, that put in a picture or a category in this wiki


def read(file: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[Article]:
    """The articles: the newest revision of pages of the main namespace that are wikitext and no redirect."""
    from lxml import etree

    piece = file.read(PIECE)
    if not piece:
        raise NotTextError(_("it is empty"))
    # A dump begins with its root element. What has a document type before it is none, so no entity is ever declared.
    if not _ROOT.match(piece):
        raise NotTextError(_("it is no dump of MediaWiki"))
    wanted = tuple(f"{{*}}{name}" for name in ("namespaces", "revision", "page"))
    parser = etree.XMLPullParser(
        ("end",), tag=wanted, resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True, remove_pis=True
    )
    pages = _Pages()
    articles = 0
    damage: Exception | None = None
    while damage is None:
        try:
            if piece:
                parser.feed(piece)
            else:
                parser.close()
        except (etree.LxmlError, ValueError) as error:
            damage = error
        for article in pages.finished(parser):  # also those before the damage
            articles += 1
            yield article
        if not piece:
            break
        try:
            piece = file.read(PIECE)
        except EOFError as error:  # of a packed file that breaks off
            damage = error
    if damage is None and articles:
        return
    if damage is None:
        raise NotTextError(_("there are no articles in it"))
    reason = _("the dump breaks off or is damaged there")
    if not articles:
        raise NotTextError(reason) from damage
    notes.leave_out(_("the end"), reason)


class _Pages:
    """Takes the articles from the elements of a dump as they end, and lets go of each element."""

    def __init__(self) -> None:
        self.not_shown: frozenset[str] = frozenset()
        self.newest: str | None = None  # the text of this page's last revision, None where it is no wikitext

    def finished(self, parser: Any) -> Iterator[Article]:
        for _event, element in parser.read_events():
            name = element.tag.rpartition("}")[2]
            if name == "namespaces":
                self.not_shown = frozenset(
                    (child.text or "").strip().lower()
                    for child in element
                    if child.get("key") in (_PICTURES, _CATEGORIES, _MEDIA)
                )
            elif name == "revision":  # a dump with all of history has thousands of a page
                model = element.findtext("{*}model")
                self.newest = element.findtext("{*}text") if model in (None, "wikitext") else None
                _let_go(element)
            else:
                title, text = element.findtext("{*}title"), self.newest
                is_article = element.findtext("{*}ns", "0") == "0" and element.find("{*}redirect") is None
                self.newest = None
                _let_go(element)
                if title and text and text.strip() and is_article:
                    yield Article(title, text, self.not_shown)


def _let_go(element: Any) -> None:
    element.clear()
    while element.getprevious() is not None:
        parent = element.getparent()
        if element.tag.endswith("revision") and not element.getprevious().tag.endswith("revision"):
            break  # the page's title and namespace are still needed
        del parent[parent.index(element) - 1]


def convert(article: Article) -> Iterator[str]:
    """The article's text, its title first; nothing where only tables of links and pictures are in it."""
    if text := plain_text(article.wikitext, article.not_shown):
        yield f"{article.title}\n\n{text}"


FORMAT = Format("mediawiki", (".xml",), read, convert, records=True)
