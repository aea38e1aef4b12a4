"""Which files are read, and how they are opened: folders walked, archives unfolded, standard input, data sets.

find_sources(paths, include=(), exclude=()) -> list[Source]
open_sources(sources, allowed=None) -> Iterator[Opened | LeftOut]

for item in open_sources(find_sources(["books", "box.tar.gz", "-", "hf:owner/name"])):
    if isinstance(item, LeftOut):
        print(item.name, item.reason)
    else:
        for payload in item.format.read(item.stream, Notes(), ReadOptions()):
            ...
"""

from __future__ import annotations

import glob
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import UserError
from ..language import gettext as _
from .archives import Member, is_tar, tar_members, zip_members
from .globs import Patterns
from .readers import formats
from .readers.base import Format
from .streams import CHUNK, MAGIC, Allowance, Damaged, Stream, Unpacker

STANDARD_INPUT = "-"
HUB = "hf:"
DEEPEST = 3  # archives in archives
ARCHIVES = {".zip": "zip", ".tar": "tar"}
PACKED = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
_SHORT = {".tgz": ".tar.gz", ".tbz2": ".tar.bz2", ".txz": ".tar.xz", ".tzst": ".tar.zst"}


@dataclass(frozen=True)
class Source:
    """A file to read, standard input, or a data set; and the name by which reports call it.

    `patterns` say what is wanted of an archive, whose path from the folder that was asked for is `inside`.
    """

    path: Path | None  # None: standard input or a data set
    name: str
    data_set: bool = False
    patterns: Patterns = field(default=Patterns(), compare=False)
    inside: str = ""

    @property
    def size(self) -> int:
        """Bytes; 0 where that cannot be known beforehand."""
        return self.path.stat().st_size if self.path else 0


@dataclass
class Opened:
    """A file of a kind that is known, or a member of an archive, to be read before the next is asked for.

    `size` is its bytes where that is known; `position()` is how many bytes of the outer file `source` were read.
    """

    name: str  # such as "box.zip/inner/a.txt"
    stream: BinaryIO
    format: Format
    size: int | None
    source: Source
    position: Callable[[], int]


@dataclass(frozen=True)
class LeftOut:
    """A file or member that cannot be read, or not to its end, with the reason as the end of a sentence."""

    name: str
    reason: str


def find_sources(
    paths: Iterable[str | os.PathLike[str]],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    suffixes: Sequence[str] = (),
) -> list[Source]:
    """The files that `paths` mean, each file once, in a stable order.

    A path is a file, which may be called anything; a folder, of which all files whose kind is known are taken, hidden
    ones left out; a pattern such as "texts/**/*.html"; "-" for standard input; "hf:NAME" for a data set. `include` and
    `exclude` are patterns for what is in folders and archives, see `globs.py`; a file that an included pattern such as
    `*.log` names may be of any kind, and so may one that ends in one of `suffixes`. Raises UserError for a path that
    is not there, and when there is no file.
    """
    patterns = Patterns(tuple(include), tuple(exclude), tuple(suffixes))
    found: dict[object, Source] = {}
    asked = [os.path.expanduser(path) for path in paths]  # noqa: PTH111  a file may be called ~backup.txt
    for text in asked:
        if text == STANDARD_INPUT:
            found.setdefault(text, Source(None, _("standard input"), patterns=patterns))
        elif text.startswith(HUB) and not Path(text).exists():
            from .readers.hub import check

            check(text)
            found.setdefault(text, Source(None, text, data_set=True))
        else:
            for path in _matches(text):
                for source in _files(path, patterns):
                    assert source.path is not None
                    found.setdefault(source.path.resolve(), source)
    if not found:
        raise UserError(
            _("No text files ({suffixes}) in {paths}.").format(
                suffixes=", ".join((*formats.suffixes(), *suffixes, *ARCHIVES, *PACKED)), paths=", ".join(asked) or "."
            )
        )
    return list(found.values())


def _matches(text: str) -> list[Path]:
    if os.path.lexists(text) or not glob.has_magic(text):
        return [Path(text)]
    found = sorted(glob.glob(text, recursive=True))  # noqa: PTH207  the pattern may be absolute
    if not found:
        raise UserError(_("No file fits {pattern}.").format(pattern=text))
    return [Path(path) for path in found]


