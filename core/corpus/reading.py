"""Text files: which ones, in which encoding, line by line."""

from __future__ import annotations

import codecs
import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..language import gettext as _

SUFFIXES = (
    ".txt",
    ".text",
    ".md",
    ".markdown",
)  # what is taken from a folder; a file that is named may be called anything
SAMPLE = 1 << 20  # bytes from the start of a file that tell its encoding
LONGEST_LINE = 1 << 16  # characters; a longer line comes in parts

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL_BYTES = [bytes([value]) for value in set(range(32)) - set(b"\t\n\r\f\b\x1b") | {0x7F}]


@dataclass(frozen=True)
class Source:
    """A file to read, and the name by which reports call it."""

    path: Path
    name: str

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size


class NotTextError(UserError):
    """A file that is no text, with the reason."""


def find_sources(paths: Iterable[str | os.PathLike[str]]) -> list[Source]:
    """The files that `paths` mean: files as they are, and all text files below folders, hidden ones left out.

    Each file once, in a stable order. Raises UserError for a path that is not there, and when there is no file.
    """
    found: dict[Path, Source] = {}
    asked = [Path(os.path.expanduser(path)) for path in paths]  # noqa: PTH111  a file may be called ~backup.txt
    for path in asked:
        if path.is_dir():
            for source in _walk(path):
                found.setdefault(source.path.resolve(), source)
        elif path.is_file():
            found.setdefault(path.resolve(), Source(path, _readable(path.name)))
        elif path.exists():
            raise UserError(_("{path} is neither a file nor a folder.").format(path=path))
        else:
            raise UserError(_("There is no file or folder {path}.").format(path=path))
    if not found:
        raise UserError(
            _("No text files ({suffixes}) in {paths}.").format(
                suffixes=", ".join(SUFFIXES), paths=", ".join(map(str, asked)) or "."
            )
        )
    return list(found.values())


def _walk(folder: Path) -> Iterator[Source]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            if name.lower().endswith(SUFFIXES) and not name.startswith(".") and path.is_file():
                yield Source(path, _readable(str(Path(folder.resolve().name, path.relative_to(folder)))))


def _readable(name: str) -> str:
    """`name` as text: the bytes of a name that is no UTF-8 become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")


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
    text = decoder.decode(sample, final=whole)
    # A few bad bytes or control characters in a long UTF-8 text are damage; many are another encoding, or no text.
    few_controls = sum(map(sample.count, _CONTROL_BYTES)) <= len(sample) / 50
    bad = text.count("\ufffd") - sample.count("\ufffd".encode())  # some files hold the sign itself
    if few_controls and bad * 50 <= sum(character > "\x7f" for character in text):
        return "utf-8"
    if b"\0" in sample:
        return _utf16_without_mark(sample)
    if not few_controls:
        raise NotTextError(_("it is not text"))
    from charset_normalizer import from_bytes

    piece = sample[: SAMPLE // 4]
    piece = piece[: piece.rfind(b"\n") + 1] or piece  # no character of several bytes is cut in two
    matches = list(from_bytes(piece, cp_exclusion=["utf_7", "utf_16", "utf_16_be", "utf_16_le", "utf_32"]))
    if not matches:
        raise NotTextError(_("its encoding is unknown; save it as UTF-8"))
    # Among equals, Western European is by far the commonest.
    equals = [match for match in matches if (match.chaos, match.coherence) == (matches[0].chaos, matches[0].coherence)]
    best = next((match for match in equals if match.encoding == "cp1252"), matches[0]).encoding
    # The first two are subsets of what files of that name really hold.
    return {"gb2312": "gb18030", "gbk": "gb18030", "ascii": "utf-8"}.get(best, best)


def _utf16_without_mark(sample: bytes) -> str:
    # The right order of bytes gives characters that exist, and hardly a control character; the wrong one and binary
    # files give neither.
    pairs = len(sample) // 2
    odd = {}
    for encoding in ("utf-16-le", "utf-16-be"):
        text = sample[: 2 * pairs].decode(encoding, "replace")
        odd[encoding] = sum(
            character == "\ufffd"
            or (character not in "\t\n\r\f" and unicodedata.category(character) in ("Cc", "Cn", "Co"))
            for character in text
        )
    encoding = min(odd, key=odd.__getitem__)
    if odd[encoding] * 50 > pairs:
        raise NotTextError(_("it is not text"))
    return encoding


class TextFile:
    """A text file being read: iterate it for its lines, with their ends; they are decoded on the way."""

    def __init__(self, path: Path):
        with path.open("rb") as file:
            sample = file.read(SAMPLE)
            self.encoding = detect_encoding(sample, whole=not file.read(1))
        self.path = path
        self.position = 0  # bytes read so far, about
        self.unreadable = 0  # characters that the encoding could not make sense of

    def __iter__(self) -> Iterator[str]:
        with self.path.open(encoding=self.encoding, errors="replace") as file:
            while line := file.readline(LONGEST_LINE):
                self.unreadable += line.count("\ufffd")
                self.position = file.buffer.tell()  # type: ignore[attr-defined]
                yield line
