"""Muon on a CPU, by orthogonal.h and tiles.h: a matrix for each thread, in memory that is taken once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ctypes import POINTER, Structure, c_double, c_float, c_int64, c_void_p
from typing import NamedTuple

import torch
from torch import Tensor

from ..core.model.native import room_of, tiles, train, training_lanes

Steps = Sequence[tuple[float, float, float]]


class _Matrix(Structure):
    _fields_ = [
        *((name, c_void_p) for name in ("input", "output", "momentum")),
        *((name, c_int64) for name in ("rows", "columns", "row")),
        ("rate", c_float),
    ]


class _Orthogonal(Structure):
    _fields_ = [
        ("matrices", POINTER(_Matrix)),
        *((name, c_int64) for name in ("number", "threads", "steps", "tiles")),
        ("terms", POINTER(c_float)),
        ("oblong", c_float),
        ("momentum", c_double),
        ("keep", c_float),
        ("scratch", c_void_p),
        ("room", c_int64),
    ]


def suits(number: int, one: Tensor, dtype: torch.dtype) -> bool:
    """Whether it is faster than PyTorch's products for so many matrices like this: enough of them for the threads."""
    on_cpu = one.device.type == "cpu" and one.dtype == torch.float32 and dtype in (torch.float32, torch.bfloat16)
    return on_cpu and 2 * number > torch.get_num_threads() and training_lanes() > 0


def orthogonal(
    matrices: Sequence[Tensor],
    into: Sequence[Tensor],
    steps: Steps,
    oblong: float,
    dtype: torch.dtype,
) -> None:
    """Set matrices to what Newton-Schulz steps with these coefficients make of others, each divided by its norm.

    They may be of any shape, and parts of larger ones that have the same strides, the columns side by side. From
    `oblong` times as long as wide on, the steps are done on the short side. For bfloat16, where this processor has
    units for it, both products with the long side are of what is rounded to it.
    """
    told = [
        _Matrix(matrix.data_ptr(), output.data_ptr(), None, *matrix.shape, matrix.stride(0))
        for matrix, output in zip(matrices, into, strict=True)
    ]
    _run(told, steps, oblong, dtype)


class Update(NamedTuple):
    """A matrix that is to move against its gradient, in parts of so many rows (dimension 0) or columns (1) each."""

    weights: Tensor  # (rows, columns)
    gradient: Tensor
    momentum: Tensor
    size: int
    dimension: int
    rate: float  # times the orthogonal matrix

    @property
    def fits(self) -> bool:
        """Whether the library can do it: all three lie in the same way, and are no shares of others."""
        three = self.weights.data, self.gradient, self.momentum
        return all(type(x) is Tensor and x.is_cpu and x.dtype == torch.float32 and x.is_contiguous() for x in three)

    def parts(self) -> Iterator[_Matrix]:
        """As the library is told."""
        length, step = self.weights.shape[self.dimension], self.weights.stride(self.dimension)
        shape, row = list(self.weights.shape), self.weights.stride(0)
        shape[self.dimension] = self.size
        places = [x.data_ptr() for x in (self.gradient, self.weights, self.momentum)]
        for begin in range(0, length, self.size):
            further = begin * step * self.weights.element_size()
            yield _Matrix(*(place + further for place in places), *shape, row, self.rate)


def update(
    updates: Iterable[Update],
    momentum: float,
    keep: float,
    steps: Steps,
    oblong: float,
    dtype: torch.dtype,
) -> None:
    """Let momenta keep a share and take the rest from the gradients; of the weights keep a share, and take from them
    what Nesterov's momentum becomes when it is made orthogonal, as `orthogonal` does. All have to fit."""
    _run([part for each in updates for part in each.parts()], steps, oblong, dtype, momentum, keep)


def _run(
    told: Sequence[_Matrix],
    steps: Steps,
    oblong: float,
    dtype: torch.dtype,
    momentum: float = 0.0,
    keep: float = 0.0,
) -> None:
    threads = min(torch.get_num_threads(), len(told))
    several = (_Matrix * len(told))(*told)
    terms = (c_float * (3 * len(steps)))(*(coefficient for step in steps for coefficient in step))
    tiled = dtype == torch.bfloat16 and tiles()
    work = _Orthogonal(several, len(told), threads, len(steps), tiled, terms, oblong, momentum, keep)
    shapes = {(each.rows, each.columns) for each in told}
    train("orthogonal", work, max(room_of("orthogonal", *shape) for shape in shapes))