def _files(path: Path, patterns: Patterns) -> Iterator[Source]:
    if path.is_dir():
        yield from _walk(path, patterns)
    elif path.is_file():
        yield Source(path, _readable(path.name), patterns=patterns)
    elif path.exists():
        raise UserError(_("{path} is neither a file nor a folder.").format(path=path))
    else:
        raise UserError(_("There is no file or folder {path}.").format(path=path))


def _walk(folder: Path, patterns: Patterns) -> Iterator[Source]:
    entered: set[tuple[int, int]] = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(parent)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        inside = Path(parent).relative_to(folder)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and patterns.enter((inside / name).as_posix())
        )
        for name in sorted(files):
            relative = (inside / name).as_posix()
            path = Path(parent, name)
            if not name.startswith(".") and _is_wanted(relative, patterns) and path.is_file():
                yield Source(
                    path,
                    _readable(str(Path(folder.resolve().name, inside, name))),
                    patterns=patterns,
                    inside=_readable(relative),
                )


def _is_wanted(relative: str, patterns: Patterns) -> bool:
    """Whether a file is read or, where it is an archive, looked into; what is packed alone may go by either name."""
    kind, unpacked = _kind_of_name(relative)
    if kind in ARCHIVES.values() or _kind_of_name(unpacked)[0] in ARCHIVES.values():
        return patterns.enter(relative)
    return all(map(patterns.enter, (relative, unpacked))) and any(
        patterns.take(name, _is_known(relative)) for name in (relative, unpacked)
    )


def _is_known(name: str) -> bool:
    return bool(formats.module_of_name(name) or _kind_of_name(name)[0])


def _readable(name: str) -> str:
    """`name` as text: the bytes of a name that is no UTF-8 become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")


def _kind_of_name(name: str) -> tuple[str, str]:
    """The container that a file called `name` is, or "", and what its inside is called."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122
    if suffix.lower() in _SHORT:
        stem, suffix = os.path.splitext(stem + _SHORT[suffix.lower()])  # noqa: PTH122
    kind = ARCHIVES.get(suffix.lower()) or PACKED.get(suffix.lower()) or ""
    return kind, stem if kind else name


def _kind_of_content(head: bytes) -> str:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if is_tar(head):
        return "tar"
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), "")


def open_sources(sources: Iterable[Source], allowed: int | None = None) -> Iterator[Opened | LeftOut]:
    """Open each source in turn, with archives unfolded on the way, member by member.

    Each Opened is to be read before the next is asked for. A LeftOut of the same name may follow it: the file was
    damaged, and what was whole of it was given. `allowed`: how many bytes may be unpacked of one source.
    """
    for source in sources:
        try:
            yield from _open(source, allowed)
        except OSError as error:
            yield LeftOut(source.name, error.strerror or str(error))


def _open(source: Source, allowed: int | None) -> Iterator[Opened | LeftOut]:
    if source.data_set:
        from .readers.hub import FORMAT

        yield Opened(source.name, io.BytesIO(source.name.encode()), FORMAT, None, source, lambda: 0)
    elif source.path is None:
        standard = sys.stdin.buffer
        stream = Stream(getattr(standard, "read1", standard.read))
        yield from _Unfolding(source, lambda: stream.given, allowed, None).of(source.name, "", stream, None, DEEPEST)
    else:
        with source.path.open("rb") as file:
            unfolding = _Unfolding(source, file.tell, allowed, file)
            yield from unfolding.of(source.name, source.path.name, Stream(file.read), source.size, DEEPEST)


