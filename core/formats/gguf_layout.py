"""Where each weight and each number of a model's shape is in a GGUF file, both ways.

The names are those of llama.cpp; so is the order of the rows of llama's queries and keys, whose rotary pairs stand side
by side there, while Hugging Face keeps the halves apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UserError
from ..language import gettext as _
from ..model.config import GPTConfig
from .gguf_file import GGUFFile

if TYPE_CHECKING:
    from gguf import GGUFWriter

ARCHITECTURES = ("qwen3", "qwen2", "llama", "gpt2")
_OUTER = {
    "model.embed_tokens": "token_embd",
    "model.embed_positions": "position_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
}
_INNER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_FUSED = ("attn_q", "attn_k", "attn_v")  # of gpt2: rows of attn_qkv, one after the other
_LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)")
# What Llama 3.1 to 3.3 have: a file gives a factor for each rotary pair, and not what they came from.
_LOW, _HIGH, _ORIGINAL = 1.0, 4.0, 8192.0
ROPE_FACTORS = "rope_freqs.weight"


@dataclass(frozen=True)
class GGUFPlace:
    """A weight in a file: the tensor's name, which third of it, and how many heads' rows are in another order there."""

    name: str
    third: int | None = None
    heads: int | None = None

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the tensor, for a weight of `shape`."""
        return shape if self.third is None else (3 * shape[0], *shape[1:])

    def take(self, tensor: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The weight as the network has it."""
        if self.third is not None:
            tensor = np.split(tensor, 3)[self.third]
        if self.heads:
            pairs = tensor.reshape(self.heads, -1, 2, *tensor.shape[1:])
            tensor = pairs.swapaxes(1, 2).reshape(tensor.shape)
        return np.ascontiguousarray(tensor)

    def give(self, weight: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The rows of the tensor in the file, for a weight of the network."""
        if self.heads:
            halves = weight.reshape(self.heads, 2, -1, *weight.shape[1:])
            weight = halves.swapaxes(1, 2).reshape(weight.shape)
        return np.ascontiguousarray(weight)


def place(config: GPTConfig, name: str) -> GGUFPlace:
    """Where the network's weight `name` is."""
    module, _dot, kind = name.rpartition(".")
    if not (match := _LAYER.fullmatch(module)):
        return GGUFPlace(f"{_OUTER[module]}.{kind}")
    layer, inner = match[1], _INNER[match[2]]
    if config.architecture == "gpt2" and inner in _FUSED:
        return GGUFPlace(f"blk.{layer}.attn_qkv.{kind}", _FUSED.index(inner))
    heads = {"attn_q": config.num_heads, "attn_k": config.num_kv_heads}.get(inner)
    return GGUFPlace(f"blk.{layer}.{inner}.{kind}", heads=heads if config.architecture == "llama" else None)


def read_config(file: GGUFFile) -> GPTConfig:
    """The shape of the model in a file. Raises UserError for what the network here cannot be."""
    architecture = file.get("general.architecture", str)
    if architecture not in ARCHITECTURES:
        raise UserError(
            _("This is a {type} model; newleaf reads {known}.").format(
                type=architecture, known=", ".join(ARCHITECTURES)
            )
        )

    def whole(key: str, default: int | None = None) -> int:
        """A number that is the same for all layers."""
        name = f"{architecture}.{key}"
        if name not in file and default is not None:
            return default
        if len(values := set(file.numbers(name))) != 1:
            raise UserError(_("This model has {names}, which newleaf does not support.").format(names=name))
        return values.pop()

    width, heads, layers = whole("embedding_length"), whole("attention.head_count"), whole("block_count")
    head_dim = whole("attention.key_length", width // max(1, heads))
    rotary = architecture != "gpt2"
    epsilon = "attention.layer_norm_rms_epsilon" if rotary else "attention.layer_norm_epsilon"
    context = whole("context_length")
    refused = {
        "attention.value_length": whole("attention.value_length", head_dim) != head_dim,
        "rope.dimension_count": rotary and whole("rope.dimension_count", head_dim) != head_dim,
        "expert_count": whole("expert_count", 0) > 0,
        "attention.sliding_window": 0 < whole("attention.sliding_window", 0) < context,
        **{key: f"{architecture}.{key}" in file for key in ("logit_scale", "embedding_scale", "residual_scale")},
    }
    theta = file.get(f"{architecture}.rope.freq_base", float, 10_000.0)
    scaling = _rope_scaling(file, architecture, theta, head_dim, refused)
    if any(refused.values()):
        names = ", ".join(f"{architecture}.{key}" for key, present in refused.items() if present)
        raise UserError(_("This model has {names}, which newleaf does not support.").format(names=names))
    first = "attn_q" if rotary else "attn_qkv"
    config = GPTConfig(
        vocab_size=file.shape("token_embd.weight")[0],
        context=context,
        hidden_size=width,
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=whole("attention.head_count_kv", heads),
        head_dim=head_dim,
        intermediate_size=whole("feed_forward_length"),
        rope_theta=theta,
        norm_eps=file.get(f"{architecture}.{epsilon}", float),
        tie_embeddings="output.weight" not in file.tensors,
        architecture=architecture,
        qkv_bias=f"blk.0.{first}.bias" in file.tensors,
        output_bias="blk.0.attn_output.bias" in file.tensors,
        mlp_bias="blk.0.ffn_down.bias" in file.tensors,
        activation="silu" if rotary else "gelu_new",
        rope_scaling=scaling,
    )
    config.check()
    return config


def _rope_scaling(
    file: GGUFFile, architecture: str, theta: float, head_dim: int, refused: dict[str, bool]
) -> dict[str, float | str]:
    kind = file.get(f"{architecture}.rope.scaling.type", str, "none")
    if ROPE_FACTORS in file.tensors:
        stretched = _llama3_of(file, theta, head_dim)
        refused["rope_freqs"] = stretched is None
        return stretched or {}
    if kind == "linear":
        return {"rope_type": "linear", "factor": file.get(f"{architecture}.rope.scaling.factor", float)}
    refused[f"rope.scaling.type {kind}"] = kind != "none"
    return {}


def _llama3_of(file: GGUFFile, theta: float, head_dim: int) -> dict[str, float | str] | None:
    """How a model is stretched whose file gives a factor for each rotary pair; None where it is another way."""
    from ..model.gpt import stretch, turns

    factors = file.read(ROPE_FACTORS).astype(np.float64).flatten()
    if len(factors) != head_dim // 2 or not 1 < (most := factors.max()) < np.inf or factors.min() < 1:
        return None
    # A pair between the slow and the fast ones tells how long the texts were before.
    share = (1 / factors - 1 / most) / (1 - 1 / most)
    between = (share > 0.01) & (share < 0.99)
    periods = _LOW + share * (_HIGH - _LOW)
    lengths = 2 * np.pi * periods[between] / turns(theta, head_dim).numpy()[between]
    original = float(np.median(lengths).round()) if len(lengths) else _ORIGINAL
    found: dict[str, float | str] = {
        "rope_type": "llama3",
        "factor": float(np.round(most, 4)),
        "low_freq_factor": _LOW,
        "high_freq_factor": _HIGH,
        "original_max_position_embeddings": original,
    }
    return found if np.allclose(stretch(found, theta, head_dim).numpy(), factors, rtol=1e-3) else None


def write_config(writer: GGUFWriter, config: GPTConfig) -> None:
    """Say the shape of a model."""
    writer.add_context_length(config.context)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_heads)
    writer.add_head_count_kv(config.num_kv_heads)
    writer.add_vocab_size(config.vocab_size)
    if not config.rotary:
        writer.add_layer_norm_eps(config.norm_eps)
        return
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_theta)
    if config.rope_scaling.get("rope_type") == "linear":
        from gguf import RopeScalingType

        writer.add_rope_scaling_type(RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(float(config.rope_scaling["factor"]))
