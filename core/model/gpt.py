"""The GPT, on one page.

Notable: a pre-norm decoder with RMSNorm, rotary positions, grouped-query attention with normalised queries and keys
(QK-norm), SwiGLU, no biases, and an output that shares the embedding's weights. That is the architecture `qwen3`, and
the modules bear its tensors' names, so that a state dict is a Hugging Face checkpoint as it stands. By configuration
it is `qwen2`, `llama` or `gpt2` (learned positions, LayerNorm, GELU, biases) instead.

Shapes: B batch, T tokens, C hidden_size, H heads, K key-value heads, D head_dim, V vocabulary, S positions cached.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from . import gated, heads, layer_pass, norm
from .attention import available, causal_attention, suits
from .config import GPTConfig
from .linear import available as linear_available
from .linear import joins, joint, linear
from .loss import Candidates, linear_cross_entropy, token_losses

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: F.gelu(x, approximate="tanh"),
}


class Cache:
    """Keys and values of the positions so far, in memory that is taken once.

    `padding` (B,) says how many positions at the left of each row are nothing, where rows have different lengths.
    """

    def __init__(self, config: GPTConfig, batch: int, positions: int, device: torch.device, dtype: torch.dtype):
        shape = (batch, config.num_kv_heads, positions, config.head_dim)
        self.keys = [torch.empty(shape, device=device, dtype=dtype) for _layer in range(config.num_layers)]
        self.values = [torch.empty(shape, device=device, dtype=dtype) for _layer in range(config.num_layers)]
        self.positions = positions  # how many there is room for
        self.length = 0  # positions that are filled
        self.padding: Tensor | None = None

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store (B, K, T, D) behind what is there; all so far, (B, K, S, D)."""
        length = keys.shape[2]
        end = self.length + length
        self.keys[layer].narrow(2, self.length, length).copy_(keys)
        self.values[layer].narrow(2, self.length, length).copy_(values)
        return self.keys[layer].narrow(2, 0, end), self.values[layer].narrow(2, 0, end)

    def select(self, rows: Tensor) -> None:
        """Go on with these rows, (R,), each as often as it is named."""
        for tensors in (self.keys, self.values):
            for layer, old in enumerate(tensors):
                new = old if len(rows) == len(old) else old.new_empty(len(rows), *old.shape[1:])
                new[:, :, : self.length] = old[rows, :, : self.length]
                tensors[layer] = new
        if self.padding is not None:
            self.padding = self.padding[rows]

    def take(self, other: Cache, length: int) -> None:
        """Begin with the first `length` positions of another cache's first row."""
        for mine, theirs in zip(self.keys + self.values, other.keys + other.values, strict=True):
            mine[:, :, :length] = theirs[:1, :, :length]
        self.length = length

    def visible(self, length: int) -> tuple[Tensor | None, Tensor | None]:
        """For `length` tokens that come next: which positions each sees (B or 1, 1, T, S), and its own (B, T).

        None for the mask where all see all or the causal one does; None for the positions where rows are alike.
        """
        end, device = self.length + length, self.keys[0].device
        if self.padding is None:
            if not self.length or length == 1:
                return None, None
            # is_causal would align the mask with the first key, not the last
            return torch.ones(length, end, dtype=torch.bool, device=device).tril(self.length)[None, None], None
        places = torch.arange(end, device=device)
        real = places >= self.padding[:, None]  # (B, S)
        queries = places[self.length :]
        mask = real[:, None, None, :] & (places <= queries[:, None])
        # A padding position sees itself, so that no softmax is over nothing.
        mask = mask | (places == queries[:, None])
        return mask, (queries - self.padding[:, None]).clamp(min=0)


def apart(segments: Tensor) -> tuple[Tensor, Tensor]:
    """For rows that hold several texts, which `segments` (B, T) number: what each token sees (B, 1, T, T), its text's
    tokens so far, and its position (B, T), counted from where its text begins."""
    places = torch.arange(segments.shape[1], device=segments.device)
    same = segments[:, :, None] == segments[:, None, :]
    mask = (same & (places <= places[:, None]))[:, None]
    begins = torch.ones_like(segments, dtype=torch.bool)
    begins[:, 1:] = segments[:, 1:] != segments[:, :-1]
    return mask, places - torch.where(begins, places, 0).cummax(dim=1).values


