"""A model as a GGUF file, for llama.cpp and the programs around it."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType
from gguf.quants import quant_shape_to_byte_shape, quantize

from ..errors import UserError
from ..files import sync_folder
from ..language import gettext as _
from ..model.config import GPTConfig
from ..model.store import ModelInfo
from ..model.weights import Checkpoint
from ..progress import Progress, no_progress
from ..tokenizer.tokenizer import Tokenizer
from .gguf_layout import ROPE_FACTORS, place, write_config
from .gguf_tokenizer import write_tokenizer

_FILE_TYPES = {
    "f32": (GGMLQuantizationType.F32, LlamaFileType.ALL_F32),
    "f16": (GGMLQuantizationType.F16, LlamaFileType.MOSTLY_F16),
    "q8_0": (GGMLQuantizationType.Q8_0, LlamaFileType.MOSTLY_Q8_0),
}
TYPES = tuple(_FILE_TYPES)
BLOCK = 32  # numbers of a row that q8_0 rounds together


def export_gguf(info: ModelInfo, path: Path, kept: str = "f32", progress: Progress = no_progress) -> None:
    """Write the model to `path`, whole or not at all; `kept` is one of TYPES.

    Vectors stay in float32; matrices whose rows q8_0 cannot cut into its blocks are written in f16. Raises UserError
    for a model that llama.cpp cannot be.
    """
    config, tokenizer = info.config, Tokenizer.at(info.path)
    _check(config)
    wanted, file_type = _FILE_TYPES[kept]
    temporary = path.with_name(f".{path.name}.partial")
    writer = GGUFWriter(temporary, config.architecture)
    try:
        writer.add_name(info.name)
        if "license" in info.provenance:
            writer.add_license(str(info.provenance["license"]))
        writer.add_file_type(file_type)
        write_config(writer, config)
        write_tokenizer(writer, tokenizer, config.vocab_size)
        sizes = [_announce(writer, name, shape, wanted) for name, shape in _shapes(config).items()]
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for done, array in enumerate(_tensors(info.path, config), 1):
            writer.write_tensor_data(quantize(array, _type_of(array.shape, wanted)))
            progress(done, len(sizes), _("writing {name}").format(name=path.name))
        writer.close()
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        if temporary.stat().st_size < sum(sizes):  # numpy does not tell when the disk is full
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        temporary.replace(path)
        sync_folder(path.absolute().parent)
    finally:
        writer.close()
        temporary.unlink(missing_ok=True)


def _check(config: GPTConfig) -> None:
    refused = {
        "hidden_act gelu": config.activation == "gelu",
        "head_dim": config.architecture == "qwen2" and config.num_heads * config.head_dim != config.hidden_size,
        "attention_bias": config.architecture == "qwen3" and (config.qkv_bias or config.output_bias),
    }
    if any(refused.values()):
        names = ", ".join(name for name, present in refused.items() if present)
        raise UserError(_("This model has {names}, which llama.cpp does not support.").format(names=names))


def _shapes(config: GPTConfig) -> dict[str, tuple[int, ...]]:
    """The tensors of the file, in its order."""
    shapes: dict[str, tuple[int, ...]] = {}
    if config.rope_scaling.get("rope_type") == "llama3":
        shapes[ROPE_FACTORS] = (config.head_dim // 2,)
    for name, shape in config.tensors():
        where = place(config, name)
        shapes[where.name] = where.shape(shape)
    return shapes


def _tensors(folder: Path, config: GPTConfig) -> Iterator[np.ndarray[Any, Any]]:
    """Their numbers, in float32, in the same order; a layer at a time is in memory."""
    import torch

    from ..model.gpt import stretch

    if config.rope_scaling.get("rope_type") == "llama3":
        yield stretch(config.rope_scaling, config.rope_theta, config.head_dim).numpy()
    with Checkpoint(folder) as checkpoint:
        checkpoint.check(config)
        weights = checkpoint.read(config, torch.float32)
        for _layer, group in itertools.groupby(weights, lambda weight: weight[0].split(".")[:3]):
            parts: dict[str, list[np.ndarray[Any, Any]]] = {}
            for name, tensor in group:
                where = place(config, name)
                parts.setdefault(where.name, []).append(where.give(tensor.numpy()))
            for arrays in parts.values():
                yield np.concatenate(arrays)


def _type_of(shape: tuple[int, ...], wanted: GGMLQuantizationType) -> GGMLQuantizationType:
    if len(shape) < 2:
        return GGMLQuantizationType.F32
    if wanted == GGMLQuantizationType.Q8_0 and shape[-1] % BLOCK:
        return GGMLQuantizationType.F16
    return wanted


def _announce(writer: GGUFWriter, name: str, shape: tuple[int, ...], wanted: GGMLQuantizationType) -> int:
    """Say that a tensor will come; how many bytes it will have."""
    kind = _type_of(shape, wanted)
    dtype = {GGMLQuantizationType.F32: np.float32, GGMLQuantizationType.F16: np.float16}.get(kind, np.uint8)
    stored = quant_shape_to_byte_shape(shape, kind) if dtype is np.uint8 else shape
    size = int(np.prod(stored)) * np.dtype(dtype).itemsize
    writer.add_tensor_info(name, stored, np.dtype(dtype), size, raw_dtype=kind)
    return size
