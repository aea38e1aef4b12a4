"""From the product that makes queries, keys and values to the one after attention, in training on a CPU: heads are
normalised and turned by their positions (heads.h), and mixed (attention.h). It is one operation forward and one back,
and only what went in and what came out is kept between them.

What is compiled has the first of it among the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from . import attention
from .native import product_type, trains

MULTIPLE = 32  # of which a head's size must be one: half of it is whole vectors


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
    if not trains(x) or heads.size % MULTIPLE:
        return False
    texts, length = x.shape[:2]
    table = (length, heads.size)
    told = all(each.shape == table and each.dtype == torch.float32 and each.is_contiguous() for each in rotary)
    tiled = attention.by_tiles(product_type(x), heads.size)
    longest = attention.LONGEST_BY_TILES if tiled else attention.LONGEST
    return told and attention.has_enough(texts * heads.keys, length, threads, longest)


def mixed(
    joint: Tensor, heads: Heads, norms: tuple[Tensor, Tensor] | tuple[None, None], rotary: tuple[Tensor, Tensor]
) -> Tensor:
    """Values mixed as queries and keys say, (B, T, H * D), of all three side by side (B, T, (H + 2 K) D).

    Queries and keys are normalised, if there are weights (D,) for it, and turned by cosines and sines (T, D) of their
    positions, in float32. Attention is too, but for bfloat16 where `attention.by_tiles`: then what it multiplies is
    rounded. It comes out in the type of what went in.
    """
    found: Tensor = _Mixed.apply(joint, heads, *norms, *rotary)
    return found


def _by_heads(x: Tensor, heads: Heads) -> Tensor:
    """(B, T, H * D) as (B, H, T, D)."""
    return x.unflatten(-1, (-1, heads.size)).transpose(1, 2)


def _apart(joint: Tensor, heads: Heads) -> list[Tensor]:
    """Queries, keys and values, each (B, H or K, T, D)."""
    return [_by_heads(each, heads) for each in joint.split(heads.parts, -1)]


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
        texts, length, _width = joint.shape
        found = joint.new_empty(texts, length, heads.parts[0])
        sums = joint.new_empty(texts, heads.queries, length, dtype=torch.float32)
        kept = joint, query_norm, key_norm, cosines, sines, sums
        told = _told(heads, *kept)
        told.mixed = attention.heads_of(_by_heads(found, heads))
        attention.run("forward", told)
        ctx.save_for_backward(*kept)
        ctx.heads = heads
        return found

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slopes: Tensor) -> tuple[Tensor | None, ...]:
        joint, query_norm, *_others = kept = ctx.saved_tensors
        heads, slopes, to_joint = ctx.heads, slopes.contiguous(), torch.empty_like(joint)
        told = _told(heads, *kept)
        told.slopes = attention.heads_of(_by_heads(slopes, heads))
        told.to_queries, told.to_keys, told.to_values = map(attention.heads_of, _apart(to_joint, heads))
        to_norms = slopes.new_empty(len(joint) * heads.keys, 2, heads.size, dtype=torch.float32)
        told.to_norms = to_norms.data_ptr()
        attention.run("backward", told)
        to_query_norm, to_key_norm = to_norms[0] if query_norm is not None else (None, None)
        return to_joint, None, to_query_norm, to_key_norm, None, None


def _told(
    heads: Heads,
    joint: Tensor,
    query_norm: Tensor | None,
    key_norm: Tensor | None,
    cosines: Tensor,
    sines: Tensor,
    sums: Tensor,
) -> Any:
    """What the library has to know."""
    queries, keys, values = _apart(joint, heads)
    told = attention.told_of(queries, keys, values, sums)
    told.epsilon, told.cosines, told.sines = heads.epsilon, cosines.data_ptr(), sines.data_ptr()
    if query_norm is not None and key_norm is not None:
        told.query_norm, told.key_norm = query_norm.data_ptr(), key_norm.data_ptr()
    return told
