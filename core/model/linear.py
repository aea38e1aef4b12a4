"""Linear maps of many tokens in training on a CPU: several of one input at once, and their gradients.

Side by side they are one product of PyTorch's; or, on processors whose products those are not fast for, a call of
linear.h. That is an operator of PyTorch's too, so that what is compiled can call it. For other devices and types
PyTorch's own maps do the work.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from ctypes import Structure, c_int64, c_void_p
from typing import Any

import torch
from torch import Tensor, nn

from .native import TILE, library, product_type, room_for, tiles, train, trains

FEWEST = 256  # tokens; with fewer, copying the weights takes longer than is won


class _Numbers(Structure):
    _fields_ = [("at", c_void_p), ("row", c_int64), ("column", c_int64)]


class _Product(Structure):
    _fields_ = [
        ("left", _Numbers),
        ("right", _Numbers),
        ("out", c_void_p),
        *((name, c_int64) for name in ("row", "rows", "columns", "depth")),
    ]


class _Linear(Structure):
    _fields_ = [
        ("products", c_void_p),
        *((name, c_int64) for name in ("number", "threads", "add")),
        ("scratch", c_void_p),
    ]


class _Outer(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("rows", "outputs", "inputs", "threads")),
        *((name, c_void_p) for name in ("left", "right")),
        *((name, c_int64) for name in ("left_row", "right_row", "out_row")),
        ("out", c_void_p),
        ("add", c_int64),
        ("scratch", c_void_p),
    ]


@functools.cache
def available() -> bool:
    """Whether products of large matrices are faster here than PyTorch's."""
    found = library()
    return found is not None and bool(found.newleaf_linear_pays())


def linear(x: Tensor, layers: Sequence[nn.Module], native: bool) -> list[Tensor]:
    """What each layer makes of x (..., C); if `native`, in training in one call, where they have no biases."""
    weights = _weights(layers)
    if native and len(weights) == len(layers) and suits(x, weights):
        return [each.view(*x.shape[:-1], -1) for each in torch.ops.newleaf.linear(x.flatten(0, -2), weights)]
    return [layer(x) for layer in layers]


def joins(x: Tensor, layers: Sequence[nn.Module]) -> bool:
    """Whether `joint` can map x (..., C) by these layers."""
    weights = _weights(layers)
    return len(weights) == len(layers) and trains(x) and all(each.dtype == torch.float32 for each in weights)


def joint(x: Tensor, layers: Sequence[nn.Module], native: bool) -> Tensor:
    """What all layers make of x (..., C), side by side, in the type in which products are computed; if `native`, by
    products of our own.

    It is one product, and two for the gradients: a library takes less time for it than for those of each layer.
    """
    found: Tensor = _Joint.apply(x.flatten(0, -2), product_type(x), native, *_weights(layers))
    return found.unflatten(0, x.shape[:-1])


def _weights(layers: Sequence[nn.Module]) -> list[Any]:
    """Of those that are nothing but a linear map."""
    return [layer.weight for layer in layers if type(layer) is nn.Linear and layer.bias is None]


class _Joint(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, dtype: torch.dtype, native: bool, *weights: Tensor) -> Tensor:
        ctx.came_as, x = x.dtype, x.to(dtype)
        ctx.sizes = [len(weight) for weight in weights]
        ctx.native = native and dtype == torch.float32 and len(x) >= FEWEST
        if ctx.native:
            ctx.save_for_backward(x, *weights)
            out = x.new_empty(len(x), sum(ctx.sizes))
            multiply([(x, weight.mT, part) for weight, part in zip(weights, out.split(ctx.sizes, 1), strict=True)])
            return out
        if len(weights) > 1:
            together = x.new_empty(sum(ctx.sizes), x.shape[1])
            torch.cat(weights, out=together)
        else:
            together = weights[0].to(dtype)
        ctx.save_for_backward(x, together)
        return x @ together.mT

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slopes: Tensor) -> tuple[Tensor | None, ...]:
        x, *weights = ctx.saved_tensors
        to_x, _dtype, _native, *each = ctx.needs_input_grad
        to_weights = any(each)
        if ctx.native:
            found: list[Any] = _backward(list(slopes.split(ctx.sizes, 1)), x, weights, to_x, to_weights)
            of_x, of_weights = (found[0] if to_x else None), found[to_x:]
        else:
            of_x = (slopes @ weights[0]).to(ctx.came_as) if to_x else None
            of_weights = list(outer(slopes, x).split(ctx.sizes)) if to_weights else []
        return of_x, None, None, *(of_weights or [None] * len(each))


def suits(x: Tensor, weights: Sequence[Tensor]) -> bool:
    """Whether the library can map x (..., C) by these weights, and there are enough tokens."""
    single = x.is_cpu and all(each.dtype == torch.float32 for each in (x, *weights))
    enough = x.numel() >= FEWEST * x.shape[-1]
    return single and enough and torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu")


def product(left: Tensor, right: Tensor, out: Tensor, add: bool = False) -> None:
    """A matrix becomes, or grows by, two others multiplied, in the faster way. Where types differ, autocast decides."""
    if not left.dtype == right.dtype == out.dtype:
        found = left @ right
        out.add_(found) if add else out.copy_(found)
    elif available() and out.is_cpu and out.dtype == torch.float32 and left.numel() and out.numel():
        multiply([(left, right, out)], add)
    elif add:
        out.addmm_(left, right)
    else:
        torch.mm(left, right, out=out)


