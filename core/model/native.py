"""What is written in C, from Python: the step of decode.c, a few tokens through all layers on a CPU, in one call.

Attention, linear maps and the loss in training (attention.py, linear.py, loss.py) and Muon (trainer/orthogonal.py) are
in the same library. It is built when newleaf is installed, where there is a C compiler with OpenMP; elsewhere PyTorch
does the work.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.machinery
from collections.abc import Iterable, Sequence
from ctypes import POINTER, Structure, c_float, c_int64, c_void_p
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from .gpt import GPT, Cache

TYPES = {torch.float32, torch.bfloat16}
MULTIPLE = 16  # numbers of a row that is trained: whole vectors
TILE = 32  # numbers of a row of a tile of bfloat16: what is multiplied in tiles has to be whole rows of them
ROWS = 16  # that one call takes; more are faster as PyTorch's matrix products
ACTIVATIONS = {"silu": 0, "gelu_new": 1, "gelu_pytorch_tanh": 1, "gelu": 2}


class _Linear(Structure):
    _fields_ = [
        ("weight", c_void_p),
        ("quantized", c_void_p),
        ("scale", c_void_p),
        ("bias", c_void_p),
        ("rows", c_int64),
        ("columns", c_int64),
    ]


class _Norm(Structure):
    _fields_ = [("weight", c_void_p), ("bias", c_void_p)]


class _Layer(Structure):
    _fields_ = [
        *((name, _Norm) for name in ("before_attention", "queries", "keys", "before_mlp")),
        *((name, _Linear) for name in ("qkv", "output", "first", "down")),
    ]


class _Model(Structure):
    _fields_ = [
        *(
            (name, c_int64)
            for name in ("hidden", "layers", "heads", "kv_heads", "head_dim", "inner", "threads", "activation")
        ),
        ("epsilon", c_float),
        ("layer", POINTER(_Layer)),
        ("last", _Norm),
        ("head", _Linear),
        *((name, c_void_p) for name in ("embedding", "positions", "cosines", "sines")),
    ]


class _Step(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("texts", "tokens", "past", "room")),
        ("token", c_void_p),
        ("padding", c_void_p),
        *((name, POINTER(c_void_p)) for name in ("keys", "values")),
        *((name, c_void_p) for name in ("x", "normed", "wide", "mixed", "scores", "rounded", "scales", "logits")),
        ("last", c_int64),
    ]


@functools.cache
def library() -> Any | None:
    """The library, if it was built and its threads are PyTorch's: two teams would fight for the cores."""
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        path = Path(__file__).with_name(f"_native{suffix}")
        if path.exists():
            with contextlib.suppress(OSError, AttributeError):
                found = ctypes.CDLL(str(path))
                torchs = ctypes.CDLL(str(Path(torch.__file__).with_name("lib") / "libtorch_cpu.so"))
                if _place(found.GOMP_parallel) == _place(torchs.GOMP_parallel):
                    found.newleaf_decode.argtypes = [POINTER(_Model), POINTER(_Step)]
                    found.newleaf_decode.restype = None
                    for part in ("attention", "orthogonal", "outer"):
                        room = getattr(found, f"newleaf_{part}_room")
                        room.argtypes, room.restype = [c_int64, c_int64], c_int64
                    for part in ("linear_room", "layer_room", "layer_scratch"):
                        getattr(found, f"newleaf_{part}").restype = c_int64
                    return found
    return None


@functools.cache
def training_lanes() -> int:
    """How long the vectors are, in floats, with which the library trains; 0 where PyTorch has to do the work."""
    found = library()
    return int(found.newleaf_training_lanes()) if found is not None else 0


@functools.cache
def tiles() -> bool:
    """Whether the library multiplies bfloat16 faster here than PyTorch: by Intel's AMX, or AMD's AVX-512."""
    found = library()
    return found is not None and bool(found.newleaf_tiles_pay())


def trains(x: Tensor) -> bool:
    """Whether the library can do with x (..., C) what lies between products in training, and nobody else does: what is
    compiled has it already.
    """
    if torch.compiler.is_compiling() or not torch.is_grad_enabled():
        return False
    typed = {x.dtype, product_type(x)} <= TYPES
    return typed and x.is_cpu and x.shape[-1] % MULTIPLE == 0 and x.numel() > 0 and training_lanes() > 0


def product_type(x: Tensor) -> torch.dtype:
    """The type in which products of x are computed here."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype


def train(part: str, work: Any, room: int = 0) -> None:
    """Do a part of what training.c does, as the structure `work` tells; each of its threads has `room` floats."""
    if room:
        scratch = torch.empty(work.threads * room)
        work.scratch, work.room = scratch.data_ptr(), room
    getattr(library(), f"newleaf_{part}")(ctypes.byref(work), training_lanes())


def room_for(part: str, work: Any) -> int:
    """How many floats a part needs for what the structure `work` tells."""
    return int(getattr(library(), f"newleaf_{part}_room")(ctypes.byref(work), training_lanes()))


def room_of(part: str, first: int, second: int) -> int:
    """How many floats a thread needs for a part: for tokens and a head's size, or for rows and columns."""
    return int(getattr(library(), f"newleaf_{part}_room")(first, second))


