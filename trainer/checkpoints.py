"""Checkpoints: whole or absent, and the last good one stays until the next is safe.

Which stay: the two newest, the best, and one each so many steps where that is wanted, within a budget of disk space.
A checkpoint is a zip archive, and ends with a checksum of all that is before it, as the archive's comment: those that
zip keeps of each part say nothing of its directory. So whether it is whole can be told without PyTorch.
"""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..core.files import sync_folder

NEWEST = 2
MARK = b"newleaf crc32 "  # before the checksum, in hexadecimal
SEAL = len(MARK) + 8  # bytes
_END, _END_SIZE = b"PK\5\6", 22  # of an archive without a comment: where its last record begins, and its bytes
ASIDE = "damaged-"  # before the name of one that is not whole
_NAME = re.compile(r"step-(\d+)\.pt")


@dataclass(frozen=True)
class Kept:
    """Which checkpoints stay beside the newest."""

    best: int | None = None  # the step of the lowest bits per byte
    every: int | None = None  # steps
    budget: float = float("inf")  # bytes of all together; the newest stay whatever their size


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the newest first."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _NAME.fullmatch(path.name)), reverse=True)


def step_of(path: Path) -> int:
    """The step of a checkpoint."""
    match = _NAME.fullmatch(path.name)
    assert match, path
    return int(match[1])


def list_steps(folder: Path) -> list[int]:
    """The steps of the checkpoints in a folder, the newest first."""
    return [step_of(path) for path in list_checkpoints(folder)]


def checkpoint_path(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step is, or would be."""
    return folder / f"step-{step:09d}.pt"


def is_whole(path: Path) -> bool:
    """Whether every part of a checkpoint is as it was written; reads all of it."""
    try:
        with path.open("rb") as file:
            size = file.seek(-SEAL, os.SEEK_END)
            seal = file.read()
            if seal.startswith(MARK):
                return seal == _seal(file, size)
        with zipfile.ZipFile(path) as archive:  # of before there was a seal
            return archive.testzip() is None
    except Exception:  # whatever a damaged file makes the reader say
        return False


def _seal(file: BinaryIO, size: int) -> bytes:
    """The seal of a file's first `size` bytes, after which it then is."""
    file.seek(0)
    found = 0
    while part := file.read(min(1 << 20, size - file.tell())):
        found = zlib.crc32(part, found)
    return MARK + b"%08x" % found


def newest_whole(folder: Path) -> tuple[Path | None, list[Path]]:
    """The newest checkpoint that is whole, or None; and newer ones that are not."""
    damaged: list[Path] = []
    for path in list_checkpoints(folder):
        if is_whole(path):
            return path, damaged
        damaged.append(path)
    return None, damaged


def save_checkpoint(folder: Path, step: int, state: dict[str, Any], kept: Kept = Kept()) -> Path:
    """Write `state` as the checkpoint of `step`, then remove those that need not stay."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = checkpoint_path(folder, step)
    temporary = folder / ".checkpoint.partial"
    try:
        with temporary.open("w+b") as file:
            _write(state, file)
            size = file.seek(-_END_SIZE, os.SEEK_END) + _END_SIZE
            if file.read(len(_END)) == _END:
                file.seek(size - 2)
                file.write(SEAL.to_bytes(2, "little"))  # the length of the comment
                file.write(_seal(file, size))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    tidy(folder, kept)
    return path


def tidy(folder: Path, kept: Kept, newest: int = NEWEST) -> None:
    """Remove the checkpoints that need not stay, and those that were set aside."""
    for path in folder.glob(f"{ASIDE}*"):
        path.unlink(missing_ok=True)
    paths = list_checkpoints(folder)
    room = kept.budget - sum(path.stat().st_size for path in paths[:newest])
    older = paths[newest:]
    for path in sorted(older, key=lambda path: step_of(path) != kept.best):  # the best first, then the newest
        size, step = path.stat().st_size, step_of(path)
        if (step == kept.best or (kept.every and step % kept.every == 0)) and size <= room:
            room -= size
        else:
            path.unlink()


def _write(state: dict[str, Any], file: BinaryIO) -> None:
    import torch

    try:
        torch.save(state, file)
    except RuntimeError as error:  # PyTorch has words of its own for a full disk
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def set_aside(folder: Path, names: Iterable[str]) -> None:
    """Give damaged checkpoints names that none has, until there is a new one: they do not count among the newest."""
    for name in names:
        (folder / name).replace(folder / f"{ASIDE}{name}")


def load_newest(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """The newest checkpoint that is whole, or None; and the names of newer ones that are not."""
    import torch

    path, damaged = newest_whole(folder)
    names = [each.name for each in damaged]
    return (None if path is None else torch.load(path, map_location="cpu", weights_only=True)), names


def remove_newer(folder: Path, step: int) -> None:
    """Remove the checkpoints of later steps."""
    for path in list_checkpoints(folder):
        if step_of(path) > step:
            path.unlink()