def outer(left: Tensor, right: Tensor, out: Tensor | None = None) -> Tensor:
    """The rows of a matrix (N, O) by those of another (N, I), summed up: (O, I) in float32; `out` grows by it."""
    shape = left.shape[1], right.shape[1]
    if not (_in_tiles(left) and _in_tiles(right)):
        if out is None:
            return (left.mT @ right).float()
        product(left.mT, right, out, add=True)
        return out
    add, threads = out is not None, torch.get_num_threads()
    found = left.new_empty(shape, dtype=torch.float32) if out is None else out
    assert found.dtype == torch.float32 and found.stride(1) == 1 and len(left) == len(right)
    work = _Outer(len(left), *shape, threads, left.data_ptr(), right.data_ptr())
    work.left_row, work.right_row, work.out_row = (x.stride(0) for x in (left, right, found))
    scratch = torch.empty(library().newleaf_outer_room(*shape))  # type: ignore[union-attr]
    work.out, work.add, work.scratch = found.data_ptr(), add, scratch.data_ptr()
    train("outer", work)
    return found


def _in_tiles(matrix: Tensor) -> bool:
    """Whether its rows can be laid into tiles of bfloat16 here."""
    typed = matrix.dtype == torch.bfloat16 and matrix.is_cpu and tiles()
    return typed and matrix.stride(1) == 1 and matrix.shape[1] % TILE == 0


def multiply(products: Sequence[tuple[Tensor, Tensor, Tensor]], add: bool = False) -> None:
    """Each third matrix becomes the first times the second, or grows by it; in float32, rows of the third side by side.

    Either all have the same first one, or the same second one, or what they are adds up in the same third one.
    """
    told = (_Product * len(products))()
    for each, (left, right, out) in zip(told, products, strict=True):
        assert left.dtype == right.dtype == out.dtype == torch.float32 and out.stride(1) == 1
        each.left, each.right, each.out, each.row = _numbers(left), _numbers(right), out.data_ptr(), out.stride(0)
        (each.rows, each.depth), each.columns = left.shape, right.shape[1]
    work = _Linear(ctypes.addressof(told), len(told), torch.get_num_threads(), add)
    scratch = torch.empty(room_for("linear", work))
    work.scratch = scratch.data_ptr()
    train("linear", work)


def _numbers(matrix: Tensor) -> _Numbers:
    return _Numbers(matrix.data_ptr(), *matrix.stride())


def _forward(x: Tensor, weights: list[Tensor]) -> list[Tensor]:
    found = _forward_shapes(x, weights)
    multiply([(x, weight.mT, out) for weight, out in zip(weights, found, strict=True)])
    return found


def _forward_shapes(x: Tensor, weights: list[Tensor]) -> list[Tensor]:
    return [x.new_empty(len(x), len(weight)) for weight in weights]


def _backward(slopes: list[Tensor], x: Tensor, weights: list[Tensor], to_x: bool, to_weights: bool) -> list[Tensor]:
    found = _backward_shapes(slopes, x, weights, to_x, to_weights)
    if to_x:
        multiply([(slope, weight, found[0]) for slope, weight in zip(slopes, weights, strict=True)])
    if to_weights:
        multiply([(slope.mT, x, out) for slope, out in zip(slopes, found[to_x:], strict=True)])
    return found


def _backward_shapes(
    slopes: list[Tensor], x: Tensor, weights: list[Tensor], to_x: bool, to_weights: bool
) -> list[Tensor]:
    of_x = [x.new_empty(x.shape)] if to_x else []
    return of_x + ([weight.new_empty(weight.shape) for weight in weights] if to_weights else [])


def _keep(ctx: Any, inputs: tuple[Tensor, list[Tensor]], output: list[Tensor]) -> None:
    x, weights = inputs
    ctx.save_for_backward(x, *weights)


def _gradients(ctx: Any, slopes: list[Tensor]) -> tuple[Tensor | None, Sequence[Tensor | None]]:
    x, *weights = ctx.saved_tensors
    to_x, each_weight = ctx.needs_input_grad
    to_weights = any(each_weight)
    found = torch.ops.newleaf.linear_backward(slopes, x, weights, to_x, to_weights)
    return found[0] if to_x else None, list(found[to_x:]) if to_weights else [None] * len(weights)


_library = torch.library.Library("newleaf", "FRAGMENT")
_library.define("linear(Tensor x, Tensor[] weights) -> Tensor[]")
_library.define("linear_backward(Tensor[] slopes, Tensor x, Tensor[] weights, bool to_x, bool to_weights) -> Tensor[]")
_library.impl("linear", _forward, "CPU")
_library.impl("linear_backward", _backward, "CPU")
torch.library.register_fake("newleaf::linear", _forward_shapes, lib=_library)
torch.library.register_fake("newleaf::linear_backward", _backward_shapes, lib=_library)
torch.library.register_autograd("newleaf::linear", _gradients, setup_context=_keep, lib=_library)
