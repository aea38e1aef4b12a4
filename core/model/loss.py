"""The cross-entropy of what the last layer says, without all logits of a large vocabulary at once.

For each chunk of rows the logits are made, used for the loss and for its gradients, and forgotten: the backward pass
only scales what the forward pass has found. So no more than a chunk of logits ever exists, and it is still in the cache
when it is used again. (As in Hsu et al. 2024, arXiv:2410.10989.)
"""

from __future__ import annotations

import math
from ctypes import Structure, c_int64, c_void_p
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .linear import outer, product
from .native import train, training_lanes

CHUNK = 1 << 24  # bytes of logits at once, but
ROWS = {"cpu": 256}  # at least as many rows: with fewer, a product waits for the weights it reads
ROWS_ELSEWHERE = 1024
MULTIPLE = 64  # of rows, and of candidates: a library makes, and keeps, a kernel for each number of them that comes
LEAST = torch.finfo(torch.float32).tiny  # probability: rounded to 0, its loss would be infinite


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

    With `counts` (N,), each target counts as much as that says: most of those of 0 are not computed. Where none counts
    it is 0.
    With `candidates` it is an estimate from them; where no gradients are wanted it is not.
    """
    if counts is not None:
        chosen = _counting(counts)
        hidden, targets, counts = hidden[chosen], targets[chosen], counts[chosen]
        if not len(targets):
            return hidden.sum()  # 0, with gradients of 0
    if not torch.is_grad_enabled():
        losses = token_losses(hidden, weight, targets)
        return losses.mean() if counts is None else (losses * counts).sum() / counts.sum()
    loss: Tensor = _LinearCrossEntropy.apply(hidden, weight, targets, counts, candidates)
    return loss


def _counting(counts: Tensor) -> Tensor:
    """Where those are that count, and a few others, so that steps differ little in how many there are."""
    counting, others = (counts > 0).nonzero()[:, 0], (counts <= 0).nonzero()[:, 0]
    return torch.cat([counting, others[: -len(counting) % MULTIPLE]])


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
    return max(ROWS.get(weight.device.type, ROWS_ELSEWHERE), CHUNK // (len(weight) * weight.element_size()))


class _Loss(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("rows", "outputs", "threads", "row")),
        *((name, c_void_p) for name in ("logits", "bias", "counts", "targets", "losses", "scratch")),
        ("room", c_int64),
    ]


def _odd_lines(length: int) -> int:
    """How many numbers apart rows of so many are kept: an odd number of cache lines, as in training.c."""
    return (math.ceil(length / 16) | 1) * 16


def _type_of_rows(hidden: Tensor, outputs: Tensor) -> torch.dtype | None:
    """Of the logits that `_slopes_by_rows` makes of these; None where it cannot."""
    if hidden.device.type != "cpu" or not training_lanes():
        return None
    if torch.is_autocast_enabled("cpu"):
        found = torch.get_autocast_dtype("cpu")
        return found if found == torch.bfloat16 else None
    return torch.float32 if hidden.dtype == outputs.dtype == torch.float32 else None


def _slopes(
    part: Tensor, outputs: Tensor, bias: Tensor | None, targets: Tensor, counts: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The sum of the losses of some rows, and the gradients of their logits (n, V)."""
    logits = F.linear(part, outputs, None if bias is None else bias.to(outputs.dtype))
    answers = targets[:, None]
    # The gradient of a logit is its probability, less one where it is the answer.
    slopes = logits.softmax(-1)
    losses = -slopes.gather(1, answers).float().clamp_min(LEAST).log()
    slopes.scatter_add_(1, answers, slopes.new_full((), -1.0).expand(answers.shape))
    if counts is not None:
        each = counts[:, None]
        losses, slopes = losses * each, slopes * each.to(slopes.dtype)
    return losses.sum(), slopes


def _slopes_by_rows(
    part: Tensor, outputs: Tensor, bias: Tensor | None, targets: Tensor, counts: Tensor | None, room: Tensor
) -> tuple[Tensor, Tensor]:
    """The same on a CPU, by loss.h, in `room` (rows, V or more): each row stays in the first cache."""
    logits = room[: len(part), : len(outputs)]
    product(part, outputs.mT, logits)
    losses = torch.empty(len(part))
    least, most = (int(each) for each in torch.aminmax(targets))
    if least < 0 or most >= len(outputs):
        raise IndexError(f"targets from {least} to {most} of {len(outputs)} pieces")
    pointers = [None if each is None else each.data_ptr() for each in (logits, bias, counts, targets, losses)]
    work = _Loss(*logits.shape, torch.get_num_threads(), room.shape[1], *pointers)
    train("loss", work, 0 if room.dtype == torch.float32 else room.shape[1])
    return losses.sum(), logits


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
            bias = candidates.log_counts
        total = torch.zeros((), device=hidden.device)
        to_hidden = torch.empty_like(hidden)
        # Where the weights are frozen, nobody asks for theirs.
        to_outputs = torch.zeros_like(outputs) if ctx.needs_input_grad[1] else None
        dtype, slopes_of = _type_of_rows(hidden, outputs), _slopes
        if dtype is not None:
            hidden, outputs = hidden.to(dtype), outputs.to(dtype)  # once: autocast would do it for each product
            targets, counts = targets.long().contiguous(), None if counts is None else counts.float().contiguous()
        rows = chunk_rows(outputs)
        if dtype is not None:
            room = hidden.new_empty(min(rows, len(hidden)), _odd_lines(len(outputs)))
            slopes_of = partial(_slopes_by_rows, room=room)
        for start in range(0, len(targets), rows):
            some = slice(start, start + rows)
            part = hidden[some]
            losses, slopes = slopes_of(part, outputs, bias, targets[some], None if counts is None else counts[some])
            total += losses
            product(slopes, outputs, to_hidden[some])
            if to_outputs is not None:
                outer(slopes, part, to_outputs)
        number = len(targets) if counts is None else counts.sum()
        to_weight = to_outputs
        if candidates is not None and to_outputs is not None:
            to_weight = torch.zeros_like(weight).index_copy_(0, candidates.pieces, to_outputs)
        ctx.save_for_backward(to_hidden, to_weight)
        ctx.number = number
        return total / number

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, Tensor | None, None, None, None]:
        to_hidden, to_weight = ctx.saved_tensors
        scale = scale / ctx.number
        return to_hidden * scale, None if to_weight is None else to_weight * scale, None, None, None
