"""The network made ready to write: a token costs little more than reading the weights once.

One token at a time is limited by how fast weights come from memory, and, in a small model, by how many operations there
are. Matrices with the same input become one. On a CPU a few tokens then go through decode.c in one call; where that was
not built, the layouts that oneDNN and FBGEMM pack weights into are next best (a plain matrix product with one row reads
at half the speed of the memory or less), and the factors of an RMSNorm move into the matrix that follows it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .gpt import GPT, MLP, Attention, Cache, Layer, RMSNorm, attend, rotate
from .graphs import GraphStep
from .loading import QUANTIZATIONS
from .native import NativeStep, library

ROWS = 8  # that the packed layout is made for; it serves one row and hundreds nearly as well

Linear = Callable[[Tensor, Tensor | None], nn.Module]  # from a weight and a bias


class PlainLinear(nn.Module):
    """A linear map as it is."""

    def __init__(self, weight: Tensor, bias: Tensor | None):
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class PackedLinear(nn.Module):
    """A linear map in float32 on a CPU, packed by oneDNN."""

    def __init__(self, weight: Tensor, bias: Tensor | None):
        super().__init__()
        self.bias = bias
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)

    def forward(self, x: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")


class Int8Linear(nn.Module):
    """Weights of one byte with a scale for each row, on a CPU; inputs are rounded to a byte as they come."""

    def __init__(self, weight: Tensor, bias: Tensor | None):
        super().__init__()
        self.bias = bias
        quantized, scales = quantize(weight)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the tensor's type is to move to another library some day
            tensor = torch._make_per_channel_quantized_tensor(
                quantized, scales.double(), torch.zeros(len(scales), dtype=torch.long), 0
            )
        self.packed = torch.ops.quantized.linear_prepack(tensor, None)
        # Without these instructions products of full bytes do not fit where they are added up.
        self.reduce_range = not torch.cpu._is_vnni_supported()

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[:-1].numel() == 1:
            product = torch.ops.quantized.linear_dynamic(x, self.packed, self.reduce_range)
        else:  # all rows are rounded alike: each is brought to the same size first
            sizes = x.abs().amax(dim=-1, keepdim=True).clamp_(min=1e-12)
            product = torch.ops.quantized.linear_dynamic(x / sizes, self.packed, self.reduce_range).mul_(sizes)
        return product if self.bias is None else product + self.bias


class WeightOnlyInt8Linear(nn.Module):
    """Weights of one byte with a scale for each row, on any device; they are spread out as they are used."""

    def __init__(self, weight: Tensor, bias: Tensor | None):
        super().__init__()
        self.weight, scales = quantize(weight)
        self.scales, self.bias = scales.to(weight.dtype), bias

    def forward(self, x: Tensor) -> Tensor:
        product = F.linear(x, self.weight.to(x.dtype)) * self.scales
        return product if self.bias is None else product + self.bias


def quantize(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers from -127 to 127 (rows, columns), and what each row is multiplied with to come back."""
    scales = (weight.abs().amax(dim=1) / 127).clamp(min=1e-12).float()
    return (weight / scales[:, None]).round().to(torch.int8), scales


class UnitNorm(nn.Module):
    """RMSNorm over the last dimension of size `size` without its factors, in few operations."""

    def __init__(self, size: int, eps: float, like: Tensor):
        super().__init__()
        self.size, self.eps = size, torch.tensor(eps, dtype=like.dtype, device=like.device)

    def forward(self, x: Tensor) -> Tensor:
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        return x * torch.addcmul(self.eps, norm, norm, value=1 / self.size).rsqrt_()


