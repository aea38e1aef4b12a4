"""The cross-entropy of what the last layer says, without all logits of a large vocabulary at once.

For each chunk of rows the logits are made, used for the loss and for its gradients, and forgotten: the backward pass
only scales what the forward pass has found. So no more than a chunk of logits ever exists, and it is still in the cache
when it is used again. (As in Hsu et al. 2024, arXiv:2410.10989.)
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 1 << 21  # logits at once


def linear_cross_entropy(hidden: Tensor, weight: Tensor, targets: Tensor, counts: Tensor | None = None) -> Tensor:
    """The mean cross-entropy in nats of `targets` (N,) for hidden states (N, C) and output weights (V, C).

    With `counts` (N,), each target counts as much as that says: those of 0 are not computed. Where none counts it is 0.
    """
    if counts is not None:
        chosen = counts > 0
        hidden, targets, counts = hidden[chosen], targets[chosen], counts[chosen]
        if not len(targets):
            return hidden.sum()  # 0, with gradients of 0
    if not torch.is_grad_enabled():
        losses = token_losses(hidden, weight, targets)
        return losses.mean() if counts is None else (losses * counts).sum() / counts.sum()
    loss: Tensor = _LinearCrossEntropy.apply(hidden, weight, targets, counts)
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
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, counts: Tensor | None) -> Tensor:
        rows = chunk_rows(weight)
        total = torch.zeros((), device=hidden.device)
        to_hidden, to_weight = torch.empty_like(hidden), torch.zeros_like(weight)
        for start in range(0, len(targets), rows):
            part, answers = hidden[start : start + rows], targets[start : start + rows, None]
            logits = F.linear(part, weight)
            # The gradient of a logit is its probability, less one where it is the answer.
            slope = logits.softmax(-1)
            # log(sum(exp(x))) = x - log(probability of x), whichever x: the largest is no number too small.
            norms = logits.amax(-1, keepdim=True).float() - slope.amax(-1, keepdim=True).float().log()
            losses = norms - logits.gather(1, answers)
            slope.scatter_add_(1, answers, slope.new_full((), -1.0).expand(answers.shape))
            if counts is not None:
                each = counts[start : start + rows, None]
                losses, slope = losses * each, slope * each.to(slope.dtype)
            total += losses.sum()
            to_hidden[start : start + rows] = slope @ weight
            if slope.dtype == to_weight.dtype:
                to_weight.addmm_(slope.mT, part)
            else:
                to_weight += slope.mT @ part
        number = len(targets) if counts is None else counts.sum()
        ctx.save_for_backward(to_hidden, to_weight)
        ctx.number = number
        return total / number

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, Tensor, None, None]:
        to_hidden, to_weight = ctx.saved_tensors
        scale = scale / ctx.number
        return to_hidden * scale, to_weight * scale, None, None
