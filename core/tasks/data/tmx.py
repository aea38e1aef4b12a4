"""Translation memories, TMX: units that hold a segment of text in each of some languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ...corpus.readers.base import Notes, Place
from ...corpus.readers.markup import name_of
from ...language import gettext as _
from .languages import language_code

_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_CODE = frozenset(("bpt", "ept", "ph", "it", "ut"))  # what is in these is markup of another program


def read_tmx(stream: BinaryIO, notes: Notes) -> Iterator[tuple[Place, Any]]:
    """Each unit as {"translation": {language: text}}, the source's language first; in memory for one of them.

    No entity is expanded, and nothing is fetched. Where the file is damaged, what is before that was given.
    """
    from lxml import etree

    number, source = 0, None
    try:
        events = etree.iterparse(
            stream, events=("end",), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True
        )
        for _event, element in events:
            name = name_of(element)
            if name == "header":
                source = language_code(element.get("srclang", ""))
            if name != "tu":
                continue
            number += 1
            texts = _texts(element)
            yield (
                ("record", number),
                {"translation": {code: texts[code] for code in sorted(texts, key=lambda code: code != source)}},
            )
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        line = error.lineno or 1
        notes.leave_out(_("line {number}").format(number=line), _("from here it is no XML; the file may be cut off"))


def _texts(unit: Any) -> dict[str, str]:
    """The first segment of each language, by its code."""
    found: dict[str, str] = {}
    for variant in unit:
        language = variant.get(_LANGUAGE) or variant.get("lang") if name_of(variant) == "tuv" else None
        segment = next((child for child in variant if name_of(child) == "seg"), None) if language else None
        if language and segment is not None:
            found.setdefault(language_code(language) or language.lower(), " ".join("".join(_pieces(segment)).split()))
    return found


def _pieces(element: Any) -> Iterator[str]:
    """The text below an element, without the markup of other programs and what is in it."""
    yield element.text or ""
    for child in element:
        if name_of(child) and name_of(child) not in _CODE:
            yield from _pieces(child)
        yield child.tail or ""
