"""Word documents (.docx): their paragraphs, headings, lists, tables and notes, in the order of the document."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from ...language import gettext as _
from .base import Format, Notes, NotTextError, ReadOptions
from .packages import Package, parse_xml, resolve

# What holds no text of the document: deletions and what was moved away (tracked changes), properties, the old copy of
# a drawing's text for programs that know only that, pictures' data, instructions of fields.
_LEFT_OUT = frozenset((
    "del", "moveFrom", "rPr", "pPr", "sectPr", "tblPr", "tcPr", "trPr", "sdtPr", "Fallback", "instrText", "delText",
    "delInstrText", "commentRangeStart", "rt", "binData", "pict_data", "footnoteRef", "endnoteRef", "annotationRef",
))  # fmt: skip
_SIGNS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
_NOTE_SEPARATORS = ("separator", "continuationSeparator", "continuationNotice")
_MARK = "- "


class Parts(NamedTuple):
    """The parts of a document that hold text, as XML; one that it does not have is empty."""

    document: bytes
    footnotes: bytes
    endnotes: bytes
    styles: bytes


def read(file: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[Parts]:
    """The document's parts, in one payload; pictures stay behind."""
    package = Package(file)
    name = _main_part(package)
    related = _relations(package, name)
    others = []
    for kind in ("footnotes", "endnotes", "styles"):
        try:
            others.append(package.read(related[kind]) if kind in related else b"")
        except NotTextError as error:
            notes.leave_out(related[kind], str(error))
            others.append(b"")
    yield Parts(package.read(name), *others)


def _main_part(package: Package) -> str:
    name = _relations(package, "").get("officeDocument", "word/document.xml")
    if name not in package or not name.endswith(".xml") or "mimetype" in package:
        raise NotTextError(_("it is no Word document"))
    return name


def _relations(package: Package, part: str) -> dict[str, str]:
    """The parts that a part refers to, by the kind of the relation; "" is the package itself."""
    folder, base = posixpath.split(part)
    name = posixpath.join(folder, "_rels", f"{base}.rels")
    if name not in package:
        return {}
    return {
        element.get("Type", "").rpartition("/")[2]: resolve(part, element.get("Target", ""))
        for element in package.xml(name).iter("{*}Relationship")
        if element.get("TargetMode") != "External"
    }


def convert(parts: Parts) -> Iterator[str]:
    """The text: paragraphs apart by a blank line, items of lists and rows of tables as lines, notes at the end."""
    root = parse_xml(parts.document, "document.xml")
    body = next(root.iter("{*}body"), None)
    if body is None:
        raise NotTextError(_("it is no Word document"))
    styles = _styles(parts.styles)
    texts = [_text(body, styles)]
    for data, name in ((parts.footnotes, "footnotes.xml"), (parts.endnotes, "endnotes.xml")):
        if data:
            notes = [note for note in parse_xml(data, name) if _value(note, "type") not in _NOTE_SEPARATORS]
            texts += [_text(note, styles) for note in notes]
    text = "\n\n".join(filter(None, texts))
    if not text:
        raise NotTextError(_("it has no text"))
    yield text


class _Style(NamedTuple):
    listed: bool
    heading: bool


def _styles(data: bytes) -> dict[str, _Style]:
    """By its identifier, whether a style makes list items and whether it makes headings."""
    if not data:
        return {}
    found = {}
    parents = {}
    for style in parse_xml(data, "styles.xml").iter("{*}style"):
        identifier = _value(style, "styleId")
        heading = next(style.iter("{*}outlineLvl"), None) is not None
        found[identifier] = _Style(_numbered(style) is True, heading)
        parents[identifier] = next((_value(base, "val") for base in style.iter("{*}basedOn")), "")
    for identifier in found:  # a style is what the one is that it is based on
        chain, above = {identifier}, parents[identifier]
        while above in found and above not in chain:
            listed, heading = found[identifier]
            found[identifier] = _Style(listed or found[above].listed, heading or found[above].heading)
            chain.add(above)
            above = parents[above]
    return found


def _value(element: Any, name: str) -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _numbered(element: Any) -> bool | None:
    """Whether properties make a list item: None where they do not say."""
    number = next(element.iter("{*}numId"), None)
    return None if number is None else _value(number, "val") != "0"


