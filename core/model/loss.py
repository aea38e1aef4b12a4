"""The cross-entropy of what the last layer says, without all logits of a large vocabulary at once.

For each chunk of rows the logits are made, used for the loss and for its gradients, and forgotten: the backward pass
only scales what the forward pass has found. So no more than a chunk of logits ever exists, and it is still in the cache
when it is used again. (As in Hsu et al. 2024, arXiv:2410.10989.)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 1 << 21  # logits at once
LEAST = torch.finfo(torch.float32).tiny  # probability: no loss in training is said to be more than 87 nats


class Candidates(NamedTuple):
    """Some of the vocabulary, over which a loss is computed in training as if it were all: every target is among them.

    Each stands for as many pieces as it was drawn from, so that the sum of all exponentials is what it would be on
    average (Jean et al. 2015, arXiv:1412.2007).
    """

    pieces: Tensor  # (M,) int64
    places: Tensor  # (V,) int64: where among them a piece is; of others 0
    log_counts: Tensor  # (M,) float32: the logarithm of how many pieces each stands for


def linear_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    counts: Tensor | None = None,
    candidates: Candidates | None = None,
) -> Tensor:
    """The mean cross-entropy in nats of `targets` (N,) for hidden states (N, C) and output weights (V, C).

    With `counts` (N,), each target counts as much as that says: those of 0 are not computed. Where none counts it is 0.
    With `candidates` it is an estimate from them; where no gradients are wanted it is not.
    """
    if counts is not None:
        chosen = counts > 0
        hidden, targets, counts = hidden[chosen], targets[chosen], counts[chosen]
        if not len(targets):
            return hidden.sum()  # 0, with gradients of 0
    if not torch.is_grad_enabled():
        losses = token_losses(hidden, weight, targets)
        return losses.mean() if counts is None else (losses * counts).sum() / counts.sum()
    loss: Tensor = _LinearCrossEntropy.apply(hidden, weight, targets, counts, candidates)
    return loss


def token_losses(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """The cross-entropy of each target, (N,), for measuring: to train with it would keep all logits."""
    rows = chunk_rows(weight)
    return torch.cat(
        [
            F.cross_entropy(F.linear(part, weight).float(), its_targets, reduction="none")
            for part, its_targets in zip(hidden.split(rows), targets.split(rows), strict=True)
        ]
    )


def chunk_rows(weight: Tensor) -> int:
    """How many rows are computed at once."""
    return max(1, CHUNK // len(weight))


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor,
        counts: Tensor | None,
        candidates: Candidates | None,
    ) -> Tensor:
        outputs, bias = weight, None
        if candidates is not None:
            outputs, targets = weight[candidates.pieces], candidates.places[targets]
            bias = candidates.log_counts.to(weight.dtype)
        rows = chunk_rows(outputs)
        total = torch.zeros((), device=hidden.device)
        to_hidden, to_outputs = torch.empty_like(hidden), torch.zeros_like(outputs)
        for start in range(0, len(targets), rows):
            part, answers = hidden[start : start + rows], targets[start : start + rows, None]
            logits = F.linear(part, outputs, bias)
            # The gradient of a logit is its probability, less one where it is the answer.
            slope = logits.softmax(-1)
            losses = -slope.gather(1, answers).float().clamp_min(LEAST).log()
            slope.scatter_add_(1, answers, slope.new_full((), -1.0).expand(answers.shape))
            if counts is not None:
                each = counts[start : start + rows, None]
                losses, slope = losses * each, slope * each.to(slope.dtype)
            total += losses.sum()
            to_hidden[start : start + rows] = slope @ outputs
            if slope.dtype == to_outputs.dtype:
                to_outputs.addmm_(slope.mT, part)
            else:
                to_outputs += slope.mT @ part
        number = len(targets) if counts is None else counts.sum()
        to_weight = to_outputs
        if candidates is not None:
            to_weight = torch.zeros_like(weight).index_copy_(0, candidates.pieces, to_outputs)
        ctx.save_for_backward(to_hidden, to_weight)
        ctx.number = number
        return total / number

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        to_hidden, to_weight = ctx.saved_tensors
        scale = scale / ctx.number
        return to_hidden * scale, to_weight * scale, None, None, None
