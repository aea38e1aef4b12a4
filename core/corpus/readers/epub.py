"""Books in EPUB: the text of their chapters, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ...errors import UserError
from ...language import gettext as _
from .base import Format, Notes, NotTextError, ReadOptions
from .decoding import decode_markup
from .markup import name_of, parse_xhtml, visible_text
from .packages import Package, resolve

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html", "text/x-oeb1-document")
_FONTS = (".otf", ".ttf", ".woff", ".woff2")
# The kinds of parts in which a book lists what is in it.
_LISTS_OF_CONTENTS = {"toc", "loi", "lot", "landmarks", "page-list"}
_LEFT_OUT = {*_LISTS_OF_CONTENTS, "noteref", "pagebreak", "backlink"}  # and the marks that lead to notes and pages


def read(file: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[str]:
    """The chapters as XHTML, in the order of the spine; tables of contents are left out."""
    package = Package(file)
    container = min((name for name in package.names() if name.endswith(_CONTAINER)), key=len, default=None)
    if container is None:
        raise NotTextError(_("it is no EPUB: it has no {name}").format(name=_CONTAINER))
    top = container.removesuffix(_CONTAINER)  # "", unless someone packed the folder and not what is in it
    book = _book(package, container, top)
    encrypted = _encrypted(package, top)
    chapters = _chapters(package.xml(book), book)
    if not chapters:
        raise NotTextError(_("it has no chapters"))
    if encrypted.intersection(chapters):
        raise NotTextError(_("it is locked by its shop (DRM): only a copy without a lock can be read"))
    problems = []
    for name in chapters:
        try:
            page = decode_markup(package.read(name), notes)
        except UserError as error:
            problems.append((name, str(error)))
        else:
            yield page
    if len(problems) == len(chapters):
        raise NotTextError(problems[0][1])
    for name, reason in problems:
        notes.leave_out(name, reason)


def _book(package: Package, container: str, top: str) -> str:
    for element in package.xml(container).iter("{*}rootfile"):
        if path := element.get("full-path"):
            return resolve(top, path)
    raise NotTextError(_("it is damaged: {name} names no book").format(name=_CONTAINER))


def _encrypted(package: Package, top: str) -> set[str]:
    """The entries that are locked; fonts often are, in books that can be read."""
    name = f"{top}{_ENCRYPTION}"
    if name not in package:
        return set()
    references = [element.get("URI", "") for element in package.xml(name).iter("{*}CipherReference")]
    return {resolve(top, reference) for reference in references if not reference.lower().endswith(_FONTS)}


def _chapters(book: Any, name: str) -> list[str]:
    pages: dict[str, str] = {}
    for item in book.iter("{*}item"):
        properties = item.get("properties", "").split()
        if item.get("media-type") in _PAGES and "nav" not in properties and item.get("href"):
            pages[item.get("id", "")] = resolve(name, item.get("href"))
    contents = {
        resolve(name, reference.get("href", ""))
        for reference in book.iter("{*}reference")
        if reference.get("type", "").lower() in _LISTS_OF_CONTENTS
    }
    wanted = [pages[ref.get("idref")] for ref in book.iter("{*}itemref") if ref.get("idref") in pages]
    # A guide may call the first chapter "toc" where the list of contents is a part of it: then nothing else is lost.
    kept = [page for page in dict.fromkeys(wanted) if page not in contents]
    return kept or wanted


def convert(page: str) -> Iterator[str]:
    """The text of one chapter; nothing where it is a picture or a list of contents."""
    from lxml import etree

    root = parse_xhtml(page)
    if root is None:
        return
    for element in list(root.iter(etree.Element)):
        if _LEFT_OUT.intersection(_kinds(element)) and element is not root:
            element.clear(keep_tail=True)
    body = next((element for element in root.iter() if name_of(element) == "body"), root)
    if text := visible_text(body):
        yield text


def _kinds(element: Any) -> list[str]:
    kinds: str = element.get("{http://www.idpf.org/2007/ops}type") or element.get("epub:type") or ""
    return f"{kinds} {element.get('role', '').removeprefix('doc-')}".lower().split()


FORMAT = Format("epub", (".epub",), read, convert, seekable=True)
