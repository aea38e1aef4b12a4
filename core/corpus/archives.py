"""What is in archives, member by member; nothing is written to the disk, and what is damaged is told, not raised."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO

from ..language import gettext as _
from .streams import CHUNK, FREE, MOST_TIMES, Damaged, Stream, bomb


@dataclass
class Member:
    """A file in an archive: open until the next is asked for, or closed, with the reason as the end of a sentence."""

    name: str
    size: int | None  # bytes, as the archive says
    read: Callable[[int], bytes] | None
    reason: str = ""
    packed: Callable[[], int] | None = None  # bytes that were unpacked for it, where it was packed by itself


def is_tar(head: bytes) -> bool:
    """Whether a file begins as a tar does."""
    return head[257:262] == b"ustar"


def tar_members(stream: Stream) -> Iterator[Member]:
    """The files in a tar, in its order, read once from its beginning to its end.

    Links, devices and folders are left out. Raises Damaged where the archive cannot be followed further.
    """
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK) as archive:
            while (found := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # it would keep all that it has seen
                if not found.isreg():
                    continue
                name = _readable(found.name)
                if _leaves(name):
                    yield Member(name, found.size, None, _unsafe())
                else:
                    file = archive.extractfile(found)
                    assert file is not None
                    yield Member(name, found.size, file.read)
    except (tarfile.TarError, OSError, EOFError, ValueError):
        raise Damaged from None


def _unsafe() -> str:
    return _("its name points out of the archive")


def _leaves(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or not parts[0] or parts[0].endswith(":")


def _readable(name: str) -> str:
    return _decoded(name.encode("utf-8", "surrogateescape")) or name.encode("utf-8", "replace").decode()


def _decoded(raw: bytes) -> str | None:
    """A name that some machine wrote in its own encoding."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            pass
    return None


def zip_members(file: IO[bytes]) -> Iterator[Member]:
    """The files in a zip, in its order. One without its table of contents, as it was cut off, gives what is whole.

    Raises Damaged for what can be followed no further.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        yield from _members_without_table(file)
        return
    with archive:
        for found in archive.infolist():
            if found.is_dir():
                continue
            name = _name(found)
            if _leaves(name):
                yield Member(name, found.file_size, None, _unsafe())
            elif found.flag_bits & 1:
                yield Member(name, found.file_size, None, _("it is encrypted; unpack it with its password first"))
            elif found.file_size > max(FREE, MOST_TIMES * found.compress_size):
                yield Member(name, found.file_size, None, bomb())
            else:
                try:
                    opened = archive.open(found)
                except NotImplementedError:
                    yield Member(name, found.file_size, None, _("it is packed in an unknown way; pack it anew"))
                except (zipfile.BadZipFile, OSError, ValueError, RuntimeError):
                    yield Member(name, found.file_size, None, _("it is damaged"))
                else:
                    with opened:
                        yield Member(name, found.file_size, opened.read, packed=partial(int, found.compress_size))


def _name(found: zipfile.ZipInfo) -> str:
    """Its name: old programs write it in the encoding of their machine, which zipfile takes for cp437."""
    if found.flag_bits & 0x800 or found.filename.isascii():
        return found.filename
    return _decoded(found.filename.encode("cp437", "replace")) or found.filename


# A zip whose end is missing, and its table of contents with it: each member has a header of its own before it.

_HEADER = b"PK\x03\x04"
_DESCRIPTOR = b"PK\x07\x08"
_STORED, _DEFLATED = 0, 8


class _Window:
    """A file read on, with what was read too far given back."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._back = b""

    def read(self, length: int) -> bytes:
        piece, self._back = self._back[:length], self._back[length:]
        return piece or self._file.read(length)

    def give_back(self, data: bytes) -> None:
        self._back = data + self._back

    def exactly(self, length: int) -> bytes:
        """`length` bytes. Raises Damaged."""
        data = b""
        while len(data) < length:
            piece = self.read(length - len(data))
            if not piece:
                raise Damaged(_("its end is missing"))
            data += piece
        return data


