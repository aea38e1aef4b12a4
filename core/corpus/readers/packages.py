"""Files that are zip archives of other files (EPUB, Word), with a guard against what unpacks to far more."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from typing import Any, BinaryIO
from urllib.parse import unquote

from ...language import gettext as _
from ...options import format_size
from .base import NotTextError

LARGEST_ENTRY = 256_000_000  # bytes, unpacked
HIGHEST_RATIO = 200  # of an entry's unpacked size to its packed one; text packs to a tenth or so
SMALL_ENTRY = 1_000_000  # bytes; what is no larger may be packed as well as it can be

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # how Office stores its older formats, and anything with a password


class Package:
    """A zip archive, open for reading. Raises NotTextError where it is none or damaged."""

    def __init__(self, file: BinaryIO):
        start = file.read(8)
        if not start:
            raise NotTextError(_("it is empty"))
        if start == _OLE:
            raise NotTextError(_("it has a password, or is in an older format of Office: save it again without"))
        try:
            file.seek(0)
            self._archive = zipfile.ZipFile(file)
            self._names = {name: name for name in self._archive.namelist()}
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, OverflowError) as error:
            raise NotTextError(_("it is damaged: its table of contents cannot be read")) from error

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def names(self) -> list[str]:
        """The names of the entries."""
        return list(self._names)

    def read(self, name: str) -> bytes:
        """What is in the entry `name`. Raises NotTextError where it is not there, encrypted, damaged or suspicious."""
        try:
            entry = self._archive.getinfo(name)
        except KeyError:
            raise NotTextError(_("it is damaged: {name} is missing").format(name=name)) from None
        if entry.flag_bits & 1:
            raise NotTextError(_("it is encrypted: save it without a password"))
        size = entry.file_size
        if size > LARGEST_ENTRY or (size > SMALL_ENTRY and size > HIGHEST_RATIO * max(1, entry.compress_size)):
            raise NotTextError(
                _("{name} in it would unpack to {size}, which no text does").format(name=name, size=format_size(size))
            )
        try:
            with self._archive.open(entry) as opened:
                data = opened.read(size + 1)  # however much more it really holds
        except (
            zipfile.BadZipFile,
            zlib.error,
            OSError,
            EOFError,
            ValueError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise NotTextError(_("it is damaged: {name} cannot be unpacked").format(name=name)) from error
        return data

    def xml(self, name: str) -> Any:
        """The root element of the entry `name`, without any entity expanded. Raises NotTextError as `read` does."""
        return parse_xml(self.read(name), name)


def parse_xml(data: bytes, name: str) -> Any:
    """The root element of an XML file called `name`, of at most `LARGEST_ENTRY` bytes. Raises NotTextError."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True, huge_tree=True
    )
    try:
        if b"<!DOCTYPE" in data[:65536] and b"<!ENTITY" in data:
            raise ValueError  # entities made of entities can grow without end; no such file needs them
        return etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError) as error:
        raise NotTextError(_("it is damaged: {name} is no XML").format(name=name)) from error


def resolve(base: str, reference: str) -> str:
    """The name of the entry that `reference` means in the entry `base`."""
    path = unquote(reference.partition("#")[0])
    return posixpath.normpath(
        path.lstrip("/") if path.startswith("/") else posixpath.join(posixpath.dirname(base), path)
    )
