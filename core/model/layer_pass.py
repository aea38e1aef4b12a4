"""A layer in training on a CPU as one operation, by layer.h: one call of C forward and one back.

A layer that has only some of what is done there goes part by part (norm.py, linear.py, heads.py, gated.py). For a small
one that is dear: the calls of Python and PyTorch between the parts, in which one core works, take as long as the parts.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Sequence
from ctypes import Structure, byref, c_float, c_int64, c_void_p
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .heads import Heads
from .linear import FEWEST
from .linear import available as own_products
from .native import TILE, library, product_type, tiles, train
from .norm import TOGETHER


class Weights(NamedTuple):
    """Those of a layer, in float32, each whole and in one piece."""

    first_norm: Tensor  # (C,)
    queries: Tensor  # (H * D, C)
    keys: Tensor  # (K * D, C)
    values: Tensor
    query_norm: Tensor | None  # (D,): both or none
    key_norm: Tensor | None
    output: Tensor  # (C, H * D)
    second_norm: Tensor  # (C,)
    gate: Tensor  # (I, C)
    up: Tensor
    down: Tensor  # (C, I)


PARTS = {  # the weights whose gradients are made at once
    "first_norm": slice(0, 1),
    "heads": slice(1, 4),
    "head_norms": slice(4, 6),
    "output": slice(6, 7),
    "second_norm": slice(7, 8),
    "inner": slice(8, 10),
    "down": slice(10, 11),
}


class _Layer(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("texts", "length", "width", "inner", "heads", "kv_heads", "size", "threads")),
        *((name, c_int64) for name in ("together", "half")),
        ("epsilon", c_float),
        ("library", c_void_p),
        *((name, c_void_p) for name in Weights._fields),
        *((name, c_void_p) for name in ("cosines", "sines", "kept")),
        ("kept_text", c_int64),
        *((name, c_void_p) for name in ("x", "out", "room", "scratch", "slopes", "to_x")),
        *((f"to_{name}", c_void_p) for name in PARTS),
    ]


_shared = threading.local()


@functools.cache
def library_product() -> int | None:
    """Where the function is by which PyTorch multiplies matrices of float32, if its library tells it as BLAS's."""
    try:
        product = ctypes.CDLL(str(Path(torch.__file__).with_name("lib") / "libtorch_cpu.so")).sgemm_
    except (AttributeError, OSError):
        return None
    left, right, out = torch.arange(6.0).view(3, 2), torch.arange(8.0).view(2, 4), torch.empty(3, 4)
    rows, columns, depth, one, none = (*map(c_int64, (3, 4, 2)), c_float(1), c_float(0))
    at_right, at_left, at_out = (c_void_p(each.data_ptr()) for each in (right, left, out))
    sizes = byref(columns), byref(rows), byref(depth)
    product.restype = None
    its = at_right, byref(columns), at_left, byref(depth), byref(none), at_out, byref(columns)
    product(b"N", b"N", *sizes, byref(one), *its)
    return ctypes.cast(product, c_void_p).value if torch.equal(out, left @ right) else None


def suits(x: Tensor, weights: Weights) -> bool:
    """Whether a layer whose parts all suit x (B, T, C) can be done in one call."""
    if x.dtype != torch.float32 or not all(each is None or each.is_contiguous() for each in weights):
        return False
    if product_type(x) == torch.bfloat16:
        return tiles() and x.shape[2] % TILE == 0 and len(weights.gate) % TILE == 0
    enough = x.shape[0] * x.shape[1] >= FEWEST
    return enough if own_products() else library_product() is not None


def whole_layer(
    x: Tensor, heads: Heads, rotary: tuple[Tensor, Tensor], kept: Tensor | None, weights: Weights, twice: bool
) -> Tensor:
    """What a layer makes of x (B, T, C), in float32, where it `suits`.

    `rotary` are cosines and sines (T, D) of the positions. What attention and MLP add is multiplied by `kept`
    (B, 2, C), if it is there. `twice` says that this is done once more right before its gradients: then all such
    layers keep what those need in the same place.
    """
    if kept is not None and (kept.dtype != torch.float32 or kept.stride()[1:] != (x.shape[2], 1)):
        kept = kept.float().contiguous()
    half = product_type(x) == torch.bfloat16
    found: Tensor = _WholeLayer.apply(x, heads, half, twice, kept, *rotary, *weights)
    return found


def forget() -> None:
    """Give up what layers of this thread share, which is as large as the largest of them needed."""
    vars(_shared).clear()


def _told(
    x: Tensor, heads: Heads, half: bool, kept: Tensor | None, rotary: Sequence[Tensor], weights: Sequence[Tensor | None]
) -> _Layer:
    """What the library has to know for either way."""
    texts, length, width = x.shape
    its = Weights(*weights)  # type: ignore[arg-type]
    shape = texts, length, width, len(its.gate), heads.queries, heads.keys, heads.size
    how = torch.get_num_threads(), TOGETHER, half
    multiply = None if half or own_products() else library_product()
    pointers = [None if each is None else each.data_ptr() for each in (*weights, *rotary, kept)]
    return _Layer(*shape, *how, heads.epsilon, multiply, *pointers, 0 if kept is None else kept.stride(0), x.data_ptr())


class _WholeLayer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        heads: Heads,
        half: bool,
        twice: bool,
        kept: Tensor | None,
        cosines: Tensor,
        sines: Tensor,
        *weights: Tensor | None,
    ) -> Tensor:
        x = x.contiguous()
        work = _told(x, heads, half, kept, (cosines, sines), weights)
        room, scratch = _memory("room", work, shared=twice), _memory("scratch", work, 0)
        out = torch.empty_like(x)
        work.out, work.room, work.scratch = out.data_ptr(), room.data_ptr(), scratch.data_ptr()
        train("layer", work)
        ctx.heads, ctx.half = heads, half
        ctx.save_for_backward(x, room, kept, cosines, sines, *weights)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slopes: Tensor) -> tuple[Tensor | None, ...]:
        x, room, kept, cosines, sines, *weights = ctx.saved_tensors
        work, to_x = _told(x, ctx.heads, ctx.half, kept, (cosines, sines), weights), torch.empty_like(x)
        scratch, slopes = _memory("scratch", work, 1), slopes.contiguous()
        work.room, work.scratch, work.slopes, work.to_x = (each.data_ptr() for each in (room, scratch, slopes, to_x))
        wanted = ctx.needs_input_grad[-len(weights) :]
        gradients: list[Tensor | None] = []
        for name, some in PARTS.items():
            its = weights[some]
            if its[0] is None or not (any(wanted[some]) or name.endswith(("norm", "norms"))):
                gradients += [None] * len(its)
                continue
            together = x.new_empty(sum(map(len, its)), *its[0].shape[1:])
            setattr(work, f"to_{name}", together.data_ptr())
            gradients += together.split([len(each) for each in its]) if len(its) > 1 else [together]
        train("layer_backward", work)
        return to_x, *(None,) * 6, *gradients


def _memory(of: str, work: _Layer, *more: int, shared: bool = True) -> Tensor:
    """The room or the scratch of a layer; `shared` by all of a thread, or it would lie in the way of other tensors."""
    found: Any = library()
    size = getattr(found, f"newleaf_layer_{of}")(byref(work), *more)
    there: Tensor | None = getattr(_shared, of, None) if shared else None
    if there is None or len(there) < size:
        there = torch.empty(size, dtype=torch.uint8)
        if shared:
            setattr(_shared, of, there)
    return there