class PackedAttention(nn.Module):
    """Attention with its three first matrices in one."""

    def __init__(self, attention: Attention, norm: nn.Module | None, linear: Linear):
        super().__init__()
        self.config, self.layer = attention.config, attention.layer
        self.qkv_proj = join([attention.q_proj, attention.k_proj, attention.v_proj], linear, norm)
        self.o_proj = join([attention.o_proj], linear)
        if self.config.qk_norm:
            heads, kv_heads = self.config.num_heads, self.config.num_kv_heads
            self.q_norm, self.k_norm = attention.q_norm, attention.k_norm
            weights = [self.q_norm.weight.expand(heads, -1), self.k_norm.weight.expand(kv_heads, -1)]
            self.qk_weight = torch.cat(weights)  # (H + K, D)
            self.unit = UnitNorm(self.config.head_dim, self.config.norm_eps, self.qk_weight)

    def forward(
        self, x: Tensor, rotary: tuple[Tensor, Tensor] | None, cache: Cache | None, mask: Tensor | None
    ) -> Tensor:
        config = self.config
        parts = self.qkv_proj(x).view(*x.shape[:2], -1, config.head_dim)  # (B, T, H + 2 K, D)
        both, values = parts.split([config.num_heads + config.num_kv_heads, config.num_kv_heads], dim=2)
        if config.qk_norm:
            both = self.unit(both) * self.qk_weight
        both = both.transpose(1, 2)
        if rotary is not None:
            both = rotate(both, *rotary)
        queries, keys = both.split([config.num_heads, config.num_kv_heads], dim=1)
        values = values.transpose(1, 2)
        if cache is not None:
            keys, values = cache.extend(self.layer, keys, values)
        return self.o_proj(attend(queries, keys, values, mask))


class PackedMLP(nn.Module):
    """The MLP with its two first matrices in one."""

    def __init__(self, mlp: MLP, norm: nn.Module | None, linear: Linear):
        super().__init__()
        self.gated, self.activation = mlp.gated, mlp.activation
        self.first_proj = join([mlp.gate_proj, mlp.up_proj] if mlp.gated else [mlp.up_proj], linear, norm)
        self.down_proj = join([mlp.down_proj], linear)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.first_proj(x)
        if not self.gated:
            return self.down_proj(self.activation(inner))
        gate, up = inner.chunk(2, dim=-1)
        return self.down_proj(self.activation(gate).mul_(up))


def join(linears: Sequence[nn.Linear], linear: Linear, norm: nn.Module | None = None) -> nn.Module:
    """Linear maps of one input in one, with the factors of the RMSNorm before them where it is given."""
    weights = [each.weight.detach() for each in linears]
    weight = torch.cat(weights) if len(weights) > 1 else weights[0]
    bias = torch.cat([each.bias.detach() for each in linears]) if linears[0].bias is not None else None
    if isinstance(norm, RMSNorm):
        weight = weight * norm.weight.detach()
    return linear(weight.contiguous(), bias)


def unit(norm: nn.Module) -> nn.Module:
    """An RMSNorm whose factors were moved; another norm as it is."""
    return UnitNorm(len(norm.weight), norm.eps, norm.weight) if isinstance(norm, RMSNorm) else norm


@torch.no_grad()
def prepare(model: GPT, quantization: str = "none") -> GPT:
    """Make a loaded model ready to write, in place: it cannot be trained or saved any more.

    `quantization` is one of QUANTIZATIONS. It gives the same logits but for rounding.
    """
    assert quantization in QUANTIZATIONS
    on_cpu = model.device.type == "cpu" and model.dtype == torch.float32
    native = on_cpu and library() is not None
    linear = _kind(on_cpu and not native, quantization)
    layers: Iterable[Layer] = model.model.layers  # type: ignore[assignment]
    for layer in layers:
        norms = (None, None) if native else (layer.input_layernorm, layer.post_attention_layernorm)
        layer.self_attn = PackedAttention(layer.self_attn, norms[0], linear)  # type: ignore[assignment]
        layer.mlp = PackedMLP(layer.mlp, norms[1], linear)  # type: ignore[assignment]
        if not native:
            layer.input_layernorm = unit(layer.input_layernorm)
            layer.post_attention_layernorm = unit(layer.post_attention_layernorm)
    model.lm_head = join([model.lm_head], linear, None if native else model.model.norm)  # type: ignore[assignment]
    if native:
        model.step = NativeStep(model)
    else:
        model.model.norm = unit(model.model.norm)
    if model.device.type == "cuda":
        model.step = GraphStep(model)
    return model.requires_grad_(False)


def _kind(packed: bool, quantization: str) -> Linear:
    if quantization == "int8":
        return Int8Linear if packed and torch.backends.quantized.engine != "none" else WeightOnlyInt8Linear
    return PackedLinear if packed and torch.backends.mkldnn.is_available() else PlainLinear
