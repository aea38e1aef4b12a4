"""How the next token is chosen: small functions on logits (B, V), one after the other, then a draw.

A token that is ruled out gets minus infinity. At least one token is left always.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .options import GenerationOptions


def forbid(logits: Tensor, tokens: Sequence[int]) -> Tensor:
    """Rule out `tokens`."""
    if tokens:
        logits[:, list(tokens)] = -torch.inf
    return logits


def penalise_repetition(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Divide positive and multiply negative logits of the tokens in `seen` (B, V; true or false) by `penalty`.

    Keskar et al. 2019, arXiv:1909.05858.
    """
    if penalty == 1:
        return logits
    return torch.where(seen, torch.where(logits > 0, logits / penalty, logits * penalty), logits)


def apply_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Divide by `temperature`, which is not 0."""
    return logits / temperature


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Rule out all but the `k` likeliest; 0 keeps all. Fan et al. 2018, arXiv:1805.04833."""
    if k == 0 or k >= logits.shape[-1]:
        return logits
    threshold = logits.topk(k).values[:, -1:]
    return logits.masked_fill(logits < threshold, -torch.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the likeliest tokens until they have probability `p` together. Holtzman et al. 2019, arXiv:1904.09751."""
    if p >= 1:
        return logits
    ordered, order = logits.sort(descending=True)
    probabilities = ordered.softmax(-1)
    before = probabilities.cumsum(-1) - probabilities  # what the likelier ones have together
    ordered = ordered.masked_fill(before >= p, -torch.inf)
    return torch.empty_like(logits).scatter_(-1, order, ordered)


def keep_min_p(logits: Tensor, p: float) -> Tensor:
    """Rule out what is less than `p` times as likely as the likeliest. Nguyen et al. 2024, arXiv:2407.01082."""
    if p == 0:
        return logits
    probabilities = logits.softmax(-1)
    return logits.masked_fill(probabilities < p * probabilities.amax(-1, keepdim=True), -torch.inf)


def choose(logits: Tensor, options: GenerationOptions, generators: Sequence[torch.Generator]) -> Tensor:
    """The next token of each row, (B,). Each row draws with a generator of its own: rows do not change each other."""
    if options.temperature < 1e-6:  # as good as 0, and divided by less the logits would be infinite
        return logits.argmax(-1)
    logits = apply_temperature(logits, options.temperature)
    logits = keep_top_k(logits, options.top_k)
    logits = keep_top_p(logits, options.top_p)
    logits = keep_min_p(logits, options.min_p)
    probabilities = logits.softmax(-1)
    return torch.cat(
        [
            torch.multinomial(row, 1, generator=generator)
            for row, generator in zip(probabilities.cpu(), generators, strict=True)
        ]
    ).to(logits.device)
