"""What stands on the pages of a PDF: lines of text and where they are, by pdfium."""

from __future__ import annotations

import ctypes
import math
import re
from statistics import median
from typing import Any, NamedTuple

from ...language import gettext as _
from .base import NotTextError

_LIGATURES = {
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb05": "st",
    "\ufb06": "st",
}
_LINE = re.compile("[^\r\n\ufffe]+\ufffe?")  # pdfium has U+FFFE for a hyphen and the line end behind it
_LIGATURE = re.compile("[\ufb00-\ufb06]")
CELL = 1.4  # heights of a character between two cells of a table at least; words are nearer to each other

_PASSWORD = 4  # pdfium's number of the error
_SAMPLE_OF_PAGES = 20


class Line(NamedTuple):
    """A line of a page; in points, from the lower left corner."""

    text: str
    left: float
    right: float
    baseline: float
    size: float  # the height of a character


class Page(NamedTuple):
    """The lines of a page in the order in which the file has them."""

    number: int  # from 1
    lines: list[Line]


def open_document(source: Any) -> Any:
    """A pypdfium2.PdfDocument of bytes or an open file. Raises NotTextError where it is locked or damaged."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(source)
        if len(document) > 0:
            return document
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD or "password" in str(error).lower():
            raise NotTextError(_("it is encrypted: save it without a password")) from error
        raise NotTextError(_("it is damaged, or no PDF")) from error
    except (OSError, ValueError, TypeError) as error:
        raise NotTextError(_("it is damaged, or no PDF")) from error
    raise NotTextError(_("it has no pages"))


def page_lines(document: Any, index: int) -> Page | None:
    """The page with this index, from 0, or None where it is damaged."""
    import pypdfium2

    try:
        page = document[index]
        try:
            text_page = page.get_textpage()
            try:
                return Page(index + 1, _lines(text_page))
            finally:
                text_page.close()
        finally:
            page.close()
    except (pypdfium2.PdfiumError, ValueError, IndexError):
        return None


def has_pictures(document: Any) -> bool:
    """Whether there is a picture on one of the first pages."""
    import pypdfium2
    import pypdfium2.raw as pdfium

    for index in range(min(len(document), _SAMPLE_OF_PAGES)):
        try:
            if next(iter(document[index].get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE])), None) is not None:
                return True
        except (pypdfium2.PdfiumError, ValueError):
            continue
    return False


def _lines(text_page: Any) -> list[Line]:
    import pypdfium2.raw as pdfium

    count = pdfium.FPDFText_CountChars(text_page)
    if count <= 0:
        return []
    buffer = (ctypes.c_ushort * (count + 1))()
    written = pdfium.FPDFText_GetText(text_page, 0, count, buffer)
    # One character for each unit of UTF-16, as pdfium counts them.
    units = "".join(map(chr, buffer[: max(0, written - 1)]))
    lines = [line for match in _LINE.finditer(units) if (line := _line(text_page, match[0], match.start())) is not None]
    upright = [line for line, is_upright in lines if is_upright]
    # What is written along the edge is a stamp; a page of which most is turned is read as it is.
    return upright if len(upright) * 2 >= len(lines) else [line for line, _is_upright in lines]


def _line(text_page: Any, units: str, start: int) -> tuple[Line, bool] | None:
    """A line whose units begin at `start` of the page's text, and whether it runs from left to right."""
    import pypdfium2.raw as pdfium

    text = (
        _with_tabs(text_page, units, start)
        .encode("utf-16-le", "surrogatepass")
        .decode("utf-16-le", "ignore")
        .replace("\0", "")
        .replace("\ufffe", "-")
        .strip()
    )
    if not text:
        return None
    first, last = start + len(units) - len(units.lstrip()), start + len(units.rstrip()) - 1
    middle_place = (first + last) // 2
    while units[middle_place - start].isspace():  # a space may be pdfium's own, which has no size
        middle_place -= 1
    places = [
        index
        for place in (first, middle_place, last)
        if (index := pdfium.FPDFText_GetCharIndexFromTextIndex(text_page, place)) >= 0
    ]
    boxes = [box for index in places if (box := _box(text_page, index)) is not None]
    if not boxes:
        return None
    middle = places[len(places) // 2]
    size = _font_size(text_page, middle) or median(top - bottom for _left, _right, bottom, top in boxes)
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharOrigin(text_page, middle, x, y)
    turned = abs(math.sin(pdfium.FPDFText_GetCharAngle(text_page, places[0])))
    text = _LIGATURE.sub(lambda match: _LIGATURES[match[0]], text).replace("\xa0", " ")
    left, right = min(box[0] for box in boxes), max(box[1] for box in boxes)
    return Line(text, left, right, y.value, max(size, 1.0)), turned < 0.3


def _with_tabs(text_page: Any, units: str, start: int) -> str:
    """The line with a tab for each space that is so wide that another cell of a table begins behind it."""
    import pypdfium2.raw as pdfium

    gaps: dict[int, float] = {}
    for place in range(1, len(units) - 1):
        if units[place] == " " != units[place - 1] and units[place + 1] != " ":
            before, after = (
                _box(text_page, pdfium.FPDFText_GetCharIndexFromTextIndex(text_page, start + place + step))
                for step in (-1, 1)
            )
            if before and after:
                gaps[place] = (after[0] - before[1]) / max(0.1, before[3] - before[2])
    if len(gaps) > 2 and max(gaps.values()) < 1.15 * min(gaps.values()):
        return units  # words that were spread to fill the line
    return "".join("\t" if gaps.get(place, 0) > CELL else unit for place, unit in enumerate(units))


def _box(text_page: Any, index: int) -> tuple[float, float, float, float] | None:
    """(left, right, bottom, top) of a character, or None where it has none."""
    import pypdfium2.raw as pdfium

    box = pdfium.FS_RECTF()
    found = pdfium.FPDFText_GetLooseCharBox(text_page, index, box) and box.right > box.left
    return (box.left, box.right, box.bottom, box.top) if found else None


def _font_size(text_page: Any, index: int) -> float:
    """The size of a character's font in points, as it is on the page; 0 where it is unknown."""
    import pypdfium2.raw as pdfium

    matrix = pdfium.FS_MATRIX()
    if not pdfium.FPDFText_GetMatrix(text_page, index, matrix):
        return 0.0
    return float(pdfium.FPDFText_GetFontSize(text_page, index) * math.hypot(matrix.c, matrix.d))
