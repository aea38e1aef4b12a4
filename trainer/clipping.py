"""The norm of all gradients, and their clipping: on a CPU by training.c, which writes only what changes."""

from __future__ import annotations

from collections.abc import Iterable
from ctypes import POINTER, Structure, c_float, c_int64, c_void_p

import torch
from torch import Tensor, nn

from ..core.model.native import train, training_lanes

AT_ONCE = 1 << 16  # numbers whose squares a thread adds up before it takes others


class _Gradient(Structure):
    _fields_ = [("at", c_void_p), ("number", c_int64)]


class _Clip(Structure):
    _fields_ = [
        ("gradients", POINTER(_Gradient)),
        *((name, c_int64) for name in ("number", "threads", "at_once")),
        *((name, c_float) for name in ("most", "norm")),
        ("parts", c_void_p),
    ]


def clip(parameters: Iterable[Tensor], most: float) -> Tensor:
    """Make the gradients smaller where the norm of all together is higher than `most`; gives what it was."""
    parameters = list(parameters)
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients or not training_lanes() or not all(map(_fits, gradients)):
        return nn.utils.clip_grad_norm_(parameters, most)
    told = (_Gradient * len(gradients))(*(_Gradient(each.data_ptr(), each.numel()) for each in gradients))
    parts = torch.empty(sum(-(-each.numel() // AT_ONCE) for each in gradients), dtype=torch.float64)
    work = _Clip(told, len(told), torch.get_num_threads(), AT_ONCE, most, 0.0, parts.data_ptr())
    train("clip", work)
    return torch.tensor(work.norm)


def _fits(gradient: Tensor) -> bool:
    """Whether it is whole, and as the library reads it."""
    return type(gradient) is Tensor and gradient.is_cpu and gradient.dtype == torch.float32 and gradient.is_contiguous()
