"""The catalogues of gettext, .po: messages of a program and their translations.

They are read by a reader of our own, because it tells a broken entry by its line and goes on with the next; libraries
for them refuse the whole file.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO

from ...corpus.readers.base import Notes, Place
from ...corpus.reading import open_text
from ...language import gettext as _
from .languages import language_code, language_of_name

_HEAD = 1 << 14  # bytes that may hold the header's charset
_CHARSET = re.compile(rb"charset=([\w.-]+)", re.IGNORECASE)
_LANGUAGE = re.compile(r"^Language:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
_KEYWORD = re.compile(r"(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)\s*(\".*)")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\([abfnrtv\\\"']|x[0-9a-fA-F]{2}|[0-7]{1,3})")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def read_po(
    stream: BinaryIO, notes: Notes, name: str, source: str, skipped: Counter[str]
) -> Iterator[tuple[Place, Any]]:
    """Each translated message as {"source", "target", "source_language", "target_language"}.

    The language of the target is the header's, else that of the file's name; absent where neither tells. A message
    with a plural is two: the singular, and the plural with the second form. `skipped` counts the "fuzzy" ones, whose
    translation may be wrong, and the "untranslated".
    """
    target = language_of_name(name)
    for number, entry in _entries(_text(stream, notes), notes):
        if entry.get("msgid") == "":
            header = _LANGUAGE.search(entry.get("msgstr", ""))
            if header:
                target = language_code(header[1]) or header[1].lower()
            continue
        if "fuzzy" in entry:
            skipped["fuzzy"] += 1
            continue
        pairs = _pairs(entry)
        if not pairs:
            skipped["untranslated"] += 1
        for one, other in pairs:
            record = {"source": one, "target": other, "source_language": source}
            yield ("line", number), record | ({"target_language": target} if target else {})


def _pairs(entry: dict[str, str]) -> list[tuple[str, str]]:
    one, many = entry.get("msgid", ""), entry.get("msgid_plural")
    if many is None:
        pairs = [(one, entry.get("msgstr", ""))]
    elif "msgstr[1]" in entry:
        pairs = [(one, entry.get("msgstr[0]", "")), (many, entry["msgstr[1]"])]
    else:  # one form for any number
        pairs = [(many, entry.get("msgstr[0]", ""))]
    return [(source, target) for source, target in pairs if source.strip() and target.strip()]


def _text(stream: BinaryIO, notes: Notes) -> io.TextIOBase:
    """The file as text, in the encoding that its header names or else in the one that its bytes tell."""
    peek = getattr(stream, "peek", None)
    match = _CHARSET.search(peek(_HEAD)[:_HEAD]) if peek else None
    if match and match[1].upper() not in (b"CHARSET", b"ASCII", b"US-ASCII"):
        encoding = match[1].decode()
        try:
            text = io.TextIOWrapper(stream, encoding, "replace")
        except LookupError:
            return open_text(stream, notes)
        notes.encoding = encoding
        return text
    return open_text(stream, notes)


def _entries(text: io.TextIOBase, notes: Notes) -> Iterator[tuple[int, dict[str, str]]]:
    """The entries with the lines of their messages; "fuzzy" is in those that are. A broken one is noted."""
    entry: dict[str, str] = {}
    begin, last, fuzzy, broken = 0, "", False, 0
    for number, line in enumerate(text, 1):
        line = line.strip().removeprefix("\ufeff")
        if line.startswith("#"):
            if entry or broken:
                yield from _ended(entry, begin, broken, notes)
                entry, begin, last, fuzzy, broken = {}, 0, "", False, 0
            fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
            continue
        if not line:
            last = ""
            continue
        match = _KEYWORD.fullmatch(line)
        string = _STRING.fullmatch(match[2].rstrip() if match else line)
        if match and match[1] in ("msgctxt", "msgid") and ("msgid" in entry or broken):
            yield from _ended(entry, begin, broken, notes)
            entry, begin, last, fuzzy, broken = {}, 0, "", False, 0
        if match and string:
            last = match[1]
            entry[last] = _unescaped(string[1])
            begin = begin or number
            if last == "msgid":
                begin = number
                if fuzzy:
                    entry["fuzzy"], fuzzy = "", False
        elif string and last:
            entry[last] += _unescaped(string[1])
        elif not broken:
            if not last and ("msgstr" in entry or "msgstr[0]" in entry):  # it ended before the blank line
                yield from _ended(entry, begin, broken, notes)
                entry, begin = {}, 0
            broken = number
    yield from _ended(entry, begin, broken, notes)


def _ended(entry: dict[str, str], begin: int, broken: int, notes: Notes) -> Iterator[tuple[int, dict[str, str]]]:
    if broken:
        notes.leave_out(_("line {number}").format(number=broken), _("it is not written as gettext's catalogues are"))
    elif "msgid" in entry:
        yield begin, entry


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    escape = match[1]
    if escape[0] == "x":
        return chr(int(escape[1:], 16))
    if escape[0].isdigit():
        return chr(int(escape, 8) & 0xFF)
    return _ESCAPED.get(escape, escape)
