"""Root mean square normalisation in training on a CPU, by norm.h: PyTorch reads and writes each row a dozen times.

What is compiled has it among the rest already.
"""

from __future__ import annotations

from ctypes import Structure, c_float, c_int64, c_void_p
from typing import Any

import torch
from torch import Tensor

from .native import train, training_lanes

TYPES = {torch.float32, torch.bfloat16}
MULTIPLE = 16  # floats of a row: whole vectors
TOGETHER = 64  # rows whose gradients of the weights are added up at once, whatever the number of threads


class _Norm(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("rows", "width", "threads", "together")),
        ("epsilon", c_float),
        *((name, c_void_p) for name in ("x", "weight", "factors", "slopes", "out", "to_weight")),
    ]


def suits(x: Tensor, weight: Tensor) -> bool:
    """Whether the library can normalise x (..., C)."""
    if torch.compiler.is_compiling() or not torch.is_grad_enabled():
        return False
    typed = x.dtype in TYPES and weight.dtype == torch.float32
    return typed and x.is_cpu and x.shape[-1] % MULTIPLE == 0 and x.numel() > 0 and training_lanes() > 0


def rms_norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """Each row of x (..., C) divided by its root mean square, times `weight` (C,): done in float32."""
    found: Tensor = _RMSNorm.apply(x.float(), weight, epsilon)
    return found.to(x.dtype)


def _norm(x: Tensor, weight: Tensor, epsilon: float, factors: Tensor, out: Tensor) -> _Norm:
    told = _Norm(x.numel() // len(weight), len(weight), torch.get_num_threads(), TOGETHER, epsilon)
    told.x, told.weight, told.factors, told.out = (each.data_ptr() for each in (x, weight, factors, out))
    return told


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        x, weight = x.contiguous(), weight.contiguous()
        out, factors = torch.empty_like(x), x.new_empty(x.shape[:-1])
        train("norm", _norm(x, weight, epsilon, factors, out))
        ctx.save_for_backward(x, weight, factors)
        ctx.epsilon = epsilon
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slopes: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight, factors = ctx.saved_tensors
        slopes, to_x = slopes.contiguous(), torch.empty_like(x)
        to_weight = x.new_empty(-(-factors.numel() // TOGETHER), len(weight))
        told = _norm(x, weight, ctx.epsilon, factors, to_x)
        told.slopes, told.to_weight = slopes.data_ptr(), to_weight.data_ptr()
        train("norm_backward", told)
        return to_x, to_weight[0], None