def _place(function: Any) -> int | None:
    return ctypes.cast(function, c_void_p).value


class NativeStep:
    """A few tokens through a prepared network of plain or byte matrices, in float32 on a CPU."""

    def __init__(self, model: GPT):
        self.config = config = model.config
        self.model = model
        self.threads = torch.get_num_threads()
        self._kept: list[Any] = []  # what the structures point to
        decoder = model.model
        layers: Iterable[Any] = decoder.layers
        self._layers = (_Layer * config.num_layers)(*map(self._layer, layers))
        self._table: tuple[Tensor, Tensor] | None = None  # of rotary positions; it grows
        self._model = _Model(
            config.hidden_size,
            config.num_layers,
            config.num_heads,
            config.num_kv_heads,
            config.head_dim,
            config.intermediate_size,
            self.threads,
            ACTIVATIONS[config.activation],
            config.norm_eps,
            self._layers,
            self._norm(decoder.norm),
            self._linear(model.lm_head),
            self._pointer(decoder.embed_tokens.weight),
            self._pointer(None if config.rotary else decoder.embed_positions.weight),
        )
        heads = config.num_heads + 2 * config.num_kv_heads
        inner = config.intermediate_size * (2 if config.gated else 1)
        widest = max(config.hidden_size, heads * config.head_dim, inner)
        self._scratch = torch.empty(3, ROWS, widest)
        self._rounded, self._scales = torch.empty(ROWS, widest, dtype=torch.int16), torch.empty(ROWS)
        self._mixed = torch.empty(ROWS, config.num_heads * config.head_dim)
        self._scores = torch.empty(0)

    def takes(self, tokens: Tensor, cache: Cache) -> bool:
        """Whether these tokens are few enough."""
        return tokens.numel() <= ROWS

    def __call__(self, tokens: Tensor, cache: Cache, last: bool) -> Tensor:
        """As the network itself: logits (B, T, V), or (B, 1, V) of the last token alone; the cache grows."""
        texts, length = tokens.shape
        tokens = tokens.contiguous()
        if self._scores.numel() < self.threads * cache.positions:
            self._scores = torch.empty(self.threads * cache.positions)
        if self.config.rotary:
            self._turn(cache.length + length)
        padding = cache.padding.contiguous() if cache.padding is not None else None
        logits = torch.empty(texts, 1 if last else length, self.config.vocab_size)
        x, normed, wide = self._scratch
        scratch = (x, normed, wide, self._mixed, self._scores, self._rounded, self._scales, logits)
        step = _Step(
            texts,
            length,
            cache.length,
            cache.positions,
            tokens.data_ptr(),
            padding.data_ptr() if padding is not None else None,
            _pointers(cache.keys),
            _pointers(cache.values),
            *(tensor.data_ptr() for tensor in scratch),
            last,
        )
        found = library()
        assert found is not None
        found.newleaf_decode(ctypes.byref(self._model), ctypes.byref(step))
        cache.length += length
        return logits

    def _turn(self, end: int) -> None:
        """Have the table of rotary positions up to `end`."""
        decoder = self.model.model
        table = decoder.rotary(end, decoder.embed_tokens.weight)
        if table is not self._table:
            self._table = table
            self._model.cosines, self._model.sines = (tensor.data_ptr() for tensor in table)

    def _layer(self, layer: Any) -> _Layer:
        attention, mlp = layer.self_attn, layer.mlp
        return _Layer(
            self._norm(layer.input_layernorm),
            self._norm(attention.q_norm) if self.config.qk_norm else _Norm(),
            self._norm(attention.k_norm) if self.config.qk_norm else _Norm(),
            self._norm(layer.post_attention_layernorm),
            *map(self._linear, (attention.qkv_proj, attention.o_proj, mlp.first_proj, mlp.down_proj)),
        )

    def _norm(self, norm: nn.Module) -> _Norm:
        return _Norm(self._pointer(norm.weight), self._pointer(getattr(norm, "bias", None)))

    def _linear(self, linear: Any) -> _Linear:
        weight, bytes_ = linear.weight, linear.weight.dtype == torch.int8
        return _Linear(
            None if bytes_ else self._pointer(weight),
            self._pointer(weight) if bytes_ else None,
            self._pointer(linear.scales) if bytes_ else None,
            self._pointer(linear.bias),
            *weight.shape,
        )

    def _pointer(self, tensor: Any) -> int | None:
        if tensor is None:
            return None
        assert tensor.is_contiguous() and tensor.dtype in (torch.float32, torch.int8)
        self._kept.append(tensor)
        return int(tensor.data_ptr())


def _pointers(tensors: Sequence[Tensor]) -> Any:
    return (c_void_p * len(tensors))(*(tensor.data_ptr() for tensor in tensors))
