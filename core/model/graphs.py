"""A step of writing on a CUDA GPU as one recorded graph: a small model's hundred kernels cost less than their launches.

The graph is the network itself on tensors of fixed places and shapes: the length of the text is a number on the GPU,
and a window of the cache, which doubles as the text grows, is what attention reads. torch.compile fuses its kernels in
the background meanwhile; graphs that are recorded after that have them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .gpt import GPT, Cache

WINDOW = 256  # positions of the smallest
PAYS = 1_000  # tokens after which compiling is worth its time: so much was written, so there will be more
SHAPES = 8  # that are compiled at most; torch.compile gives up on more of one function
CLOSE = 0.03  # of the largest logit: how far a graph's logits may be from the network's in bfloat16

Step = Callable[[], Tensor]
Record = Callable[[Step], Step]


class FixedCache:
    """A window of a cache, keys and values (B, K, S, D) of each layer, for one more token in each row at `at` (1,).

    What `Cache` is for the network, without a number that its Python code could see change. Nothing is at the left of a
    row's first `padding` (B,) positions.
    """

    def __init__(self, keys: list[Tensor], values: list[Tensor], at: Tensor, padding: Tensor):
        self.keys, self.values, self.at, self.padding = keys, values, at, padding
        self.length = keys[0].shape[2] - 1  # as far as the network's tables have to reach

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store (B, K, 1, D) behind what is there; the whole window, (B, K, S, D)."""
        self.keys[layer].index_copy_(2, self.at, keys)
        self.values[layer].index_copy_(2, self.at, values)
        return self.keys[layer], self.values[layer]

    def visible(self, length: int) -> tuple[Tensor, Tensor]:
        """Which positions the token of each row sees, (B, 1, 1, S), and its own, (B, 1)."""
        places = torch.arange(self.keys[0].shape[2], device=self.at.device)
        seen = (places <= self.at) & (places >= self.padding[:, None])  # (B, S)
        return seen[:, None, None, :], (self.at - self.padding)[:, None]


def record_graph(step: Step) -> Step:
    """The step as a CUDA graph: the same kernels on the same places."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        step()  # what is set up at the first call must not be part of the graph
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # another thread may be compiling
        logits = step()

    def replay() -> Tensor:
        graph.replay()
        return logits

    return replay


class GraphStep:
    """One more token in each row of a cache. Where something goes wrong, the network does the work from then on."""

    def __init__(self, model: GPT, record: Record = record_graph, compiler: Callable[..., Any] | None = torch.compile):
        self.model, self._record, self._compiler = model, record, compiler
        self.written = 0  # tokens
        self.broken: Exception | None = None
        self._checked: set[bool] = set()  # kinds of graphs, compiled or not, that gave the network's logits
        self._compiled: dict[tuple[int, int], Any] = {}  # by rows and window
        self._tried: set[tuple[int, int]] = set()
        self._compiling: threading.Thread | None = None
        self._step: Step | None = None
        self._of: tuple[Tensor, int] | None = None  # the cache's first tensor, and the window, of the graph at hand
        self._token = self._at = torch.empty(0)
        if model.config.rotary:  # all of the table, once: it must not grow under a graph
            model.model.rotary(model.config.context, model.model.embed_tokens.weight)

    def takes(self, tokens: Tensor, cache: Cache) -> bool:
        """Whether it is one token in each row, behind others."""
        return tokens.shape[1] == 1 and cache.length > 0 and self.broken is None

    def __call__(self, tokens: Tensor, cache: Cache, last: bool) -> Tensor:
        """As the network: logits (B, 1, V); the cache grows."""
        self.written += len(tokens)
        before = cache.length
        try:
            return self._logits(tokens, cache)
        except Exception as error:  # of the driver, of the compiler: the text goes on without them
            self.broken, self._step, self._of = error, None, None
            cache.length = before
            return self.model.network(tokens, cache, last)

    def _logits(self, tokens: Tensor, cache: Cache) -> Tensor:
        window = min(max(WINDOW, 1 << cache.length.bit_length()), cache.positions)
        if self._step is None or self._of is None or self._of[0] is not cache.keys[0] or self._of[1] != window:
            return self._begin(tokens, cache, window)
        self._token.copy_(tokens)
        self._at.fill_(cache.length)
        logits = self._step().clone()  # the next step writes to the same place
        cache.length += 1
        return logits

    def _begin(self, tokens: Tensor, cache: Cache, window: int) -> Tensor:
        """The first token in a window: the network's work, beside which the graph is recorded, and checked once."""
        self._step = self._of = None  # its memory goes back before more is taken
        self._token = tokens.clone()
        self._at = torch.full((1,), cache.length, device=tokens.device)
        logits = self.model.network(tokens, cache, True)
        none = torch.zeros(len(tokens), dtype=torch.long, device=tokens.device)
        padding = none if cache.padding is None else cache.padding.clone()
        keys = [tensor.narrow(2, 0, window) for tensor in cache.keys]
        values = [tensor.narrow(2, 0, window) for tensor in cache.values]
        for tensor in keys + values:  # no token sees what is there yet, but zero times NaN is NaN
            tensor.narrow(2, cache.length, window - cache.length).zero_()
        found = self._compiled.get((len(tokens), window))
        function, token, at = found or self._plain, self._token, self._at
        step = self._record(lambda: function(token, at, padding, keys, values))
        kind = found is not None
        if kind not in self._checked:
            if not (step() - logits).abs().max() <= CLOSE * logits.abs().max():
                raise ArithmeticError("the logits of the graph are not those of the network")
            self._checked.add(kind)
        self._step, self._of = step, (cache.keys[0], window)
        self._consider(len(tokens), window)
        return logits

    def _plain(self, token: Tensor, at: Tensor, padding: Tensor, keys: list[Tensor], values: list[Tensor]) -> Tensor:
        fixed: Any = FixedCache(keys, values, at, padding)
        return self.model.network(token, fixed, True)

    def _consider(self, rows: int, window: int) -> None:
        """Begin to compile for such texts, where that is worth it."""
        if (
            self._compiler is None
            or self.written < PAYS
            or (rows, window) in self._tried
            or len(self._tried) >= SHAPES
            or (self._compiling is not None and self._compiling.is_alive())
        ):
            return
        self._tried.add((rows, window))
        self._compiling = threading.Thread(target=self._compile, args=(self._compiler, rows, window), daemon=True)
        self._compiling.start()

    @torch.inference_mode()
    def _compile(self, compiler: Callable[..., Any], rows: int, window: int) -> None:
        """On tensors of its own, while texts are written."""
        cache, device = self.model.new_cache(rows, window), self.model.device
        token = torch.zeros(rows, 1, dtype=torch.long, device=device)
        at, padding = torch.ones(1, dtype=torch.long, device=device), torch.zeros_like(token[:, 0])
        with contextlib.suppress(Exception):  # what cannot be compiled is done without
            function = compiler(self._plain, dynamic=False, fullgraph=True)
            function(token, at, padding, cache.keys, cache.values)
            self._compiled[rows, window] = function