def inverse_frequencies(config: GPTConfig) -> Tensor:
    """How far each pair of a head turns a position, (D/2,), in radians. Su et al. 2021, arXiv:2104.09864."""
    found = turns(config.rope_theta, config.head_dim)
    return found / stretch(config.rope_scaling, config.rope_theta, config.head_dim) if config.rope_scaling else found


def turns(theta: float, head_dim: int) -> Tensor:
    """The same where nothing is stretched."""
    return 1.0 / (theta ** (torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim))


def stretch(rope_scaling: Mapping[str, float | str], theta: float, head_dim: int) -> Tensor:
    """How many times more slowly each pair turns in a model that was taught longer texts later, (D/2,).

    Chen et al. 2023, arXiv:2306.15595 (linear); llama3 as Llama 3.1 does.
    """
    scaling = {name: float(value) for name, value in rope_scaling.items() if name != "rope_type"}
    if rope_scaling["rope_type"] == "linear":
        return torch.full((head_dim // 2,), scaling["factor"])
    # llama3: fast pairs stay, slow ones are stretched, between them a bit of both
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    # that fit the original context
    periods = scaling["original_max_position_embeddings"] * turns(theta, head_dim) / (2 * math.pi)
    share = ((periods - low) / (high - low)).clamp(0, 1)
    return 1 / ((1 - share) / scaling["factor"] + share)


def rotary_table(config: GPTConfig, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines (..., T, D) for rotary positions (..., T), halves side by side, the first sines negated."""
    angles = positions.float().unsqueeze(-1) * inverse_frequencies(config).to(positions.device)  # (..., T, D/2)
    cosines, sines = angles.cos(), angles.sin()
    return torch.cat([cosines, cosines], dim=-1), torch.cat([-sines, sines], dim=-1)


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Turn each pair of a (..., T, D) by its position's angle."""
    if torch.compiler.is_compiling():  # which has no fast code for a roll; by itself a roll is faster
        half = x.shape[-1] // 2
        left, right = x.chunk(2, dim=-1)
        cosines, sines = cosines[..., half:], sines[..., half:]
        turned = torch.addcmul(left * cosines, right, sines, value=-1), torch.addcmul(right * cosines, left, sines)
        return torch.cat(turned, dim=-1)
    return torch.addcmul(x * cosines, x.roll(x.shape[-1] // 2, -1), sines)


def attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Mix values (B, K, S, D) as queries (B, H, T, D) and keys (B, K, S, D) say: (B, T, H * D)."""
    batch, heads, length, size = queries.shape
    causal = mask is None and length > 1
    grouped = heads != keys.shape[1]
    if grouped and length == 1:
        # The heads that share keys see the same positions: as if they were tokens, and no key is copied.
        queries, grouped = queries.reshape(batch, keys.shape[1], -1, size), False
    mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, is_causal=causal, enable_gqa=grouped)
    if length > 1:
        mixed = mixed.transpose(1, 2)
    return mixed.reshape(batch, length, heads * size)


class RMSNorm(nn.Module):
    """Root mean square normalisation (Zhang and Sennrich 2019, arXiv:1910.07467)."""

    def __init__(self, size: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        if norm.suits(x, self.weight):
            return norm.rms_norm(x, self.weight, self.eps)
        return F.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), self.eps)


def norm_of_sum(module: nn.Module, x: Tensor, added: Tensor | None) -> tuple[Tensor, Tensor]:
    """x (B, T, C) and what is added to it; and that normalised by a module of `new_norm`."""
    if isinstance(module, RMSNorm) and norm.suits(x, module.weight):
        return norm.rms_norm_of_sum(x, added, module.weight, module.eps)
    x = x if added is None else x + added
    return x, module(x)


def new_norm(config: GPTConfig) -> nn.Module:
    """The norm of the architecture, over C."""
    kind = RMSNorm if config.rms_norm else nn.LayerNorm
    return kind(config.hidden_size, config.norm_eps)


class Attention(nn.Module):
    """Grouped-query attention (Ainslie et al. 2023, arXiv:2305.13245).

    QK-norm is of Dehghani et al. 2023, arXiv:2302.05442.
    """

    def __init__(self, config: GPTConfig, layer: int):
        super().__init__()
        self.config, self.layer = config, layer
        self.native, self.threads = available(config.head_dim), torch.get_num_threads()
        self.own_products = linear_available()
        self.heads = heads.Heads(config.num_heads, config.num_kv_heads, config.head_dim, config.norm_eps)
        width, kv_width = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
        self.q_proj = nn.Linear(config.hidden_size, width, bias=config.qkv_bias)
        self.k_proj = nn.Linear(config.hidden_size, kv_width, bias=config.qkv_bias)
        self.v_proj = nn.Linear(config.hidden_size, kv_width, bias=config.qkv_bias)
        self.o_proj = nn.Linear(width, config.hidden_size, bias=config.output_bias)
        if config.qk_norm:
            self.q_norm = RMSNorm(config.head_dim, config.norm_eps)
            self.k_norm = RMSNorm(config.head_dim, config.norm_eps)

    def forward(
        self, x: Tensor, rotary: tuple[Tensor, Tensor] | None, cache: Cache | None, mask: Tensor | None
    ) -> Tensor:
        projections = self.q_proj, self.k_proj, self.v_proj
        alone = cache is None and mask is None
        if alone and self.in_one(x, rotary):
            assert rotary is not None
            norms = (self.q_norm.weight, self.k_norm.weight) if self.config.qk_norm else (None, None)
            side_by_side = joint(x, projections, self.own_products)
            return project(heads.mixed(side_by_side, self.heads, norms, rotary), self.o_proj, self.own_products)
        split = (*x.shape[:2], -1, self.config.head_dim)
        queries, keys, values = (each.view(split) for each in linear(x, projections, self.own_products))
        if self.config.qk_norm:
            queries, keys = self.q_norm(queries), self.k_norm(keys)
        queries, keys, values = queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2)
        if rotary is not None:
            queries, keys = rotate(queries, *rotary), rotate(keys, *rotary)  # (B, H, T, D), (B, K, T, D)
        if cache is not None:  # only here is the layer's number looked at: all layers share what is compiled for one
            keys, values = cache.extend(self.layer, keys, values)
        if alone and self.native and suits(queries, values, self.threads):
            found = causal_attention(queries, keys, values)
        else:
            found = attend(queries, keys, values, mask)
        return project(found, self.o_proj, self.own_products)

    def in_one(self, x: Tensor, rotary: tuple[Tensor, Tensor] | None) -> bool:
        """Whether x (B, T, C) goes by what heads.py does from its projections to that of the output."""
        known = self.native and rotary is not None and heads.suits(x, self.heads, rotary, self.threads)
        return known and joins(x, [self.q_proj, self.k_proj, self.v_proj])


def project(x: Tensor, layer: nn.Module, native: bool) -> Tensor:
    """What a layer makes of x (..., C)."""
    return joint(x, [layer], native) if joins(x, [layer]) else linear(x, [layer], native)[0]


class MLP(nn.Module):
    """SwiGLU (Shazeer 2020, arXiv:2002.05202), or two matrices with an activation between."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        width, inner, bias = config.hidden_size, config.intermediate_size, config.mlp_bias
        self.gated, self.activation = config.gated, ACTIVATIONS[config.activation]
        self.inner = inner
        self.own_products = linear_available()
        if config.gated:
            self.gate_proj = nn.Linear(width, inner, bias=bias)
        self.up_proj = nn.Linear(width, inner, bias=bias)
        self.down_proj = nn.Linear(inner, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.gated:
            projections = self.gate_proj, self.up_proj
            if self.in_one(x):
                inner = gated.silu_gated(joint(x, projections, self.own_products))
            else:
                gate, up = linear(x, projections, self.own_products)
                inner = self.activation(gate) * up
        else:
            inner = self.activation(project(x, self.up_proj, self.own_products))
        return project(inner, self.down_proj, self.own_products)

    def in_one(self, x: Tensor) -> bool:
        """Whether x (B, T, C) goes by what gated.py does between its projections."""
        known = self.gated and self.activation is F.silu and gated.suits(x, self.inner)
        return known and joins(x, [self.gate_proj, self.up_proj])


class LeftOut(NamedTuple):
    """What training leaves out of some rows.

    `seen` (B, T) are the tokens that are seen. `kept` (B, L, 2, C) is by what the channels behind the attention and the
    MLP of each layer are multiplied: for a share of them zero. A row has the same at all positions (Gal and Ghahramani
    2016, arXiv:1512.05287): that takes T times fewer random numbers, which are what makes dropout dear on a CPU.
    """

    seen: Tensor | None = None
    kept: Tensor | None = None


class Layer(nn.Module):
    """Attention, then the MLP, each added to what came in; in training less what is left out."""

    def __init__(self, config: GPTConfig, index: int):
        super().__init__()
        self.input_layernorm = new_norm(config)
        self.self_attn = Attention(config, index)
        self.post_attention_layernorm = new_norm(config)
        self.mlp = MLP(config)

    def forward(
        self,
        x: Tensor,
        rotary: tuple[Tensor, Tensor] | None,
        cache: Cache | None,
        mask: Tensor | None,
        kept: Tensor | None = None,
        twice: bool = False,
    ) -> Tensor:
        """`kept` (B, 2, C) is by what the channels of both are multiplied; `twice`: whether this is done twice."""
        if cache is None and mask is None and rotary is not None and self.in_parts(x, rotary):
            weights = self.weights()
            if layer_pass.suits(x, weights):
                return layer_pass.whole_layer(x, self.self_attn.heads, rotary, kept, weights, twice)
        x, normed = norm_of_sum(self.input_layernorm, x, None)
        mixed = self.self_attn(normed, rotary, cache, mask)
        if kept is not None:
            mixed = mixed * kept[:, :1].to(mixed.dtype)
        x, normed = norm_of_sum(self.post_attention_layernorm, x, mixed)
        mixed = self.mlp(normed)
        if kept is not None:
            mixed = mixed * kept[:, 1:].to(mixed.dtype)
        return x + mixed

    def in_parts(self, x: Tensor, rotary: tuple[Tensor, Tensor]) -> bool:
        """Whether x (B, T, C) goes through the layer in training by passes of C and products alone."""
        normed = isinstance(self.input_layernorm, RMSNorm) and norm.suits(x, self.input_layernorm.weight)
        parts = normed and self.self_attn.in_one(x, rotary) and self.mlp.in_one(x)
        return parts and joins(x, [self.self_attn.o_proj, self.mlp.down_proj])

    def weights(self) -> layer_pass.Weights:
        """Those of a layer that goes so."""
        attention, mlp = self.self_attn, self.mlp
        first, second = self.input_layernorm, self.post_attention_layernorm
        assert isinstance(first, RMSNorm) and isinstance(second, RMSNorm)
        normalises = attention.config.qk_norm
        return layer_pass.Weights(
            first.weight,
            attention.q_proj.weight,
            attention.k_proj.weight,
            attention.v_proj.weight,
            attention.q_norm.weight if normalises else None,
            attention.k_norm.weight if normalises else None,
            attention.o_proj.weight,
            second.weight,
            mlp.gate_proj.weight,
            mlp.up_proj.weight,
            mlp.down_proj.weight,
        )


def new_embedding(number: int, size: int) -> nn.Embedding:
    """Of zeros: to draw values for a network that is about to be loaded would import half of PyTorch first."""
    return nn.Embedding.from_pretrained(torch.zeros(number, size), freeze=False)


class Decoder(nn.Module):
    """The embedding, the layers and the last norm."""

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.config = config
        self.embed_tokens = new_embedding(config.vocab_size, config.hidden_size)
        if not config.rotary:
            self.embed_positions = new_embedding(config.context, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config, index) for index in range(config.num_layers))
        self.norm = new_norm(config)
        self._rotary: tuple[Tensor, Tensor] | None = None  # the table of the positions that were seen so far
        self.compiled: tuple[Callable[..., Tensor], ...] = ()  # the layers, for training
        self.recompute = False  # whether training keeps only what goes into each layer, and computes the rest twice

    def compile_layers(self) -> None:
        """Compile the layers for training; what is written or measured goes through them as they are."""
        self.compiled = tuple(torch.compile(layer, dynamic=False) for layer in self.layers)

    def needs_no_compiler(self, texts: int, length: int) -> bool:
        """Whether so many texts of so many tokens go through the layers in training by passes of C and products alone:
        there is nothing left to compile.
        """
        if not self.config.rotary:
            return False
        x = self.embed_tokens.weight[:1].expand(texts, length, -1)
        cosines, sines = self.rotary(length, x)
        rotary = cosines[:length], sines[:length]
        return all(isinstance(layer, Layer) and layer.in_parts(x, rotary) for layer in self.layers)

    def rotary(self, end: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines of at least the positions before `end`, (S, D), on the device and in the type of `like`."""
        table = self._rotary
        if table is None or len(table[0]) < end or table[0].dtype != like.dtype or table[0].device != like.device:
            size = min(self.config.context, 1 << (end - 1).bit_length()) if end <= self.config.context else end
            with torch.inference_mode(False):  # training goes on with what a sample between two steps has made
                cosines, sines = rotary_table(self.config, torch.arange(size, device=like.device))
                table = self._rotary = cosines.to(like.dtype), sines.to(like.dtype)
        return table

    def forward(
        self,
        tokens: Tensor,
        cache: Cache | None = None,
        view: tuple[Tensor, Tensor] | None = None,
        left_out: LeftOut | None = None,
    ) -> Tensor:
        """Hidden states (B, T, C). `view` is what each token sees (B, 1, T, T) and its position (B, T), where that is
        not all before it."""
        seen, kept = left_out or LeftOut()
        start, length = cache.length if cache is not None else 0, tokens.shape[1]
        mask, positions = view or (cache.visible(length) if cache is not None else (None, None))
        chosen = slice(start, start + length) if positions is None else positions
        x = self.embed_tokens(tokens)  # (B, T, C)
        if seen is not None:
            x = x * seen.to(x.dtype).unsqueeze(-1)
        rotary = None
        if self.config.rotary:
            cosines, sines = self.rotary(start + length, x)
            rotary = cosines[chosen], sines[chosen]
            if positions is not None:  # rows differ: (B, 1, T, D)
                rotary = rotary[0].unsqueeze(1), rotary[1].unsqueeze(1)
        else:
            x = x + self.embed_positions.weight[chosen]
        layers: Iterable[Callable[..., Tensor]] = (self.training and self.compiled) or self.layers
        for index, layer in enumerate(layers):
            its = None if kept is None else kept[:, index]
            if self.recompute and self.training:
                x = checkpoint(layer, x, rotary, cache, mask, its, True, use_reentrant=False)
            else:
                x = layer(x, rotary, cache, mask, its)
        if cache is not None:
            cache.length += length
        return self.norm(x)


class FewTokens(Protocol):
    """Another way through the network, for a few tokens behind what is in a cache, that is faster."""

    def takes(self, tokens: Tensor, cache: Cache) -> bool:
        """Whether it can be gone here."""

    def __call__(self, tokens: Tensor, cache: Cache, last: bool) -> Tensor:
        """As the network."""


class GPT(nn.Module):
    """A language model: tokens in, logits of the next tokens out."""

    step: FewTokens | None = None

    def __init__(self, config: GPTConfig):
        super().__init__()
        self.config = config
        self.model = Decoder(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight

    @property
    def device(self) -> torch.device:
        return self.model.embed_tokens.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.model.embed_tokens.weight.dtype

    def new_cache(self, batch: int = 1, positions: int | None = None) -> Cache:
        """An empty cache for `batch` rows of up to `positions` (the whole context) tokens."""
        return Cache(self.config, batch, positions or self.config.context, self.device, self.dtype)

    def forward(self, tokens: Tensor, cache: Cache | None = None, last: bool = False) -> Tensor:
        """Logits (B, T, V) for tokens (B, T), which follow what is in `cache`; of the `last` token alone, (B, 1, V)."""
        if self.step is not None and cache is not None and self.step.takes(tokens, cache):
            return self.step(tokens, cache, last)
        return self.network(tokens, cache, last)

    def network(self, tokens: Tensor, cache: Cache | None = None, last: bool = False) -> Tensor:
        """The same by the network itself."""
        hidden = self.model(tokens, cache)
        return self.lm_head(hidden[:, -1:] if last else hidden)

    def loss(
        self,
        tokens: Tensor,
        targets: Tensor,
        reduction: str = "mean",
        counts: Tensor | None = None,
        segments: Tensor | None = None,
        candidates: Candidates | None = None,
        left_out: LeftOut | None = None,
    ) -> Tensor:
        """Cross-entropy in nats of `targets` (B, T) after `tokens` (B, T): the mean; with "none" each of (B * T,).

        In the mean each target counts as `counts` (B, T) says. Where a row holds several texts, `segments` (B, T)
        number them: none sees another. In training the mean may be estimated from `candidates`, and some be left out.
        """
        view = None if segments is None else apart(segments)
        hidden, weight = self.model(tokens, view=view, left_out=left_out).flatten(0, 1), self.lm_head.weight
        if reduction == "none":
            return token_losses(hidden, weight, targets.flatten())
        counts = None if counts is None else counts.flatten()
        return linear_cross_entropy(hidden, weight, targets.flatten(), counts, candidates)

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
