"""What one step of training does: forward, backward, update. The loop trains with it; the plan times it."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from ..core.model.gpt import LeftOut
from .batches import Batch
from .group import ALONE, Group, Network
from .optimisers import matrices_of
from .plan import Plan

CLIP = 1.0  # the highest norm of all gradients together


def gradients(
    network: Network,
    plan: Plan,
    batch: Batch,
    micro_rows: int | None = None,
    group: Group = ALONE,
    scale: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Set the clipped gradients for the rows of a batch, `micro_rows` (the plan's) of them at a time.

    Each process of a group computes its share of the rows; the gradients are those of all. They are computed `scale`
    times as large as they are. Gives the mean loss in nats, and the norm of the gradients before they were clipped.
    """
    batch = batch._replace(left_out=left_out(plan, *batch.tokens.shape))
    model, count, whole = network.model, len(batch.tokens), batch.weight
    mine, most = group.rows(count), math.ceil(count / group.size)  # rows of this process, and of that with the most
    loss = torch.zeros((), device=model.device)
    rows = micro_rows or plan.micro_rows
    for begin in range(0, most, rows):
        some = slice(mine.start + begin, min(mine.stop, mine.start + begin + rows))
        theirs = batch.rows(some)
        share = theirs.weight * group.size / whole if whole and some.stop > some.start else 0.0
        if some.stop <= some.start:
            theirs = batch.rows(slice(0, 1))  # all processes compute as often; what one has too many does not count
        theirs = theirs.to(model.device)
        with network.gathering(begin + rows >= most):
            with autocast(model.device.type, plan.dtype):
                part = network.loss(theirs) * share
            (part * scale).backward()
        loss += part.detach()
    loss = group.mean(loss)
    if scale != 1.0:
        found = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        torch._foreach_mul_(found, 1 / scale)
    norm = network.clip(CLIP)
    if plan.l1 or plan.l2:
        _penalise([*matrices_of(model)], plan.l1, plan.l2)
    return loss, norm


def left_out(plan: Plan, rows: int, length: int) -> LeftOut | None:
    """What a step does not see of so many rows, drawn with PyTorch's generator.

    It is drawn for all rows at once: how many are computed at a time, and by which process, makes no difference.
    """
    seen = kept = None
    if plan.token_dropout:
        seen = torch.rand(rows, length) >= plan.token_dropout
    if plan.dropout:
        config, share = plan.model_config, 1 - plan.dropout
        kept = torch.empty(rows, config.num_layers, 2, config.hidden_size).bernoulli_(share).div_(share)
    return None if seen is None and kept is None else LeftOut(seen, kept)


@torch.no_grad()
def _penalise(matrices: list[Tensor], l1: float, l2: float) -> None:
    """Add the gradients of l1 * sum(|w|) + l2 / 2 * sum(w * w)."""
    gradients = [matrix.grad for matrix in matrices if matrix.grad is not None]
    if l1:
        torch._foreach_add_(gradients, torch._foreach_sign(matrices), alpha=l1)
    if l2:
        torch._foreach_add_(gradients, matrices, alpha=l2)


def update(optimisers: Iterable[torch.optim.Optimizer], skip: Tensor | None = None) -> None:
    """Use the gradients, and forget them; only forget them where `skip`, a truth value on the device, says so."""
    for optimiser in optimisers:
        if skip is not None:  # as a gradient scaler tells it to optimisers that run on the device alone
            optimiser.grad_scale, optimiser.found_inf = None, skip.float()  # type: ignore[attr-defined]
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)


def autocast(device: str, dtype: str) -> torch.autocast:
    """Multiply in `dtype`; weights and sums stay in float32."""
    half = torch.float16 if dtype == "float16" else torch.bfloat16
    return torch.autocast(device, half, enabled=dtype != "float32")
