"""PDF: the text of the pages as paragraphs, without what repeats on each page."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from ...language import gettext as _
from .base import Format, Notes, NotTextError, Paged, ReadOptions
from .pdf_layout import running_pages
from .pdf_pages import Page, has_pictures, open_document, page_lines

LARGE = 32_000_000  # bytes; of a larger file only the lines are handed on, not the pictures between them
PAGES = 500  # of a large file that are put together at a time

Payload = bytes | list[Page]


def read(file: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[Payload]:
    """The file's bytes, or the lines of a large file's pages."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if not size:
        raise NotTextError(_("it is empty"))
    if size <= LARGE:
        yield file.read()
        return
    document = open_document(file)
    try:
        yield from _parts(document, notes)
    finally:
        document.close()


def _parts(document: Any, notes: Notes) -> Iterator[list[Page]]:
    found = False
    pages: list[Page] = []
    for index in range(len(document)):
        page = page_lines(document, index)
        if page is None:
            notes.leave_out(_("page {number}").format(number=index + 1), _("it is damaged"))
        elif page.lines:
            pages.append(page)
            found = True
        if len(pages) == PAGES:
            yield pages
            pages = []
    if pages:
        yield pages
    if not found:
        raise NotTextError(_why_no_text(document, notes.left_out))


def convert(payload: Payload) -> Iterator[str]:
    """The text. Raises NotTextError at the end where pages are damaged: the others have been given then."""
    return (text for text, _pages in paged(payload))


def paged(payload: Payload) -> Iterator[Paged]:
    """The same, with the places in the text where pages begin."""
    if not isinstance(payload, bytes):
        yield running_pages(payload)
        return
    document = open_document(payload)
    try:
        pages = [page_lines(document, index) for index in range(len(document))]
        damaged = [index + 1 for index, page in enumerate(pages) if page is None]
        text, places = running_pages([page for page in pages if page is not None])
        if not text:
            raise NotTextError(_why_no_text(document, damaged))
    finally:
        document.close()
    yield text, places
    if damaged:
        raise NotTextError(_("these pages of it are damaged: {pages}").format(pages=", ".join(map(str, damaged))))


def _why_no_text(document: Any, damaged: list[Any]) -> str:
    if len(damaged) == len(document):
        return _("all of its pages are damaged")
    if has_pictures(document):
        return _("its pages are pictures: run it through OCR first")
    return _("it has no text")


FORMAT = Format("pdf", (".pdf",), read, convert, pages=paged, seekable=True)
