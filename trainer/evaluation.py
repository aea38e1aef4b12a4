"""How well a model knows text that it has not seen: bits per byte."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from ..core.model.gpt import GPT
from .machine import autocast

ROWS = 8


@torch.no_grad()
def bits_per_byte(
    model: GPT, tokens: np.ndarray[Any, Any], byte_lengths: np.ndarray[Any, Any], dtype: str = "float32"
) -> float | None:
    """Bits that the model needs for each UTF-8 byte of `tokens` (N,), in windows of its context.

    The surprise of every token that stands for text counts, and its bytes; control symbols do not. None without text.
    """
    context = model.config.context
    lengths = torch.from_numpy(byte_lengths)
    nats = count = 0.0
    for inputs, targets in _windows(tokens, context):
        with autocast(model.device.type, dtype):
            losses = model.loss(inputs.to(model.device), targets.to(model.device), reduction="none").double().cpu()
        sizes = lengths[targets.flatten()]
        nats += float((losses * (sizes > 0)).sum())
        count += float(sizes.sum())
    return nats / count / math.log(2) if count else None


def _windows(tokens: np.ndarray[Any, Any], context: int) -> Any:
    whole = (len(tokens) - 1) // context
    for first in range(0, whole, ROWS):
        starts = np.arange(first, min(first + ROWS, whole)) * context
        block = torch.from_numpy(tokens[starts[:, None] + np.arange(context + 1)].astype(np.int64))
        yield block[:, :-1], block[:, 1:]
    rest = torch.from_numpy(tokens[whole * context :].astype(np.int64))[None]
    if rest.shape[1] > 1:
        yield rest[:, :-1], rest[:, 1:]
