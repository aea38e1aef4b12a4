"""The shape of a GPT, and its `config.json` in the layout of Hugging Face's `qwen3`. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import UserError
from ..language import gettext as _
from ..tokenizer.special import BEGIN, END, PADDING

ARCHITECTURE = "qwen3"


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a GPT."""

    vocab_size: int
    context: int  # positions
    hidden_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    intermediate_size: int  # of the SwiGLU layer
    rope_theta: float = 10_000.0
    rms_norm_eps: float = 1e-6
    tie_embeddings: bool = True

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        width, heads, kv_heads = self.hidden_size, self.num_heads * self.head_dim, self.num_kv_heads * self.head_dim
        attention = width * heads * 2 + width * kv_heads * 2 + 2 * self.head_dim
        layer = attention + 3 * width * self.intermediate_size + 2 * width
        embeddings = self.vocab_size * width * (1 if self.tie_embeddings else 2)
        return embeddings + self.num_layers * layer + width

    @property
    def matrix_parameters(self) -> int:
        """How many numbers multiply each token: those of the layers and of the output, once. What costs time."""
        return self.parameters - (0 if self.tie_embeddings else self.vocab_size * self.hidden_size)

    def to_hugging_face(self, dtype: str = "float32") -> dict[str, Any]:
        """The content of `config.json`."""
        return {
            "architectures": ["Qwen3ForCausalLM"],
            "model_type": ARCHITECTURE,
            "vocab_size": self.vocab_size,
            "max_position_embeddings": self.context,
            "hidden_size": self.hidden_size,
            "num_hidden_layers": self.num_layers,
            "num_attention_heads": self.num_heads,
            "num_key_value_heads": self.num_kv_heads,
            "head_dim": self.head_dim,
            "intermediate_size": self.intermediate_size,
            "rope_theta": self.rope_theta,
            "rope_parameters": {"rope_type": "default", "rope_theta": self.rope_theta},
            "rms_norm_eps": self.rms_norm_eps,
            "tie_word_embeddings": self.tie_embeddings,
            "attention_bias": False,
            "attention_dropout": 0.0,
            "hidden_act": "silu",
            "use_sliding_window": False,
            "bos_token_id": BEGIN,
            "eos_token_id": END,
            "pad_token_id": PADDING,
            "dtype": dtype,
            "torch_dtype": dtype,
        }

    @classmethod
    def from_hugging_face(cls, values: Mapping[str, Any]) -> GPTConfig:
        """The shape that a `config.json` describes. Raises UserError for what the network here cannot be."""
        if values.get("model_type") != ARCHITECTURE:
            raise UserError(
                _("This is a {type} model; newleaf reads {known}.").format(
                    type=values.get("model_type"), known=ARCHITECTURE
                )
            )
        rope = values.get("rope_parameters") or values.get("rope_scaling") or {}
        scaling = rope.get("rope_type", rope.get("type", "default"))
        refused = {
            f"rope_type {scaling}": scaling != "default",
            "attention_bias": bool(values.get("attention_bias")),
            "use_sliding_window": bool(values.get("use_sliding_window")),
            f"hidden_act {values.get('hidden_act')}": values.get("hidden_act", "silu") != "silu",
        }
        if any(refused.values()):
            names = ", ".join(name for name, present in refused.items() if present)
            raise UserError(_("This model has {names}, which newleaf does not support.").format(names=names))
        try:
            heads = int(values["num_attention_heads"])
            return cls(
                vocab_size=int(values["vocab_size"]),
                context=int(values["max_position_embeddings"]),
                hidden_size=int(values["hidden_size"]),
                num_layers=int(values["num_hidden_layers"]),
                num_heads=heads,
                num_kv_heads=int(values.get("num_key_value_heads", heads)),
                head_dim=int(values.get("head_dim") or int(values["hidden_size"]) // heads),
                intermediate_size=int(values["intermediate_size"]),
                rope_theta=float(rope.get("rope_theta") or values.get("rope_theta", 10_000.0)),
                rms_norm_eps=float(values.get("rms_norm_eps", 1e-6)),
                tie_embeddings=bool(values.get("tie_word_embeddings", False)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(_("The model's config.json is damaged: {error}.").format(error=error)) from None
