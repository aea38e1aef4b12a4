"""Where a weight is in a Hugging Face checkpoint, for architectures that lay it out in another way than the network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .config import GPTConfig

if TYPE_CHECKING:
    from torch import Tensor

_GPT2 = {
    "model.embed_tokens": "wte",
    "model.embed_positions": "wpe",
    "model.norm": "ln_f",
    "input_layernorm": "ln_1",
    "post_attention_layernorm": "ln_2",
    "self_attn.o_proj": "attn.c_proj",
    "mlp.up_proj": "mlp.c_fc",
    "mlp.down_proj": "mlp.c_proj",
}
_FUSED = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")  # one after the other in attn.c_attn
_LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)\.(weight|bias)")


@dataclass(frozen=True)
class Place:
    """A weight in a file: the tensor's name, which third of it, and whether rows are columns there."""

    name: str
    third: int | None = None
    transposed: bool = False

    def take(self, tensor: Tensor) -> Tensor:
        """The weight as the network has it."""
        if self.third is not None:
            size = tensor.shape[-1] // 3
            tensor = tensor[..., self.third * size : (self.third + 1) * size]
        return tensor.mT if self.transposed else tensor

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the tensor in the file, for a weight of `shape`."""
        if self.transposed:
            shape = shape[::-1]
        return shape if self.third is None else (*shape[:-1], 3 * shape[-1])


def place(config: GPTConfig, name: str) -> Place:
    """Where the network's weight `name` is in a checkpoint of its architecture."""
    if config.architecture != "gpt2" or name == "lm_head.weight":
        return Place(name)
    if not (match := _LAYER.fullmatch(name)):
        module, _dot, kind = name.rpartition(".")
        return Place(f"transformer.{_GPT2[module]}.{kind}")
    layer, module, kind = match.groups()
    prefix, transposed = f"transformer.h.{layer}", kind == "weight" and "layernorm" not in module
    if module in _FUSED:
        return Place(f"{prefix}.attn.c_attn.{kind}", _FUSED.index(module), transposed)
    return Place(f"{prefix}.{_GPT2[module]}.{kind}", transposed=transposed)


def to_checkpoint(config: GPTConfig, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a checkpoint, by their names there, of all weights or of whole layers' alone.

    Each is contiguous, in memory of its own where it was laid out anew.
    """
    import torch

    found: dict[str, Tensor] = {}
    for name in filter(weights.__contains__, (name for name, _shape in config.tensors())):
        where = place(config, name)
        tensor = weights[name].mT if where.transposed else weights[name]
        if where.third:
            tensor = torch.cat([found[where.name], tensor], dim=-1)
        found[where.name] = tensor
    return {name: tensor.contiguous() for name, tensor in found.items()}
