"""Data sets of the Hugging Face Hub, read from there piece by piece, or from a folder on this machine.

The "file" of a data set is its address: hf:OWNER/NAME, hf:OWNER/NAME/CONFIG, with :SPLIT behind it for another split
than train, or hf:FOLDER for one that lies here.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import UserError
from ...language import gettext as _
from .base import Format, Notes, NotTextError, Place, ReadOptions
from .records import texts_of

SCHEME = "hf:"
SPLIT = "train"

_ADDRESS = re.compile(r"(?P<name>[\w.-]+(?:/[\w.-]+)?)(?:/(?P<config>[\w.-]+))?(?::(?P<split>[\w.-]+))?")


def check(address: str) -> None:
    """Raises UserError where `address` cannot be one, and where what reads it is not installed."""
    _parts(address)
    if importlib.util.find_spec("datasets") is None:
        raise UserError(_("For data sets of the hub, install one more package: pip install 'newleaf[hub]'"))


def _parts(address: str) -> tuple[str, str | None, str]:
    """The name or folder, the configuration, and the split."""
    text = address.removeprefix(SCHEME)
    if text.startswith(("/", "./", "../", "~")):
        folder, _colon, split = text, "", ""
        if not Path(folder).expanduser().exists():
            folder, _colon, split = text.rpartition(":")
        path = Path(folder).expanduser()
        if not folder or not path.is_dir():
            raise UserError(_("There is no folder {path}.").format(path=text))
        return str(path.absolute()), None, split or SPLIT
    match = _ADDRESS.fullmatch(text)
    if not match:
        raise UserError(
            _("{source} names no data set. Write it as hf:OWNER/NAME, hf:OWNER/NAME/CONFIG or hf:FOLDER.").format(
                source=address
            )
        )
    return match["name"], match["config"], match["split"] or SPLIT


def read(stream: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[str]:
    """The texts of the data set whose address `stream` holds, up to `options.limit_bytes` of them.

    Raises NotTextError with what the hub says.
    """
    left = options.limit_bytes
    for text in texts_of(read_rows(stream, notes, options), notes, options.column):
        yield text
        if left is not None:
            left -= len(text.encode())
            if left <= 0:
                return


def read_rows(stream: BinaryIO, notes: Notes, options: ReadOptions) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The records of the data set whose address `stream` holds. Raises NotTextError with what the hub says."""
    address = stream.read().decode()
    check(address)
    yield from _records(*_parts(address))


def _records(name: str, config: str | None, split: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    try:
        datasets = importlib.import_module("datasets")
        found = datasets.load_dataset(name, config, split=split, streaming=True)
        if found.features:
            found = found.decode(False)  # pictures and sounds stay packed
        for number, record in enumerate(found, 1):
            yield ("record", number), record
    except (NotTextError, MemoryError):
        raise
    except Exception as error:  # what goes wrong on the way has many names
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[0] if lines else type(error).__name__
        raise NotTextError(_("the data set cannot be read: {reason}").format(reason=reason)) from None


FORMAT = Format("data set", (), read, rows=read_rows)
