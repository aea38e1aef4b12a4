"""What a gated MLP does between its products in training on a CPU, by gated.h: one pass forward and one back.

What is compiled has it among the rest already.
"""

from __future__ import annotations

from ctypes import Structure, c_int64, c_void_p
from typing import Any

import torch
from torch import Tensor

from .native import MULTIPLE, train, trains


class _Gated(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("rows", "width", "threads", "half")),
        *((name, c_void_p) for name in ("gate", "up", "out", "slopes", "to_gate", "to_up")),
    ]


def suits(x: Tensor, inner: int) -> bool:
    """Whether the library can do it for gate and up (..., inner) of x (..., C)."""
    return trains(x) and inner % MULTIPLE == 0


def silu_gated(joint: Tensor) -> Tensor:
    """silu(gate) * up, (..., I), of both side by side, (..., 2 I); found in float32."""
    found: Tensor = _Gating.apply(joint)
    return found


def _gated(joint: Tensor) -> _Gated:
    width = joint.shape[-1] // 2
    told = _Gated(joint.numel() // (2 * width), width, torch.get_num_threads(), joint.dtype == torch.bfloat16)
    told.gate, told.up = joint.data_ptr(), joint.data_ptr() + width * joint.element_size()
    return told


class _Gating(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, joint: Tensor) -> Tensor:
        joint = joint.contiguous()
        told, out = _gated(joint), joint.new_empty(*joint.shape[:-1], joint.shape[-1] // 2)
        told.out = out.data_ptr()
        train("gated", told)
        ctx.save_for_backward(joint)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slopes: Tensor) -> Tensor:
        (joint,) = ctx.saved_tensors
        slopes, found = slopes.contiguous(), torch.empty_like(joint)
        told, its = _gated(joint), _gated(found)
        told.slopes, told.to_gate, told.to_up = slopes.data_ptr(), its.gate, its.up
        train("gated_backward", told)
        return found