@dataclass
class _Unfolding:
    """One outer file on its way to the texts in it."""

    source: Source
    position: Callable[[], int]
    allowed: int | None
    file: BinaryIO | None  # the outer file, where it can be read anywhere

    def __post_init__(self) -> None:
        self.allowance = Allowance(self.allowed)

    def of(
        self, name: str, inner: str, stream: Stream, size: int | None, depth: int, again: bool = False
    ) -> Iterator[Opened | LeftOut]:
        """What is in `stream`, called `name` in reports. `inner` is the name that may tell its kind, else its content.

        `again`: it was unpacked from something, so a tar is no deeper than that.
        """
        kind, rest = _kind_of_name(inner)
        if not kind and formats.module_of_name(inner) is None:
            kind, rest = _kind_of_content(stream.head(formats.HEAD)), inner
        if kind == "zip" and (module := self._book(inner, stream)):
            yield from self._text(name, stream, size, formats.load(module))
        elif kind and depth == 0 and not (again and kind == "tar"):
            yield LeftOut(name, _("it is an archive in an archive in an archive in an archive"))
        elif kind in ("zip", "tar"):
            yield from self._archive(kind, name, stream, depth if again and kind == "tar" else depth - 1)
        elif kind:
            unpacker = Unpacker(kind, lambda length: cast(bytes, stream.read(length)))
            inside = Stream(unpacker.read, stream.packed or (lambda: stream.given), self.allowance)
            yield from self.of(name, rest, inside, None, depth - 1, again=True)
        else:
            yield from self._leaf(name, inner, stream, size)

    def _leaf(self, name: str, inner: str, stream: Stream, size: int | None) -> Iterator[Opened | LeftOut]:
        module = formats.module_of_name(inner) or formats.module_of_content(stream.head(formats.HEAD))
        try:
            found = formats.load(module)
        except UserError as error:
            yield LeftOut(name, str(error))
            return
        yield from self._text(name, stream, size, found)

    def _text(self, name: str, stream: Stream, size: int | None, kind: Format) -> Iterator[Opened | LeftOut]:
        if not stream.head(CHUNK) and stream.damage:
            yield LeftOut(name, stream.damage)
            return
        if kind.seekable and self.file is not None and stream.packed is None:
            self.file.seek(0)
            yield Opened(name, self.file, kind, size, self.source, self.position)
        elif kind.seekable:
            with tempfile.TemporaryFile() as spool:
                shutil.copyfileobj(cast(BinaryIO, stream), spool, CHUNK)
                spool.seek(0)
                yield Opened(name, cast(BinaryIO, spool), kind, stream.given, self.source, self.position)
        else:
            buffered = cast(BinaryIO, io.BufferedReader(stream, CHUNK))
            yield Opened(name, buffered, kind, size, self.source, self.position)
        if stream.damage:
            yield LeftOut(name, stream.damage)

    def _book(self, inner: str, stream: Stream) -> str | None:
        """The module for a zip file that is a document, though its name does not say so."""
        if _kind_of_name(inner)[0]:
            return None
        head = stream.head(formats.HEAD)
        if b"application/epub+zip" in head[:100]:
            return "epub"
        return "docx" if b"[Content_Types].xml" in head[:4096] and b"word/" in head else None

    def _archive(self, kind: str, name: str, stream: Stream, depth: int) -> Iterator[Opened | LeftOut]:
        taken, others, unwanted, patterns = 0, 0, 0, self.source.patterns
        try:
            if kind == "tar":
                members = tar_members(stream)
            elif self.file is not None and stream.packed is None:
                members = zip_members(self.file)
            else:
                members = self._spooled(stream)
            for member in members:
                parts = member.name.split("/")
                if any(part.startswith((".", "__MACOSX")) and part not in (".", "..") for part in parts):
                    continue
                within = f"{name}/{member.name}"
                if not _is_wanted(self._inside(within), patterns):
                    if _is_known(member.name):
                        unwanted += 1
                    else:
                        others += 1
                    continue
                taken += 1
                yield from self._member(within, member, stream, depth)
        except Damaged as error:
            yield LeftOut(name, stream.damage or str(error) or _("it is damaged"))
        else:
            if stream.damage:
                yield LeftOut(name, stream.damage)
            elif unwanted and not taken:
                if not self.source.inside:  # in a folder with many archives that is nothing to tell
                    yield LeftOut(name, _("no file in it fits --include and --exclude"))
            elif not taken:
                reason = _("of {number} files in it none is of a kind that is known").format(number=others)
                yield LeftOut(name, reason if others else _("there is no file in it"))

    def _inside(self, name: str) -> str:
        """From the folder that was asked for, or in the archive that was, to what reports call `name`."""
        return f"{self.source.inside}{name.removeprefix(self.source.name)}".lstrip("/")

    def _member(self, name: str, member: Member, stream: Stream, depth: int) -> Iterator[Opened | LeftOut]:
        if member.read is None:
            yield LeftOut(name, member.reason)
            return
        packed = member.packed or stream.packed or (lambda: sys.maxsize)
        inside = Stream(member.read, packed, self.allowance if member.packed else None)
        yield from self.of(name, member.name.rpartition("/")[2], inside, member.size, depth)

    def _spooled(self, stream: Stream) -> Iterator[Member]:
        """A zip cannot be read without its end, so one that is in something is put on the disk whole."""
        with tempfile.TemporaryFile() as spool:
            shutil.copyfileobj(cast(BinaryIO, stream), spool, CHUNK)
            yield from zip_members(spool)
