"""Bytes to text for the readers: what a page says of its encoding, if that is true, else what its bytes say."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from ...errors import UserError
from ...language import gettext as _
from ..reading import SAMPLE, detect_encoding
from .base import Notes, NotTextError

_DECLARED = re.compile(
    rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)|<meta\b[^>]{0,500}?charset\s*=\s*[\"']?\s*([\w.:-]+)",
    re.IGNORECASE,
)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_HEAD = 4096  # bytes in which a page says its encoding
# What files that give the first name really hold: an encoding that has more characters and the same ones besides.
_REALLY = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "tis-620": "cp874",
}
_OTHERS = {"utf-8", "gb18030", "big5hkscs", "euc_jp", "iso2022_jp", "koi8-r", "koi8-u", "cp866", "mac-roman"}
_ALSO = {f"cp125{number}" for number in range(9)} | {f"iso8859-{number}" for number in range(2, 17)}
_ACCEPTED = _OTHERS | _ALSO | set(_REALLY.values())


def read_bytes(file: BinaryIO) -> bytes:
    """All of a file. Raises NotTextError where it is empty."""
    data = file.read()
    if not data:
        raise NotTextError(_("it is empty"))
    return data


def decode(data: bytes, notes: Notes | None = None) -> str:
    """A text whose encoding is found from its bytes. Raises NotTextError where they are no text."""
    try:
        encoding = detect_encoding(data[:SAMPLE], whole=len(data) <= SAMPLE)
    except UserError as error:
        raise NotTextError(str(error)) from None
    return _decoded(data, encoding, notes)


def decode_markup(data: bytes, notes: Notes | None = None) -> str:
    """A page of HTML or XML: by its byte order mark, what it declares, or else as `decode` does.

    A declaration is believed where the bytes are in that encoding. The XML declaration is taken off, because it is
    no longer true of the text.
    """
    encoding = None if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")) else _declared(data)
    text = decode(data, notes) if encoding is None else _decoded(data, encoding, notes)
    return _DECLARATION.sub("", text, count=1)


def _declared(data: bytes) -> str | None:
    match = _DECLARED.search(data[:_HEAD])
    if match is None or b"\0" in data[:SAMPLE]:
        return None
    try:
        name = codecs.lookup((match[1] or match[2]).decode("ascii")).name
    except (LookupError, ValueError):
        return None
    encoding = _REALLY.get(name, name)
    if encoding not in _ACCEPTED:
        return None
    sample = data[:SAMPLE]
    if encoding != "utf-8" and _is_utf8(sample):  # more than chance, whatever the page says
        return "utf-8"
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    strange = sum(not character.isprintable() and not character.isspace() for character in set(text)) - (
        "\ufffd" in text
    )
    foreign = sum(character > "\x7f" for character in text)
    return encoding if strange <= 4 and text.count("\ufffd") * 50 <= foreign else None


def _is_utf8(sample: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")("strict").decode(sample)
    except UnicodeDecodeError:
        return False
    return not text.isascii()


def _decoded(data: bytes, encoding: str, notes: Notes | None) -> str:
    text = data.decode(encoding, "replace")
    if notes is not None:
        notes.encoding = encoding
        notes.unreadable += text.count("\ufffd")
    return text.replace("\r\n", "\n").replace("\r", "\n")
