"""Files that are whole or absent, folders that appear finished, and locks that die with their process."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .errors import UserError
from .language import gettext as _

STAGING = ".partial-"  # the prefix of a folder that is still being made


def write_atomic(path: Path, data: bytes | str, durable: bool = True) -> None:
    """Put `data` at `path`: all of it, or, whatever happens, what was there before.

    `durable` also waits for the disk, so that a power cut changes nothing of this.
    """
    temporary = path.with_name(f".{path.name}.partial")  # always the same, so that a kill leaves one at most
    try:
        with temporary.open("wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def write_json(path: Path, value: Any, durable: bool = True) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    write_atomic(path, _json_bytes(value, indent=1), durable)


def _json_bytes(value: Any, **layout: Any) -> bytes:
    # The name of a file that is no UTF-8 has surrogates: JSON can spell them, and they come back as they were.
    return json.dumps(value, ensure_ascii=False, **layout).encode("utf-8", "backslashreplace") + b"\n"


def read_json(path: Path) -> Any:
    """The value in a JSON file. Raises FileNotFoundError, or UserError where the file is damaged."""
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise UserError(_("{path} is damaged: {error}.").format(path=path, error=error)) from None


def read_object(path: Path, *keys: str) -> dict[str, Any]:
    """The object in a JSON file, which has these keys. Raises FileNotFoundError, or UserError where it is damaged."""
    value = read_json(path)
    if not isinstance(value, dict) or not all(key in value for key in keys):
        missing = ", ".join(key for key in keys if not isinstance(value, dict) or key not in value)
        raise UserError(_("{path} is damaged: it lacks {missing}.").format(path=path, missing=missing or "{}"))
    return value


def sync_folder(path: Path) -> None:
    """Make sure that a rename in `path` outlasts a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_lines(path: Path, values: Iterable[Any]) -> None:
    """Append each value as a line of JSON: all of them, or none where the disk is full.

    A line that a kill cut short is closed first, so that it spoils no other.
    """
    lines = b"".join(_json_bytes(value, separators=(",", ":")) for value in values)
    with path.open("ab+", buffering=0) as file:
        end = file.tell()
        if end:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                lines = b"\n" + lines
        left = memoryview(lines)
        try:
            while left:  # a disk that is nearly full takes a part
                left = left[file.write(left) :]
        except OSError:
            file.truncate(end)
            raise


def read_lines(path: Path, offset: int = 0, most: int = -1) -> tuple[list[dict[str, Any]], int]:
    """The JSON objects of the whole lines from byte `offset` on, and the offset to go on from.

    With `most`, of about so many bytes only. A last line without its end is left for the next time; a line that is no
    object in JSON is passed over.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(most)
            if most > 0:
                data += file.readline()
    except FileNotFoundError:
        return [], offset
    end = data.rfind(b"\n") + 1
    values = []
    for line in data[:end].splitlines():
        with contextlib.suppress(ValueError):
            if isinstance(value := json.loads(line), dict):
                values.append(value)
    return values, offset + end


class FolderLock:
    """The right to write into a folder: one process at a time, given up when that process ends, however it ends.

    The lock belongs to the open file, so it can be handed to a child process by inheriting `descriptor`.
    """

    def __init__(self, folder: Path):
        self.path = folder / ".lock"
        self.descriptor = -1

    def acquire(self, patience: float = 0.3) -> bool:
        """Take the lock; False when somebody else has it and keeps it for `patience` seconds."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + patience  # longer than anybody needs to look whether it is held
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    return False
                time.sleep(0.01)
            else:
                self.descriptor = descriptor
                return True

    def release(self) -> None:
        """Let go of the lock here; a child that inherited it keeps it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def is_in_place(self) -> bool:
        """Whether the lock taken here is that of the folder: who had it before may have moved the folder away."""
        try:
            return os.path.samestat(os.fstat(self.descriptor), self.path.stat())
        except FileNotFoundError:
            return False

    def is_held(self) -> bool:
        """Whether some process has the lock now."""
        try:
            descriptor = os.open(self.path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False


@contextlib.contextmanager
def staged_folder(path: Path, replace: bool = False) -> Iterator[Path]:
    """A folder to fill, which becomes `path` when the block ends well and is gone when it does not.

    What a killed process left of the same folder is cleared first. With `replace`, an existing `path` gives way;
    without, it is a UserError, as it is when another process is filling the same folder.
    """
    clear_staging(path.parent)
    staging = path.parent / f"{STAGING}{path.name}"
    lock = FolderLock(staging)
    while lock.descriptor < 0:
        staging.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # another process has made its folder just now
            if not lock.acquire():
                text = _("{path} is being made by another process. Wait for it, or stop it.")
                raise UserError(text.format(path=path))
            if not lock.is_in_place():
                lock.release()
    try:
        for leftover in staging.iterdir():
            if leftover != lock.path:
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        yield staging
        for file in staging.rglob("*"):
            if file.is_file():
                with file.open("rb") as handle:
                    os.fsync(handle.fileno())
        if path.exists() and not replace:
            raise UserError(_("{path} exists already.").format(path=path))
        old = _move_aside(path) if path.exists() else None
        staging.rename(path)
        (path / lock.path.name).unlink()
        sync_folder(path.parent)
        if old:
            shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    finally:
        lock.release()


def clear_staging(parent: Path) -> None:
    """Remove what killed processes left half-made in `parent`."""
    for leftover in parent.glob(f"{STAGING}*"):
        with contextlib.suppress(OSError):
            just_made = time.time() - leftover.stat().st_mtime < 60  # perhaps about to be locked
            if not just_made and not FolderLock(leftover).is_held():
                shutil.rmtree(leftover)


def remove_folder(path: Path) -> None:
    """Remove a folder so that nobody ever sees half of it."""
    shutil.rmtree(_move_aside(path), ignore_errors=True)


def _move_aside(path: Path) -> Path:
    trash = path.with_name(f"{STAGING}{path.name}-removed-{os.getpid()}-{time.time_ns()}")
    path.rename(trash)
    return trash


def disk_size(path: Path) -> int:
    """The bytes of all files below `path`."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
