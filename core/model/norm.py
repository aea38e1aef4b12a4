"""Root mean square normalisation in training on a CPU, by norm.h: PyTorch reads and writes each row a dozen times.

What is compiled has it among the rest already.
"""

from __future__ import annotations

from ctypes import Structure, c_float, c_int64, c_void_p
from typing import Any

import torch
from torch import Tensor

from .native import product_type, train, trains

TOGETHER = 64  # rows whose gradients of the weights are added up at once, whatever the number of threads


class _Norm(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("rows", "width", "threads", "together", "half")),
        ("epsilon", c_float),
        *((name, c_void_p) for name in ("x", "weight", "factors", "out", "added", "sum")),
        *((name, c_void_p) for name in ("slopes", "to_sum", "to_x", "to_weight", "to_added")),
    ]


def suits(x: Tensor, weight: Tensor) -> bool:
    """Whether the library can normalise x (..., C)."""
    return trains(x) and weight.dtype == torch.float32


def rms_norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """Each row of x (..., C) divided by its root mean square, times `weight` (C,): found in float32.

    It comes out in the type in which products are computed.
    """
    return rms_norm_of_sum(x, None, weight, epsilon)[1]


def rms_norm_of_sum(x: Tensor, added: Tensor | None, weight: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """x (..., C) and what is added to it, in the type of x; and that normalised, as by `rms_norm`."""
    dtype = product_type(x)
    if added is not None and added.dtype != dtype:
        x, added = x + added, None
    total, found = _RMSNorm.apply(x.float(), added, weight, epsilon, dtype)
    return total.to(x.dtype), found


def _norm(weight: Tensor, epsilon: float, factors: Tensor, half: bool) -> _Norm:
    told = _Norm(factors.numel(), len(weight), torch.get_num_threads(), TOGETHER, half, epsilon)
    told.weight, told.factors = weight.data_ptr(), factors.data_ptr()
    return told


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, added: Tensor | None, weight: Tensor, epsilon: float, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        x, weight = x.contiguous(), weight.contiguous()
        out, factors = x.new_empty(x.shape, dtype=dtype), x.new_empty(x.shape[:-1])
        told = _norm(weight, epsilon, factors, dtype == torch.bfloat16)
        told.x, told.out = x.data_ptr(), out.data_ptr()
        if added is not None:
            added, total = added.contiguous(), torch.empty_like(x)
            told.added, told.sum = added.data_ptr(), total.data_ptr()
        else:
            total = x.view_as(x)
        train("norm", told)
        ctx.save_for_backward(total, weight, factors)
        ctx.epsilon, ctx.adds, ctx.dtype = epsilon, added is not None, dtype
        ctx.set_materialize_grads(False)
        return total, out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, to_sum: Tensor | None, slopes: Tensor | None) -> tuple[Tensor | None, ...]:
        if slopes is None:
            return to_sum, to_sum.to(ctx.dtype) if ctx.adds and to_sum is not None else None, None, None, None
        x, weight, factors = ctx.saved_tensors
        slopes, to_x = slopes.contiguous(), torch.empty_like(x)
        half = ctx.dtype == torch.bfloat16
        told = _norm(weight, ctx.epsilon, factors, half)
        to_weight = x.new_empty(-(-factors.numel() // TOGETHER), len(weight))
        told.x, told.slopes, told.to_x, told.to_weight = (each.data_ptr() for each in (x, slopes, to_x, to_weight))
        if to_sum is not None:
            to_sum = to_sum.contiguous()
            told.to_sum = to_sum.data_ptr()
        to_added = None
        if ctx.adds:
            to_added = torch.empty_like(slopes) if half else to_x
            told.to_added = to_added.data_ptr() if half else None
        train("norm_backward", told)
        return to_x, to_added, to_weight[0], None, None