def _members_without_table(file: IO[bytes]) -> Iterator[Member]:
    file.seek(0)
    window = _Window(file)
    while True:
        signature = window.exactly(4)
        if signature != _HEADER:
            raise Damaged(_("its table of contents is damaged"))
        header = window.exactly(26)
        flags, method = _number(header, 2, 2), _number(header, 4, 2)
        packed, size = _number(header, 14, 4), _number(header, 18, 4)
        name = window.exactly(_number(header, 22, 2)).decode("utf-8", "replace")
        extra = window.exactly(_number(header, 24, 2))
        if packed == 0xFFFFFFFF:
            packed, size = _long_sizes(extra)
        unknown = bool(flags & 8) and not packed
        if flags & 1 or method not in (_STORED, _DEFLATED) or (unknown and method == _STORED):
            raise Damaged(_("its table of contents is missing"))  # where this member ends cannot be told
        part = _Part(window, None if unknown else packed, method == _DEFLATED)
        if not name.endswith("/"):
            yield Member(
                name,
                None if unknown else size,
                None if _leaves(name) else part.read,
                _unsafe() if _leaves(name) else "",
                lambda part=part: part.taken,  # type: ignore[misc]
            )
        part.finish()
        if flags & 8:
            _skip_descriptor(window)


class _Part:
    """One member: `packed` bytes, or up to where deflate says that it ends."""

    def __init__(self, window: _Window, packed: int | None, deflated: bool):
        self._window = window
        self._left = packed
        self.taken = 0  # bytes of the archive
        self._inflater = zlib.decompressobj(-15) if deflated else None

    def read(self, length: int) -> bytes:
        """At most `length` bytes; none at the end. Raises Damaged."""
        if self._inflater is None:
            return self._packed(length)
        while not self._inflater.eof:
            data = self._inflater.unconsumed_tail or self._packed(CHUNK)
            try:
                piece = self._inflater.decompress(data, length)
            except zlib.error:
                raise Damaged from None
            if piece:
                return piece
            if not data and not self._inflater.eof:
                raise Damaged(_("its end is missing"))
        return b""

    def finish(self) -> None:
        """Go to what is behind it. Raises Damaged."""
        while self.read(CHUNK):
            pass
        if self._inflater is not None and self._left is None:
            self._window.give_back(self._inflater.unused_data)
        while self._packed(CHUNK) if self._left else b"":
            pass

    def _packed(self, length: int) -> bytes:
        if self._left == 0:
            return b""
        piece = self._window.read(length if self._left is None else min(length, self._left))
        if not piece:
            raise Damaged(_("its end is missing"))
        self.taken += len(piece)
        if self._left is not None:
            self._left -= len(piece)
        return piece


def _skip_descriptor(window: _Window) -> None:
    """A member's sizes may stand behind it, in 4 or 8 bytes each, with or without a signature."""
    following = window.exactly(24)
    start = 4 if following.startswith(_DESCRIPTOR) else 0
    for length in (start + 12, start + 20):
        rest = following[length : length + 2]
        if _HEADER.startswith(rest) or not rest:
            window.give_back(following[length:])
            if length > len(following):
                window.exactly(length - len(following))
            return
    raise Damaged(_("its table of contents is missing"))


def _long_sizes(extra: bytes) -> tuple[int, int]:
    while len(extra) >= 4:
        kind, length = _number(extra, 0, 2), _number(extra, 2, 2)
        if kind == 1 and length >= 16:
            return _number(extra, 12, 8), _number(extra, 4, 8)
        extra = extra[4 + length :]
    raise Damaged(_("its table of contents is missing"))


def _number(data: bytes, start: int, length: int) -> int:
    return int.from_bytes(data[start : start + length], "little")
