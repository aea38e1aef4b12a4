"""Muon's orthogonal matrices on a CPU, by orthogonal.h: a matrix for each thread, from memory that is taken once."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import POINTER, Structure, c_float, c_int64, c_void_p

import torch
from torch import Tensor

from ..core.model.native import room_of, train, training_lanes


class _Matrix(Structure):
    _fields_ = [("input", c_void_p), ("output", c_void_p), ("rows", c_int64), ("columns", c_int64)]


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
    matrices: Sequence[Tensor], steps: int, coefficients: tuple[float, float, float], oblong: float
) -> list[Tensor]:
    """What so many Newton-Schulz steps make of each matrix, which may be of any shape, divided by its norm.

    From `oblong` times as long as wide on, the steps are done on the short side.
    """
    matrices = [matrix.contiguous() for matrix in matrices]
    found = [torch.empty_like(matrix) for matrix in matrices]
    told = (_Matrix * len(matrices))(
        *(
            _Matrix(matrix.data_ptr(), output.data_ptr(), *matrix.shape)
            for matrix, output in zip(matrices, found, strict=True)
        )
    )
    threads = min(torch.get_num_threads(), len(matrices))
    work = _Orthogonal(told, len(matrices), threads, steps, *coefficients, oblong)
    train("orthogonal", work, max(room_of("orthogonal", *matrix.shape) for matrix in matrices))
    return found
