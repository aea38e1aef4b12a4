"""Checkpoints: whole or absent, and the last good one stays until the next is safe."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, BinaryIO

import torch

from ..core.files import sync_folder

KEPT = 2  # the newest ones
_NAME = re.compile(r"step-(\d+)\.pt")


def list_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, the newest first."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _NAME.fullmatch(path.name)), reverse=True)


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write `state` as the checkpoint of `step`, then remove what is older than the last two."""
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"step-{step:09d}.pt"
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
    for old in list_checkpoints(folder)[KEPT:]:
        old.unlink()
    return path


def _write(state: dict[str, Any], file: BinaryIO) -> None:
    try:
        torch.save(state, file)
    except RuntimeError as error:  # PyTorch has words of its own for a full disk
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def load_newest(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """The newest checkpoint that can be read, or None; and the names of newer ones that cannot."""
    damaged: list[str] = []
    for path in list_checkpoints(folder):
        try:
            return torch.load(path, map_location="cpu", weights_only=True), damaged
        except Exception:  # whatever a damaged file makes the reader say
            damaged.append(path.name)
    return None, damaged


def remove_checkpoints(folder: Path) -> None:
    """Remove all of them."""
    for path in list_checkpoints(folder):
        path.unlink()
