"""How well a model knows text that it has not seen: bits per byte."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..core.model.gpt import GPT
from .group import ALONE, Group
from .plan import FINAL_SHARE, Plan
from .step import autocast

if TYPE_CHECKING:
    from .loop import Loop

TOKENS = 4096  # at once: with fewer it is slower, with more it only takes more memory


class HeldOut:
    """The text that a training is measured on: on some of it on the way, and at the end on all, or on as much as the
    training's time allows.
    """

    def __init__(
        self, tokens: np.ndarray[Any, Any], byte_lengths: np.ndarray[Any, Any], plan: Plan, group: Group = ALONE
    ):
        self.tokens, self.byte_lengths, self.plan, self.group = tokens, byte_lengths, plan, group
        self.final_tokens: int | None = None  # that the time allows to measure at the end; None: all
        self._timed = False

    def measure_some(self, loop: Loop) -> float | None:
        """As much as the plan gives time for. The first time tells how long the end will take: so much is kept."""
        begin, plan = time.perf_counter(), self.plan
        limit = max(1, min(plan.eval_tokens, len(self.tokens)))
        score = self._measure(loop.model, limit)
        self.keep_time(loop, (time.perf_counter() - begin) / limit)
        return score

    def keep_time(self, loop: Loop, each: float, besides: float = 0.0) -> None:
        """When it is first known what the end will take, keep so much of the plan's time for it: `each` held-out token
        so many seconds, or fewer are measured then; and as many `besides`.
        """
        if self.plan.time and not self._timed:
            self._timed = True
            each, besides = self.group.first([each, besides])
            everything, most = each * len(self.tokens), FINAL_SHARE * self.plan.time
            loop.reserve += min(everything, most) + besides
            self.final_tokens = int(most / each) if everything > most else None

    def measure_at_end(self, loop: Loop) -> float | None:
        """All of it, or as much as the time allows."""
        return self._measure(loop.model, self.final_tokens)

    def _measure(self, model: GPT, limit: int | None) -> float | None:
        plan = self.plan
        return bits_per_byte(model, self.tokens, self.byte_lengths, plan.dtype, limit, plan.context, self.group)


@torch.no_grad()
def bits_per_byte(
    model: GPT,
    tokens: np.ndarray[Any, Any],
    byte_lengths: np.ndarray[Any, Any],
    dtype: str = "float32",
    limit: int | None = None,
    context: int | None = None,
    group: Group = ALONE,
) -> float | None:
    """Bits that the model needs for each UTF-8 byte of `tokens` (N,), in windows of `context` (its own) tokens.

    The surprise of every token that stands for text counts, and its bytes; control symbols do not. With a `limit`,
    windows from all over the text are taken that have about so many tokens. The processes of a group share the work.
    None without text.
    """
    model.eval()
    context = context or model.config.context
    lengths = torch.from_numpy(byte_lengths)
    nats = count = 0.0
    windows = _windows(tokens, context, limit)
    while some := list(islice(windows, group.size)):
        # All processes compute as often; what one has too many does not count.
        inputs, targets = some[min(group.rank, len(some) - 1)]
        with autocast(model.device.type, dtype):
            losses = model.loss(inputs.to(model.device), targets.to(model.device), reduction="none").double().cpu()
        if group.rank >= len(some):
            break
        sizes = lengths[targets.flatten()]
        nats += float((losses * (sizes > 0)).sum())
        count += float(sizes.sum())
    nats, count = group.sum([nats, count])
    return nats / count / math.log(2) if count else None


def _windows(tokens: np.ndarray[Any, Any], context: int, limit: int | None) -> Iterator[tuple[Tensor, Tensor]]:
    whole = max(0, len(tokens) - 1) // context
    wanted = whole if limit is None else min(whole, max(1, limit // context))
    starts = np.linspace(0, max(0, whole - 1), wanted).round().astype(np.int64) * context
    rows = max(1, TOKENS // context)
    for first in range(0, wanted, rows):
        block = torch.from_numpy(tokens[starts[first : first + rows, None] + np.arange(context + 1)].astype(np.int64))
        yield block[:, :-1], block[:, 1:]
    if wanted < whole:
        return
    rest = torch.from_numpy(tokens[whole * context :].astype(np.int64))[None]
    if rest.shape[1] > 1:
        yield rest[:, :-1], rest[:, 1:]
