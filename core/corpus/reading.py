"""Bytes that are text: in which encoding, and decoded on the way."""

from __future__ import annotations

import codecs
import io
from typing import Any, BinaryIO

from ..language import gettext as _
from .plausibility import best_east_asian, is_western, plausible_in_utf_16
from .readers.base import Notes, NotTextError

SAMPLE = 1 << 20  # bytes from the start of a file that tell its encoding
LONGEST_LINE = 1 << 16  # characters; a longer line comes in parts

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LIKELY, POSSIBLE = 0.35, 0.15  # of an encoding of East Asia, as `plausibility.py` judges it
# What charset_normalizer is not asked about.
_JUDGED = frozenset(
    (
        *("gb2312", "gbk", "gb18030", "hz", "big5", "big5hkscs", "cp950", "euc_kr", "cp949", "johab"),
        *("cp932", "shift_jis", "shift_jis_2004", "shift_jisx0213", "euc_jp", "euc_jis_2004", "euc_jisx0213"),
    )
)
_CONTROL_BYTES = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b") | {0x7F})


def detect_encoding(sample: bytes, whole: bool) -> str:
    """The encoding of a file that starts with `sample`, as Python names it; `whole` when that is all of it.

    Raises NotTextError, with the reason, for an empty or binary file.
    """
    if not sample:
        raise NotTextError(_("it is empty"))
    for mark, encoding in _BYTE_ORDER_MARKS:
        if sample.startswith(mark):
            return encoding
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(sample)
    cut = whole and bool(decoder.getstate()[0])  # within its last character
    # A few bad bytes or control characters in a long UTF-8 text are damage; many are another encoding, or no text.
    few_controls = len(sample) - len(sample.translate(None, _CONTROL_BYTES)) <= len(sample) / 50
    bad = text.count("\ufffd") - sample.count("\ufffd".encode())  # some files hold the sign itself
    foreign = len(text) - len(text.encode("ascii", "ignore"))
    if few_controls and bad * 50 <= foreign and (foreign or not cut):
        return "utf-8"
    if b"\0" in sample or not few_controls:  # in UTF-16 half of the bytes may be any
        return _utf16_without_mark(sample)
    east_asian, likely = best_east_asian(sample)
    if likely >= LIKELY:
        return east_asian
    if is_western(sample[: SAMPLE // 4]):
        return "cp1252"
    return _guess(sample, whole) or _last_guess(east_asian, likely)


def _guess(sample: bytes, whole: bool) -> str | None:
    """What charset_normalizer says, or None."""
    from charset_normalizer import from_bytes

    piece = sample[: SAMPLE // 4]
    if not whole or len(piece) < len(sample):
        piece = piece[: piece.rfind(b"\n") + 1] or piece  # no character of several bytes is cut in two
    matches = list(from_bytes(piece, cp_exclusion=["utf_7", "utf_16", "utf_16_be", "utf_16_le", "utf_32"]))
    matches = [match for match in matches if match.encoding not in _JUDGED]
    if not matches:
        return None
    # Among equals, Western European is by far the commonest.
    equals = [match for match in matches if (match.chaos, match.coherence) == (matches[0].chaos, matches[0].coherence)]
    best = next((match for match in equals if match.encoding == "cp1252"), matches[0]).encoding
    return "cp1252" if best in ("ascii", "utf_8") else best  # it has seen the beginning only


def _last_guess(east_asian: str, likely: float) -> str:
    if likely >= POSSIBLE:
        return east_asian
    raise NotTextError(_("its encoding is unknown; save it as UTF-8"))


def _utf16_without_mark(sample: bytes) -> str:
    # The right order of bytes gives characters that are common, and hardly one that does not exist; the wrong one and
    # binary files give neither.
    pairs = sample[: 2 * min(len(sample) // 2, SAMPLE // 8)]
    judged = {
        encoding: plausible_in_utf_16(codecs.getincrementaldecoder(encoding)("replace").decode(pairs))
        for encoding in ("utf-16-le", "utf-16-be")
    }
    encoding = max(judged, key=lambda name: judged[name][0] - judged[name][1])
    good, odd = judged[encoding]
    if odd > 1 / 50 or good < 1 / 4:
        raise NotTextError(_("it is not text"))
    return encoding


def open_text(stream: BinaryIO, notes: Notes, newline: str | None = None) -> io.TextIOWrapper:
    """`stream` as text, in the encoding that its beginning tells, which `notes` learns; it is decoded on the way.

    Characters that it cannot make sense of become U+FFFD. `newline` as for `open`. Raises NotTextError.
    """
    sample = b""
    while len(sample) < SAMPLE and (piece := stream.read(SAMPLE - len(sample))):
        sample += piece
    following = stream.read(1)
    notes.encoding = detect_encoding(sample, whole=not following)
    whole = io.BufferedReader(_Rejoined(sample + following, stream), 1 << 17)
    return io.TextIOWrapper(whole, notes.encoding, "replace", newline)


class _Rejoined(io.RawIOBase):
    """The beginning of a stream, which was read already, and the rest of it. It leaves the stream open."""

    def __init__(self, beginning: bytes, rest: BinaryIO):
        self._beginning = io.BytesIO(beginning)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._beginning.read(len(buffer)) or self._rest.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)