def _tag(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(root: Any, styles: dict[str, _Style]) -> str:
    parts: list[str] = []
    before = ""
    for kind, text in _blocks(root, styles):
        if parts:
            parts.append("\n" if kind == before == "item" else "\n\n")
        parts.append(text)
        before = kind
    return "".join(parts)


def _blocks(root: Any, styles: dict[str, _Style]) -> Iterator[tuple[str, str]]:
    """Pairs of a kind (item, table, paragraph) and a text, of the outermost paragraphs and tables below `root`."""
    waiting = list(reversed(root))
    while waiting:
        element = waiting.pop()
        tag = _tag(element)
        if tag in _LEFT_OUT:
            continue
        if tag == "p":
            text, boxes = _paragraph(element)
            kind = "item" if _is_item(element, styles) else "paragraph"
            if text.strip():
                yield kind, (_MARK if kind == "item" else "") + text.strip("\n ").rstrip()
            waiting += reversed(boxes)
        elif tag == "tbl":
            if rows := _rows(element, styles):
                yield "table", rows
        else:
            waiting += reversed(element)


def _is_item(paragraph: Any, styles: dict[str, _Style]) -> bool:
    properties = next((child for child in paragraph if _tag(child) == "pPr"), None)
    if properties is None:
        return False
    style = next((_value(child, "val") for child in properties if _tag(child) == "pStyle"), "")
    known = styles.get(style, _Style(False, False))
    own = _numbered(properties)
    return not known.heading and (known.listed if own is None else own)


def _paragraph(paragraph: Any) -> tuple[str, list[Any]]:
    """The text of a paragraph, and the text boxes that hang on it."""
    parts: list[str] = []
    boxes: list[Any] = []
    waiting = list(reversed(paragraph))
    while waiting:
        element = waiting.pop()
        tag = _tag(element)
        if tag in _LEFT_OUT or _is_vanished(element):
            continue
        if tag == "t":
            parts.append(element.text or "")
        elif tag in _SIGNS:
            parts.append("" if tag == "br" and _value(element, "type") in ("page", "column") else _SIGNS[tag])
        elif tag == "txbxContent":
            boxes.append(element)
        elif tag == "sym":
            parts.append(_symbol(element))
        else:
            waiting += reversed(element)
    return "".join(parts), boxes


def _symbol(element: Any) -> str:
    code = _value(element, "char")
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    # Symbol fonts have places of their own, which mean nothing elsewhere.
    return "" if 0xE000 <= number <= 0xF8FF or not 32 <= number < 0xD800 else chr(number)


def _is_vanished(run: Any) -> bool:
    if _tag(run) != "r":
        return False
    properties = next((child for child in run if _tag(child) == "rPr"), None)
    hidden = None if properties is None else next((child for child in properties if _tag(child) == "vanish"), None)
    return hidden is not None and _value(hidden, "val") not in ("0", "false", "off")


def _rows(table: Any, styles: dict[str, _Style]) -> str:
    """A table's rows as lines; the text of tables in its cells is text of the cell."""
    rows = []
    for row in _children(table, "tr"):
        cells = [" ".join(" ".join(text.split()) for text in _cell(cell)) for cell in _children(row, "tc")]
        if any(cells):
            rows.append("\t".join(cells).rstrip())
    return "\n".join(rows)


def _cell(cell: Any) -> Iterator[str]:
    waiting = list(reversed(cell))
    while waiting:
        element = waiting.pop()
        tag = _tag(element)
        if tag == "p":
            text, boxes = _paragraph(element)
            waiting += reversed(boxes)
            if text.strip():
                yield text
        elif tag not in _LEFT_OUT:
            waiting += reversed(element)


def _children(parent: Any, wanted: str) -> Iterator[Any]:
    """The rows of a table, or the cells of a row, also those within content controls and tracked insertions."""
    waiting = list(reversed(parent))
    while waiting:
        element = waiting.pop()
        tag = _tag(element)
        if tag == wanted:
            if not (tag == "tr" and _is_deleted(element)):
                yield element
        elif tag in ("sdt", "sdtContent", "ins", "customXml", "moveTo"):
            waiting += reversed(element)


def _is_deleted(row: Any) -> bool:
    properties = next((child for child in row if _tag(child) == "trPr"), None)
    return properties is not None and any(_tag(child) == "del" for child in properties)


FORMAT = Format("docx", (".docx",), read, convert, seekable=True)
