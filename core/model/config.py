"""The shape of a GPT, and its `config.json` in the layouts of Hugging Face. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from ..errors import UserError
from ..language import gettext as _

ARCHITECTURES = ("qwen3", "qwen2", "llama", "gpt2")
GELU = ("gelu_new", "gelu_pytorch_tanh", "gelu")  # the first two are one formula

# No model that can be read is larger: a number beyond is damage, and must not cost memory.
_LARGEST = {
    "vocab_size": 1 << 24,
    "context": 1 << 30,
    "hidden_size": 1 << 20,
    "num_layers": 1 << 14,
    "num_heads": 1 << 14,
    "num_kv_heads": 1 << 14,
    "head_dim": 1 << 14,
    "intermediate_size": 1 << 22,
}


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a GPT: qwen3's parts by default, those of other architectures by choice."""

    vocab_size: int
    context: int  # positions
    hidden_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    intermediate_size: int  # of the layer between attention and the next
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-6
    tie_embeddings: bool = True
    architecture: str = "qwen3"
    qkv_bias: bool = False
    output_bias: bool = False  # of the attention's last projection
    mlp_bias: bool = False
    activation: str = "silu"
    rope_scaling: Mapping[str, float | str] = field(default_factory=dict)  # rope_type linear or llama3; empty: none

    @property
    def rotary(self) -> bool:
        """Whether positions turn queries and keys; else they are learned and added to the embedding."""
        return self.architecture != "gpt2"

    @property
    def rms_norm(self) -> bool:
        """Whether norms are RMSNorm; else LayerNorm."""
        return self.architecture != "gpt2"

    @property
    def gated(self) -> bool:
        """Whether the MLP is SwiGLU; else two matrices with a GELU between."""
        return self.architecture != "gpt2"

    @property
    def qk_norm(self) -> bool:
        """Whether queries and keys are normalised."""
        return self.architecture == "qwen3"

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        layer = sum(prod(shape) for _name, shape in self._layer_shapes())
        return self.num_layers * layer + sum(prod(shape) for _name, shape in self._outer_shapes())

    @property
    def matrix_parameters(self) -> int:
        """How many numbers multiply each token: those of the layers and of the output, once. What costs time."""
        return self.parameters - (0 if self.tie_embeddings else self.vocab_size * self.hidden_size)

    @property
    def layer_parameters(self) -> int:
        """How many numbers the layers have."""
        return self.num_layers * sum(prod(shape) for _name, shape in self._layer_shapes())

    def tensors(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The name and the shape of each weight, as the network here calls it; shared ones once."""
        yield from self._outer_shapes()
        for layer in range(self.num_layers):
            for name, shape in self._layer_shapes():
                yield f"model.layers.{layer}.{name}", shape

    def _outer_shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        width = self.hidden_size
        yield "model.embed_tokens.weight", (self.vocab_size, width)
        if not self.rotary:
            yield "model.embed_positions.weight", (self.context, width)
        yield from self._norm_shapes("model.norm")
        if not self.tie_embeddings:
            yield "lm_head.weight", (self.vocab_size, width)

    def _norm_shapes(self, name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
        yield f"{name}.weight", (self.hidden_size,)
        if not self.rms_norm:
            yield f"{name}.bias", (self.hidden_size,)

    def _layer_shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        width, inner = self.hidden_size, self.intermediate_size
        heads, kv_heads = self.num_heads * self.head_dim, self.num_kv_heads * self.head_dim
        linears = [
            ("self_attn.q_proj", heads, width, self.qkv_bias),
            ("self_attn.k_proj", kv_heads, width, self.qkv_bias),
            ("self_attn.v_proj", kv_heads, width, self.qkv_bias),
            ("self_attn.o_proj", width, heads, self.output_bias),
            *([("mlp.gate_proj", inner, width, self.mlp_bias)] if self.gated else []),
            ("mlp.up_proj", inner, width, self.mlp_bias),
            ("mlp.down_proj", width, inner, self.mlp_bias),
        ]
        for name, rows, columns, bias in linears:
            yield f"{name}.weight", (rows, columns)
            if bias:
                yield f"{name}.bias", (rows,)
        if self.qk_norm:
            yield "self_attn.q_norm.weight", (self.head_dim,)
            yield "self_attn.k_norm.weight", (self.head_dim,)
        yield from self._norm_shapes("input_layernorm")
        yield from self._norm_shapes("post_attention_layernorm")

    def to_hugging_face(self, special: Mapping[str, Any] | None = None, dtype: str = "float32") -> dict[str, Any]:
        """The content of `config.json`, with the numbers of special tokens as a tokenizer has them."""
        values = self._to_gpt2() if self.architecture == "gpt2" else self._to_llama_like()
        return {
            "model_type": self.architecture,
            "vocab_size": self.vocab_size,
            **values,
            "tie_word_embeddings": self.tie_embeddings,
            **(special or {}),
            "dtype": dtype,
            "torch_dtype": dtype,
        }

    def _to_llama_like(self) -> dict[str, Any]:
        rope = {"rope_type": "default", **self.rope_scaling, "rope_theta": self.rope_theta}
        values: dict[str, Any] = {
            "architectures": [f"{self.architecture.capitalize()}ForCausalLM"],
            "max_position_embeddings": self.context,
            "hidden_size": self.hidden_size,
            "num_hidden_layers": self.num_layers,
            "num_attention_heads": self.num_heads,
            "num_key_value_heads": self.num_kv_heads,
            "head_dim": self.head_dim,
            "intermediate_size": self.intermediate_size,
            "rope_theta": self.rope_theta,
            "rope_parameters": rope,
            "rms_norm_eps": self.norm_eps,
            "attention_dropout": 0.0,
            "hidden_act": self.activation,
        }
        if self.rope_scaling:
            values["rope_scaling"] = rope
        if self.architecture == "llama":
            values |= {"attention_bias": self.qkv_bias, "mlp_bias": self.mlp_bias}
        else:
            values |= {"use_sliding_window": False}
        if self.architecture == "qwen3":
            values |= {"attention_bias": self.qkv_bias}
        return values

    def _to_gpt2(self) -> dict[str, Any]:
        return {
            "architectures": ["GPT2LMHeadModel"],
            "n_positions": self.context,
            "n_ctx": self.context,
            "n_embd": self.hidden_size,
            "n_layer": self.num_layers,
            "n_head": self.num_heads,
            "n_inner": self.intermediate_size,
            "activation_function": self.activation,
            "layer_norm_epsilon": self.norm_eps,
            "attn_pdrop": 0.0,
            "embd_pdrop": 0.0,
            "resid_pdrop": 0.0,
        }

    @classmethod
    def from_hugging_face(cls, values: Mapping[str, Any]) -> GPTConfig:
        """The shape that a `config.json` describes. Raises UserError for what the network here cannot be."""
        architecture = values.get("model_type")
        if architecture not in ARCHITECTURES:
            raise UserError(
                _("This is a {type} model; newleaf reads {known}.").format(
                    type=architecture, known=", ".join(ARCHITECTURES)
                )
            )
        read = _read_gpt2 if architecture == "gpt2" else _read_llama_like
        try:
            shape, refused = read(values)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise UserError(_("The model's config.json is damaged: {error}.").format(error=_explain(error))) from None
        refused["quantization_config"] = bool(values.get("quantization_config"))
        if any(refused.values()):
            names = ", ".join(name for name, present in refused.items() if present)
            raise UserError(_("This model has {names}, which newleaf does not support.").format(names=names))
        config = cls(architecture=architecture, **shape)
        config.check()
        return config

    def check(self) -> None:
        """Raises UserError for a shape that no model has."""
        wrong = [name for name, largest in _LARGEST.items() if not 1 <= getattr(self, name) <= largest]
        if not wrong and self.num_heads % self.num_kv_heads:
            wrong = ["num_kv_heads"]
        if not wrong and self.rotary and self.head_dim % 2:
            wrong = ["head_dim"]
        if not wrong and not self.rotary and self.num_heads * self.head_dim != self.hidden_size:
            wrong = ["num_heads"]
        for name in wrong:
            error = _("{name} is {value}").format(name=name, value=getattr(self, name))
            raise UserError(_("The model's config.json is damaged: {error}.").format(error=error))


def _read_llama_like(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, bool]]:
    architecture = values["model_type"]
    theta = values.get("rope_theta") or 10_000.0
    # The older key counts where both are there, as in Transformers; only the newer one holds the base.
    newer, older = values.get("rope_parameters") or {}, values.get("rope_scaling") or {}
    theta, scaling, unread = _read_rope({"rope_theta": newer.get("rope_theta"), **(older or newer)}, theta)
    heads, width = _whole(values["num_attention_heads"]), _whole(values["hidden_size"])
    attention_bias = bool(values.get("attention_bias", False))
    activation = values.get("hidden_act", "silu")
    layer_types = set(values.get("layer_types") or ()) - {"full_attention"}
    refused = {
        **unread,
        "use_sliding_window": bool(values.get("use_sliding_window")),
        **{f"layer type {name}": True for name in sorted(map(str, layer_types))},
        f"hidden_act {activation}": activation not in ("silu", "swish"),
    }
    if architecture == "qwen2":
        biases = {"qkv_bias": True}
    else:
        biases = {"qkv_bias": attention_bias, "output_bias": attention_bias}
    if architecture == "llama":
        biases["mlp_bias"] = bool(values.get("mlp_bias", False))
    shape = {
        "vocab_size": _whole(values["vocab_size"]),
        "context": _whole(values["max_position_embeddings"]),
        "hidden_size": width,
        "num_layers": _whole(values["num_hidden_layers"]),
        "num_heads": heads,
        "num_kv_heads": _whole(values.get("num_key_value_heads") or heads),
        "head_dim": _whole(values.get("head_dim") or width // max(heads, 1)),
        "intermediate_size": _whole(values["intermediate_size"]),
        "rope_theta": theta,
        "norm_eps": float(values.get("rms_norm_eps", 1e-6)),
        "tie_embeddings": bool(values.get("tie_word_embeddings", False)),
        "rope_scaling": scaling,
        **biases,
    }
    return shape, refused


def _read_rope(rope: Mapping[str, Any], theta: Any) -> tuple[float, dict[str, float | str], dict[str, bool]]:
    """The base, how positions are stretched, and what of it is not understood."""
    theta = float(rope.get("rope_theta") or theta)
    kind = rope.get("rope_type", rope.get("type", "default"))
    known = {
        "default": (),
        "linear": ("factor",),
        "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
    }
    partial = rope.get("partial_rotary_factor") or 1
    refused = {f"rope_type {kind}": kind not in known, f"partial_rotary_factor {partial}": partial != 1}
    scaling: dict[str, float | str] = {name: float(rope[name]) for name in known.get(kind, ())}
    return theta, {"rope_type": kind, **scaling} if scaling else {}, refused


def _read_gpt2(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, bool]]:
    width, heads = _whole(values["n_embd"]), _whole(values["n_head"])
    activation = values.get("activation_function", "gelu_new")
    refused = {
        f"activation_function {activation}": activation not in GELU,
        "scale_attn_weights false": not values.get("scale_attn_weights", True),
        "scale_attn_by_inverse_layer_idx": bool(values.get("scale_attn_by_inverse_layer_idx")),
        "add_cross_attention": bool(values.get("add_cross_attention")),
    }
    shape = {
        "vocab_size": _whole(values["vocab_size"]),
        "context": _whole(values.get("n_positions", values.get("n_ctx", 1024))),
        "hidden_size": width,
        "num_layers": _whole(values["n_layer"]),
        "num_heads": heads,
        "num_kv_heads": heads,
        "head_dim": width // max(heads, 1),
        "intermediate_size": _whole(values.get("n_inner") or 4 * width),
        "norm_eps": float(values.get("layer_norm_epsilon", 1e-5)),
        "tie_embeddings": bool(values.get("tie_word_embeddings", True)),
        "qkv_bias": True,
        "output_bias": True,
        "mlp_bias": True,
        "activation": activation,
    }
    return shape, refused


def _whole(value: Any) -> int:
    if isinstance(value, bool) or int(value) != value:
        raise ValueError(f"{value} is no whole number")
    return int(value)


def _explain(error: Exception) -> str:
    return _("it lacks {missing}").format(missing=error) if isinstance(error, KeyError) else str(error)
