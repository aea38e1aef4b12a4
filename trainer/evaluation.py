"""How well a model knows text that it has not seen: bits per byte."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..core.model.gpt import GPT
from .group import ALONE, Group
from .step import autocast

ROWS = 8


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
    for first in range(0, wanted, ROWS):
        block = torch.from_numpy(tokens[starts[first : first + ROWS, None] + np.arange(context + 1)].astype(np.int64))
        yield block[:, :-1], block[:, 1:]
    if wanted < whole:
        return
    rest = torch.from_numpy(tokens[whole * context :].astype(np.int64))[None]
    if rest.shape[1] > 1:
        yield rest[:, :-1], rest[:, 1:]
