"""Checkpoints: whole or absent, and the last good one stays until the next is safe.

Which stay: the two newest, the best, and one each so many steps where that is wanted, within a budget of disk space.
A checkpoint is a zip archive with a checksum for each part, so whether it is whole can be told without PyTorch.
"""

from __future__ import annotations

import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..core.files import sync_folder

NEWEST = 2
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
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except Exception:  # whatever a damaged file makes the reader say
        return False


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
        with temporary.open("wb") as file:
            _write(state, file)
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
    """Remove the checkpoints that need not stay."""
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
