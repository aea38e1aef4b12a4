"""The GPT, on one page.

Notable: a pre-norm decoder with RMSNorm, rotary positions, grouped-query attention with normalised queries and keys
(QK-norm), SwiGLU, no biases, and an output that shares the embedding's weights. That is the architecture `qwen3`, and
the modules bear its tensors' names, so that a state dict is a Hugging Face checkpoint as it stands.

Shapes: B batch, T tokens, C hidden_size, H heads, K key-value heads, D head_dim, V vocabulary, S positions cached.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import GPTConfig


class Cache:
    """Keys and values of the positions so far, in memory that is taken once."""

    def __init__(self, config: GPTConfig, batch: int, positions: int, device: torch.device, dtype: torch.dtype):
        shape = (config.num_layers, batch, config.num_kv_heads, positions, config.head_dim)
        self.keys = torch.zeros(shape, device=device, dtype=dtype)
        self.values = torch.zeros(shape, device=device, dtype=dtype)
        self.length = 0  # positions that are filled

    @property
    def positions(self) -> int:
        """How many positions there is room for."""
        return self.keys.shape[3]

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store (B, K, T, D) behind what is there; all so far, (B, K, S, D)."""
        end = self.length + keys.shape[2]
        self.keys[layer, :, :, self.length : end] = keys
        self.values[layer, :, :, self.length : end] = values
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def repeat(self, batch: int) -> None:
        """Serve `batch` continuations of the one row that was computed."""
        self.keys = self.keys.expand(-1, batch, -1, -1, -1).contiguous()
        self.values = self.values.expand(-1, batch, -1, -1, -1).contiguous()


def rotary_table(config: GPTConfig, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines (T, D) for rotary positions (Su et al. 2021, arXiv:2104.09864), halves side by side."""
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.float32, device=positions.device) / config.head_dim
    angles = torch.outer(positions.float(), config.rope_theta**-exponents)  # (T, D/2)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Turn each pair of a (..., T, D) by its position's angle."""
    left, right = x.chunk(2, dim=-1)
    return x * cosines + torch.cat([-right, left], dim=-1) * sines


class RMSNorm(nn.Module):
    """Root mean square normalisation (Zhang and Sennrich 2019, arXiv:1910.07467)."""

    def __init__(self, size: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), self.eps)


class Attention(nn.Module):
    """Grouped-query attention (Ainslie et al. 2023, arXiv:2305.13245).

    QK-norm is of Dehghani et al. 2023, arXiv:2302.05442.
    """

    def __init__(self, config: GPTConfig, layer: int):
        super().__init__()
        self.config, self.layer = config, layer
        heads, kv_heads = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
        self.q_proj = nn.Linear(config.hidden_size, heads, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, kv_heads, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, kv_heads, bias=False)
        self.o_proj = nn.Linear(heads, config.hidden_size, bias=False)
        self.q_norm = RMSNorm(config.head_dim, config.rms_norm_eps)
        self.k_norm = RMSNorm(config.head_dim, config.rms_norm_eps)

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor], cache: Cache | None) -> Tensor:
        batch, length, _ = x.shape
        split = (batch, length, -1, self.config.head_dim)
        queries = rotate(self.q_norm(self.q_proj(x).view(split)).transpose(1, 2), *rotary)  # (B, H, T, D)
        keys = rotate(self.k_norm(self.k_proj(x).view(split)).transpose(1, 2), *rotary)  # (B, K, T, D)
        values = self.v_proj(x).view(split).transpose(1, 2)
        mask = None
        if cache is not None:
            before = cache.length
            keys, values = cache.extend(self.layer, keys, values)
            if before and length > 1:  # is_causal would align the mask with the first key, not the last
                mask = torch.ones(length, before + length, dtype=torch.bool, device=x.device).tril(before)
        mixed = F.scaled_dot_product_attention(
            queries,
            keys,
            values,
            attn_mask=mask,
            is_causal=mask is None and length > 1,
            enable_gqa=self.config.num_kv_heads != self.config.num_heads,
        )
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))


class MLP(nn.Module):
    """SwiGLU (Shazeer 2020, arXiv:2002.05202)."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """Attention, then the MLP, each added to what came in."""

    def __init__(self, config: GPTConfig, index: int):
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config, index)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, rotary: tuple[Tensor, Tensor], cache: Cache | None) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), rotary, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    """The embedding, the layers and the last norm."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config, index) for index in range(config.num_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, tokens: Tensor, cache: Cache | None = None) -> Tensor:
        start = cache.length if cache is not None else 0
        positions = torch.arange(start, start + tokens.shape[1], device=tokens.device)
        x = self.embed_tokens(tokens)  # (B, T, C)
        cosines, sines = rotary_table(self.config, positions)
        rotary = cosines.to(x.dtype), sines.to(x.dtype)
        for layer in self.layers:
            x = layer(x, rotary, cache)
        if cache is not None:
            cache.length += tokens.shape[1]
        return self.norm(x)


class GPT(nn.Module):
    """A language model: tokens in, logits of the next tokens out."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.config = config
        self.model = Decoder(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight

    @property
    def device(self) -> torch.device:
        return self.lm_head.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.lm_head.weight.dtype

    def new_cache(self, batch: int = 1, positions: int | None = None) -> Cache:
        """An empty cache for `batch` rows of up to `positions` (the whole context) tokens."""
        return Cache(self.config, batch, positions or self.config.context, self.device, self.dtype)

    def forward(self, tokens: Tensor, cache: Cache | None = None, last: bool = False) -> Tensor:
        """Logits (B, T, V) for tokens (B, T), which follow what is in `cache`; of the `last` token alone, (B, 1, V)."""
        hidden = self.model(tokens, cache)
        return self.lm_head(hidden[:, -1:] if last else hidden)

    def loss(self, tokens: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        """Cross-entropy in nats of `targets` (B, T) after `tokens` (B, T): the mean; with "none" each of (B * T,)."""
        logits = self(tokens)
        return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction=reduction)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw new weights: projections back into the residual stream are zero, so each layer starts as no change."""
        for name, parameter in self.named_parameters():
            if parameter.ndim < 2:
                parameter.fill_(1.0)
            elif name.endswith(("o_proj.weight", "down_proj.weight")):
                parameter.zero_()
            elif "embed_tokens" in name or "lm_head" in name:
                parameter.normal_(std=0.02, generator=generator)
            else:
                bound = math.sqrt(3 / parameter.shape[1])  # a standard deviation of 1 / sqrt(fan in)
                parameter.uniform_(-bound, bound, generator=generator)
