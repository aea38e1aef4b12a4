"""Bytes on their way out of files and archives: unpacked piece by piece; what is damaged ends where it is damaged."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..language import gettext as _
from ..options import format_size

CHUNK = 1 << 17  # bytes that are read at a time
MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
FREE = 10_000_000  # bytes that may come of anything
MOST_TIMES = 200  # what comes after these may be as many times the size of what it was packed in; text is 3 to 20


class Damaged(Exception):  # noqa: N818  it is the state of a file
    """What is read is damaged here, with the reason as the end of a sentence; "" where the place says enough."""


# What the libraries that unpack say of damage.
_DAMAGE = (Damaged, OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile)


@dataclass
class Allowance:
    """How many bytes may yet be unpacked; None: as many as there are."""

    left: int | None = None


class Stream(io.RawIOBase):
    """Bytes from a function, which may be looked at ahead.

    Damage looks like the end of the file to its reader, who keeps what is whole; `damage` is then the reason, as the
    end of a sentence. So does a stream end that unpacks to far more than text does, measured against `packed()`, the
    bytes that it was unpacked from so far, and one that uses up the allowance.
    """

    def __init__(
        self,
        read: Callable[[int], bytes],
        packed: Callable[[], int] | None = None,
        allowance: Allowance | None = None,
    ):
        self._read = read
        self.packed = packed
        self._allowance = allowance or Allowance()
        self._ahead = b""
        self.given = 0  # bytes, without those that were only looked at
        self.damage = ""

    def readable(self) -> bool:
        """It can be read, and only once."""
        return True

    def head(self, length: int) -> bytes:
        """The next `length` bytes, or fewer at the end; they are still to be read."""
        while len(self._ahead) < length and (piece := self._more(length - len(self._ahead))):
            self._ahead += piece
        return self._ahead[:length]

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what there is; 0 at the end."""
        if self._ahead:
            piece, self._ahead = self._ahead[: len(buffer)], self._ahead[len(buffer) :]
        else:
            piece = self._more(len(buffer))
        buffer[: len(piece)] = piece
        self.given += len(piece)
        return len(piece)

    def _more(self, length: int) -> bytes:
        if self.damage:
            return b""
        try:
            piece = self._read(length)
        except _DAMAGE as error:
            self.damage = (str(error) if isinstance(error, Damaged) else "") or self._where()
            return b""
        self._check(len(piece))
        return b"" if self.damage else piece

    def _where(self) -> str:
        place = self.given + len(self._ahead)
        if not place:
            return _("it is damaged at its beginning, or something else than its name says")
        return _("it is damaged after {size}").format(size=format_size(place))

    def _check(self, length: int) -> None:
        total = self.given + len(self._ahead) + length
        if self.packed and total > FREE and total > MOST_TIMES * self.packed():
            self.damage = bomb()
        if self._allowance.left is not None:
            self._allowance.left -= length
            if self._allowance.left < 0:
                self.damage = _("it unpacks to more than was allowed")


def bomb() -> str:
    """The reason to leave out what unpacks to far more than text does."""
    return _("it unpacks to more than {number} times its size, as no text does").format(number=MOST_TIMES)


class Unpacker:
    """Reads what was packed by gzip, bzip2, xz or zstd; several packed pieces may follow one another."""

    def __init__(self, kind: str, read: Callable[[int], bytes]):
        self._kind = kind
        self._source = read
        self._decompressor: Any = None
        self._waiting = b""
        self._given = 0

    def read(self, length: int) -> bytes:
        """At most `length` bytes; none at the end. Raises Damaged."""
        while True:
            if (self._decompressor is None or self._decompressor.eof) and not self._next_piece():
                return b""
            data, self._waiting = self._waiting, b""
            ended = False
            if not data and self._decompressor.needs_input:
                data = self._source(CHUNK)
                ended = not data
            try:
                piece: bytes = self._decompressor.decompress(data, length)
            except Exception:  # each has its own
                raise Damaged from None
            if piece:
                self._given += len(piece)
                return piece
            if ended and not self._decompressor.eof:
                raise Damaged(_("it is cut off after {size}").format(size=format_size(self._given)))

    def _next_piece(self) -> bool:
        """Begin what is packed behind the piece that ended; False where nothing is, but what some programs add."""
        first = self._decompressor is None
        data = b"" if first else self._decompressor.unused_data
        while not first and self._kind in ("gzip", "xz") and not data.lstrip(b"\0"):
            data = self._source(CHUNK)  # padding
            if not data:
                return False
        data = data if first else data.lstrip(b"\0") if self._kind in ("gzip", "xz") else data
        if not data:
            data = self._source(CHUNK)
        if not data or (not first and self._kind == "gzip" and not data.startswith(b"\x1f")):
            return False
        self._decompressor = _decompressor(self._kind)
        self._waiting = data
        return True


class _Inflater:
    """zlib's object in the manners of the other three."""

    def __init__(self) -> None:
        self._object = zlib.decompressobj(31)  # gzip's header and check sum

    def decompress(self, data: bytes, length: int) -> bytes:
        return self._object.decompress(self._object.unconsumed_tail + data, length)

    @property
    def needs_input(self) -> bool:
        return not self._object.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._object.eof

    @property
    def unused_data(self) -> bytes:
        return self._object.unused_data


def _decompressor(kind: str) -> Any:
    if kind == "gzip":
        return _Inflater()
    if kind == "bzip2":
        import bz2

        return bz2.BZ2Decompressor()
    if kind == "xz":
        return lzma.LZMADecompressor()
    from backports import zstd

    # Large dumps are made with `zstd --long=31`.
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 31})
