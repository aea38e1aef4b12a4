"""How the next token is chosen: small functions on logits (B, V), one after the other, then a draw.

A token that is ruled out gets minus infinity. At least one token is left always.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from .options import GenerationOptions

LIKELIEST = 256  # tokens that are looked at before all are sorted: nearly always enough, and much cheaper
BLOCK = 256  # tokens whose probabilities are added up together
GREEDY = 1e-6  # a temperature below is as good as 0; divided by less, the logits would be infinite


def forbid(logits: Tensor, tokens: Sequence[int]) -> Tensor:
    """Rule out `tokens`."""
    if tokens:
        logits[:, list(tokens)] = -torch.inf
    return logits


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
    total = logits.logsumexp(-1, keepdim=True)
    size = min(LIKELIEST, logits.shape[-1])
    while True:
        ordered, order = logits.topk(size)
        probabilities = (ordered - total).exp()
        before = probabilities.cumsum(-1) - probabilities  # what the likelier ones have together
        if size == logits.shape[-1] or bool((before[:, -1] >= p).all()):
            break
        size = logits.shape[-1]
    ordered = ordered.masked_fill(before >= p, -torch.inf)
    return torch.full_like(logits, -torch.inf).scatter_(-1, order, ordered)


def keep_min_p(logits: Tensor, p: float) -> Tensor:
    """Rule out what is less than `p` times as likely as the likeliest. Nguyen et al. 2024, arXiv:2407.01082."""
    if p == 0:
        return logits
    probabilities = logits.softmax(-1)
    return logits.masked_fill(probabilities < p * probabilities.amax(-1, keepdim=True), -torch.inf)


def keep_typical_p(logits: Tensor, p: float) -> Tensor:
    """Keep the tokens whose surprise is nearest to the expected one until they have probability `p` together.

    Meister et al. 2022, arXiv:2202.00666.
    """
    if p >= 1:
        return logits
    surprise = -logits.log_softmax(-1)
    probabilities = (-surprise).exp()
    expected = (surprise * probabilities).nansum(-1, keepdim=True)  # infinite times nothing is nothing
    order = (surprise - expected).abs().argsort(-1)
    ordered = probabilities.gather(-1, order)
    before = ordered.cumsum(-1) - ordered
    out = torch.zeros_like(logits, dtype=torch.bool).scatter_(-1, order, before >= p)
    return logits.masked_fill(out, -torch.inf)


def choose(logits: Tensor, options: GenerationOptions, generators: Sequence[torch.Generator]) -> Tensor:
    """The next token of each row, (B,). Each row draws with a generator of its own: rows do not change each other."""
    if options.temperature < GREEDY:
        return logits.argmax(-1)
    logits = apply_temperature(logits, options.temperature)
    logits = keep_top_k(logits, options.top_k)
    logits = keep_top_p(logits, options.top_p)
    logits = keep_min_p(logits, options.min_p)
    logits = keep_typical_p(logits, options.typical_p)
    return draw(logits.softmax(-1), generators)


def draw(probabilities: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """A token of each row by its probabilities (B, V): where a number drawn from 0 to 1 falls in their sums, (B,).

    It falls into a block first, and then to a token of the block: adding up all one after the other takes much longer.
    """
    rows, size = probabilities.shape
    blocks = F.pad(probabilities, (0, -size % BLOCK)).view(rows, -1, BLOCK)
    sums = blocks.sum(-1, dtype=torch.float64).cumsum(-1)  # (B, blocks)
    drawn = torch.stack([torch.rand(1, dtype=torch.float64, generator=generator) for generator in generators])
    places = drawn.to(sums.device) * sums[:, -1:]
    block = _first_beyond(sums, places)
    before = F.pad(sums, (1, 0)).gather(-1, block)
    inside = blocks[torch.arange(rows, device=block.device), block.flatten()].double().cumsum(-1) + before
    return (block * BLOCK + _first_beyond(inside, places)).flatten()


def _first_beyond(sums: Tensor, places: Tensor) -> Tensor:
    """Which of the sums (B, N) is the first beyond the place (B, 1): (B, 1). Rounding may pass none that grows."""
    last = (sums < sums[:, -1:]).sum(-1, keepdim=True)
    return torch.minimum(torch.searchsorted(sums, places, right=True), last)
