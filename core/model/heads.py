"""From the product that makes queries, keys and values to the one after attention, in training on a CPU: heads are
normalised and turned by their positions (heads.h), and mixed (attention.py). One operation forward, one back.

What is compiled has the first of it among the rest.
"""

from __future__ import annotations

from ctypes import Structure, c_float, c_int64, c_void_p
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from . import attention
from .native import train, trains

MULTIPLE = 32  # of which a head's size must be one: half of it is whole vectors
LARGEST = 512
TOGETHER = 64  # tokens whose gradients of the weights are added up at once, whatever the number of threads


class _Turned(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("tokens", "heads", "size", "length", "threads", "together", "half")),
        ("epsilon", c_float),
        ("row", c_int64),
        *((name, c_void_p) for name in ("x", "weight", "cosines", "sines", "factors")),
        *((name, c_void_p) for name in ("out", "slopes", "to_x", "to_weight")),
    ]


@dataclass(frozen=True)
class Heads:
    """What lies side by side for a token: H heads of queries, K of keys, K of values, each D numbers."""

    queries: int
    keys: int
    size: int
    epsilon: float  # of the norms

    @property
    def parts(self) -> list[int]:
        """How many numbers queries, keys and values are."""
        return [self.queries * self.size, self.keys * self.size, self.keys * self.size]


def suits(x: Tensor, heads: Heads, rotary: tuple[Tensor, Tensor], threads: int) -> bool:
    """Whether texts x (B, T, C) can be mixed by such heads here."""
    if not trains(x) or heads.size % MULTIPLE or heads.size > LARGEST:
        return False
    texts, length = x.shape[:2]
    table = (length, heads.size)
    told = all(each.shape == table and each.dtype == torch.float32 and each.is_contiguous() for each in rotary)
    return told and attention.has_enough(texts * heads.keys, length, threads)


def mixed(
    joint: Tensor, heads: Heads, norms: tuple[Tensor, Tensor] | tuple[None, None], rotary: tuple[Tensor, Tensor]
) -> Tensor:
    """Values mixed as queries and keys say, (B, T, H * D), of all three side by side (B, T, (H + 2 K) D).

    Queries and keys are normalised, if there are weights (D,) for it, and turned by cosines and sines (T, D) of their
    positions: in float32, as attention. It comes out in the type of what went in.
    """
    found: Tensor = _Mixed.apply(joint, heads, *norms, *rotary)
    return found


def _turned(x: Tensor, epsilon: float, weight: Tensor | None, table: tuple[Tensor, Tensor], factors: Tensor) -> _Turned:
    texts, length, heads, size = x.shape
    threads, half = torch.get_num_threads(), x.dtype == torch.bfloat16
    told = _Turned(texts * length, heads, size, length, threads, TOGETHER, half, epsilon, x.stride(1))
    told.x, told.cosines, told.sines, told.factors = (each.data_ptr() for each in (x, *table, factors))
    told.weight = None if weight is None else weight.data_ptr()
    return told


def _turn(x: Tensor, epsilon: float, weight: Tensor | None, table: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Heads (B, T, H, D) as attention needs them, (B, H, T, D), and what each was multiplied by."""
    out = x.new_empty(x.shape, dtype=torch.float32)
    factors = out.new_empty(x.shape[:3])
    told = _turned(x, epsilon, weight, table, factors)
    told.out = out.data_ptr()
    train("heads", told)
    return out.transpose(1, 2), factors


def _turn_back(
    x: Tensor,
    epsilon: float,
    weight: Tensor | None,
    table: tuple[Tensor, Tensor],
    factors: Tensor,
    slopes: Tensor,
    to_x: Tensor,
) -> Tensor | None:
    """The gradients of heads, which `to_x` becomes, from those of what was made of them; gives those of the weight."""
    told = _turned(x, epsilon, weight, table, factors)
    to_weight = None if weight is None else slopes.new_empty(-(-told.tokens // TOGETHER), len(weight))
    slopes = slopes.transpose(1, 2).contiguous()
    told.slopes, told.to_x = slopes.data_ptr(), to_x.data_ptr()
    told.to_weight = None if to_weight is None else to_weight.data_ptr()
    train("heads_backward", told)
    return None if to_weight is None else to_weight[0]


def _apart(joint: Tensor, heads: Heads) -> list[Tensor]:
    """Queries, keys and values, each (B, T, H or K, D)."""
    return [each.unflatten(-1, (-1, heads.size)) for each in joint.split(heads.parts, -1)]


class _Mixed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        joint: Tensor,
        heads: Heads,
        query_norm: Tensor | None,
        key_norm: Tensor | None,
        cosines: Tensor,
        sines: Tensor,
    ) -> Tensor:
        joint = joint.contiguous()
        queries, keys, values = _apart(joint, heads)
        queries, query_factors = _turn(queries, heads.epsilon, query_norm, (cosines, sines))
        keys, key_factors = _turn(keys, heads.epsilon, key_norm, (cosines, sines))
        values = values.float().transpose(1, 2)
        found, sums = attention.forward(queries, keys, values)
        ctx.save_for_backward(
            joint, query_norm, key_norm, cosines, sines, query_factors, key_factors, queries, keys, values, found, sums
        )
        ctx.heads = heads
        return found.transpose(1, 2).flatten(2).to(joint.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slopes: Tensor) -> tuple[Tensor | None, ...]:
        joint, query_norm, key_norm, cosines, sines, query_factors, key_factors, *kept = ctx.saved_tensors
        heads, table = ctx.heads, (cosines, sines)
        slopes = slopes.float().unflatten(-1, (-1, heads.size)).transpose(1, 2)
        queries, keys, values, found, sums = kept
        to_queries, to_keys, to_values = attention.backward(queries, keys, values, found, sums, slopes)
        to_joint = torch.empty_like(joint)
        (queries, keys, _values), parts = _apart(joint, heads), _apart(to_joint, heads)
        of_query_norm = _turn_back(queries, heads.epsilon, query_norm, table, query_factors, to_queries, parts[0])
        of_key_norm = _turn_back(keys, heads.epsilon, key_norm, table, key_factors, to_keys, parts[1])
        parts[2].copy_(to_values.transpose(1, 2))
        return to_joint, None, of_query_norm, of_key_norm, None, None
