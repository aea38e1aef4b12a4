"""Causal attention in training on a CPU, by attention.h, or by tiles.h where the processor has units for it: a call
forward, and one backward for its gradients.

It is an operator of PyTorch's, so that what is compiled can call it too. Where it was not built, and for other devices
and types, PyTorch's own does the work.
"""

from __future__ import annotations

from ctypes import Structure, c_float, c_int64, c_void_p
from typing import Any

import torch
from torch import Tensor

from .native import MULTIPLE, TILE, TYPES, room_of, tiles, train, training_lanes

LONGEST = 1024  # tokens; of more, a head's keys and values no longer stay in the cache
LONGEST_BY_TILES = 8192  # of more, it is hardly faster than what PyTorch has


class _Heads(Structure):
    _fields_ = [("at", c_void_p), *((name, c_int64) for name in ("text", "head", "token", "half"))]


class _Attention(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("texts", "heads", "kv_heads", "length", "size", "threads", "tiles")),
        *((name, _Heads) for name in ("queries", "keys", "values", "mixed")),
        *((name, c_void_p) for name in ("query_norm", "key_norm", "cosines", "sines")),
        ("epsilon", c_float),
        ("sums", c_void_p),
        *((name, _Heads) for name in ("slopes", "to_queries", "to_keys", "to_values")),
        *((name, c_void_p) for name in ("to_norms", "scratch")),
        ("room", c_int64),
    ]


def available(size: int) -> bool:
    """Whether heads of this size can be mixed here."""
    return size % MULTIPLE == 0 and training_lanes() > 0


def suits(queries: Tensor, values: Tensor, threads: int) -> bool:
    """Whether it is faster than what PyTorch has for queries (B, H, T, D) and values (B, K, T, D).

    In bfloat16 too: PyTorch's way back takes longer than this does in float32. A thread has whole heads, so there have
    to be enough of them.
    """
    on_cpu = queries.device.type == "cpu" and {queries.dtype, values.dtype} <= TYPES
    enough = has_enough(values.shape[0] * values.shape[1], queries.shape[2], threads)
    return on_cpu and enough and torch.is_grad_enabled()


def has_enough(heads: int, length: int, threads: int, longest: int = LONGEST) -> bool:
    """Whether it is faster for so many heads of so many tokens."""
    return heads >= threads and 1 < length <= longest


def by_tiles(dtype: torch.dtype, size: int) -> bool:
    """Whether heads of this type and size are multiplied in tiles (tiles.h)."""
    return dtype == torch.bfloat16 and size % TILE == 0 and tiles()


def causal_attention(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Mix values (B, K, T, D) as queries (B, H, T, D) and keys (B, K, T, D) say: (B, T, H * D).

    A query sees the keys as far as itself. The sizes of heads have to be `available`. It is done in float32, and comes
    out in the type of the values.
    """
    mixed: Tensor = torch.ops.newleaf.causal_attention(queries.float(), keys.float(), values.float())[0]
    return mixed.to(values.dtype).transpose(1, 2).flatten(2)


def heads_of(tensor: Tensor) -> _Heads:
    """Where heads (B, H, T, D) lie, each one's numbers side by side."""
    return _Heads(tensor.data_ptr(), *tensor.stride()[:3], tensor.dtype == torch.bfloat16)


def _rows(tensor: Tensor) -> Tensor:
    """The same, where the numbers of a head are side by side."""
    return tensor if tensor.stride(3) == 1 else tensor.contiguous()


def _new(like: Tensor) -> Tensor:
    """(B, H, T, D) whose memory is (B, T, H, D)."""
    texts, heads, length, size = like.shape
    return like.new_empty(texts, length, heads, size).transpose(1, 2)


def told_of(queries: Tensor, keys: Tensor, values: Tensor, sums: Tensor) -> _Attention:
    """What the library has to know of them."""
    (texts, heads, length, size), threads = queries.shape, torch.get_num_threads()
    assert size % MULTIPLE == 0 and {x.dtype for x in (queries, keys, values)} <= TYPES
    tiled = by_tiles(queries.dtype, size)
    told = _Attention(texts, heads, keys.shape[1], length, size, threads, tiled)
    told.queries, told.keys, told.values = map(heads_of, (queries, keys, values))
    told.sums = sums.data_ptr()
    return told


def run(part: str, told: _Attention) -> None:
    """A pass, "forward" or "backward"."""
    train(f"attention_{part}", told, room_of("attention", told.length, told.size))


def _forward(queries: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    queries, keys, values = map(_rows, (queries, keys, values))
    mixed, sums = _forward_shapes(queries, keys, values)
    told = told_of(queries, keys, values, sums)
    told.mixed = heads_of(mixed)
    run("forward", told)
    return mixed, sums


def _forward_shapes(queries: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    return _new(queries), queries.new_empty(queries.shape[:3])


def _backward(
    queries: Tensor, keys: Tensor, values: Tensor, sums: Tensor, slopes: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    queries, keys, values, slopes = map(_rows, (queries, keys, values, slopes))
    found = _backward_shapes(queries, keys, values, sums, slopes)
    told = told_of(queries, keys, values, sums)
    told.slopes, told.to_queries, told.to_keys, told.to_values = map(heads_of, (slopes, *found))
    run("backward", told)
    return found


def _backward_shapes(
    queries: Tensor, keys: Tensor, values: Tensor, sums: Tensor, slopes: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return _new(queries), _new(keys), _new(values)


def _keep(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(*inputs, output[1])


def _gradients(ctx: Any, slopes: Tensor, _sums: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.newleaf.causal_attention_backward(*ctx.saved_tensors, slopes)
    return found


_library = torch.library.Library("newleaf", "DEF")
_library.define("causal_attention(Tensor queries, Tensor keys, Tensor values) -> (Tensor, Tensor)")
_library.define(
    "causal_attention_backward(Tensor queries, Tensor keys, Tensor values, Tensor sums, Tensor slopes)"
    " -> (Tensor, Tensor, Tensor)"
)
_library.impl("causal_attention", _forward, "CPU")
_library.impl("causal_attention_backward", _backward, "CPU")
torch.library.register_fake("newleaf::causal_attention", _forward_shapes, lib=_library)
torch.library.register_fake("newleaf::causal_attention_backward", _backward_shapes, lib=_library)
torch.library.register_autograd("newleaf::causal_attention", _gradients, setup_context=_keep, lib=_library)
