"""Muon's orthogonal matrices on a CPU, by orthogonal.h: a matrix for each thread, from memory that is taken once."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import POINTER, Structure, c_float, c_int64, c_void_p

import torch
from torch import Tensor

from ..core.model.native import room_of, train, training_lanes


class _Matrix(Structure):
    _fields_ = [("input", c_void_p), ("output", c_void_p), *((name, c_int64) for name in ("rows", "columns", "row"))]


class _Orthogonal(Structure):
    _fields_ = [
        ("matrices", POINTER(_Matrix)),
        *((name, c_int64) for name in ("number", "threads", "steps")),
        *((name, c_float) for name in ("first", "second", "third", "oblong")),
        ("scratch", c_void_p),
        ("room", c_int64),
    ]


def suits(matrices: Sequence[Tensor], dtype: torch.dtype) -> bool:
    """Whether it is faster than PyTorch's products for these: there are enough of them for the threads."""
    some = matrices[0]
    on_cpu = some.device.type == "cpu" and some.dtype == dtype == torch.float32
    return on_cpu and 2 * len(matrices) > torch.get_num_threads() and training_lanes() > 0


def orthogonal(
    matrices: Sequence[Tensor],
    into: Sequence[Tensor],
    steps: int,
    coefficients: tuple[float, float, float],
    oblong: float,
) -> None:
    """Set matrices to what so many Newton-Schulz steps make of others, each divided by its norm.

    They may be of any shape, and parts of larger ones that have the same strides, the columns side by side. From
    `oblong` times as long as wide on, the steps are done on the short side.
    """
    told = [
        _Matrix(matrix.data_ptr(), output.data_ptr(), *matrix.shape, matrix.stride(0))
        for matrix, output in zip(matrices, into, strict=True)
    ]
    threads = min(torch.get_num_threads(), len(told))
    work = _Orthogonal((_Matrix * len(told))(*told), len(told), threads, steps, *coefficients, oblong)
    train("orthogonal", work, max(room_of("orthogonal", *matrix.shape) for matrix in matrices))
