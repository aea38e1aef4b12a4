"""The processes that train one model together, on one machine or several: each computes a share of every step's rows.

The gradients are averaged while they are computed (S. Li et al. 2020, arXiv:2006.15704), so all processes keep the same
weights, and each step is that of one process with all rows. What a step does is decided by numbers that all share.
Where the model does not fit, each process keeps a share of it (sharded.py).
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.model.gpt import GPT
from .batches import Batch
from .clipping import clip
from .muon import orthogonalise_each
from .options import TrainOptions
from .plan import Plan


def workers(options: TrainOptions, device: str) -> int:
    """How many processes there shall be on this machine. Raises UserError for more than it has GPUs."""
    there = torch.cuda.device_count() if device == "cuda" else 1
    if options.gpus == "all":
        return there
    number = int(options.gpus or 1)
    if device == "cuda" and number > there:
        raise UserError(_("--gpus {number}: this machine has {there}.").format(number=number, there=there))
    if device != "cuda" and number > 1 and options.device == "auto":
        text = _("--gpus {number}: there is no GPU here. To train in so many processes without: --device cpu")
        raise UserError(text.format(number=number))
    return number


class Group:
    """This process among those that train together. As it is, it is alone."""

    size = 1
    rank = 0
    local_rank = 0  # among those on this machine

    def rows(self, count: int) -> slice:
        """Which of a step's rows this process computes."""
        each, more = divmod(count, self.size)
        begin = self.rank * each + min(self.rank, more)
        return slice(begin, begin + each + (self.rank < more))

    def sum(self, values: list[float]) -> list[float]:
        """The sums of each process's numbers, the same for all of them."""
        return values

    def first(self, values: list[float]) -> list[float]:
        """The numbers of the first process, for all of them."""
        return self.sum(values if self.rank == 0 else [0.0] * len(values))

    def mean(self, value: Tensor) -> Tensor:
        """The mean of each process's tensor."""
        return value

    def newest(self, step: int, value: Any) -> Any:
        """The object of the process with the highest step, for all of them."""
        return value

    def same_plan(self, plan: Plan) -> Plan:
        """The plan of the first process."""
        return plan

    def check_same(self, value: Any) -> None:
        """Raises UserError where the processes have different fingerprints of what they learn from."""

    def network(self, model: GPT, plan: Plan) -> Network:
        """The model on the plan's device, to compute losses and gradients with."""
        return Network(model.to(plan.device))


ALONE = Group()


def loss_of(model: GPT, batch: Batch) -> Tensor:
    """The mean loss of a batch, which is on the model's device."""
    given = {name: value for name, value in batch._asdict().items() if value is not None}
    return model.loss(given.pop("tokens"), given.pop("targets"), **given)


class Network:
    """A model that gives losses; its weights and gradients are those of this process."""

    orthogonalise = staticmethod(orthogonalise_each)  # what Muon makes of the parts of some matrices of one shape

    def __init__(self, model: GPT):
        self.model = model

    def loss(self, batch: Batch) -> Tensor:
        """The mean loss of some rows, in the context `gathering`, as is its `backward`."""
        return loss_of(self.model, batch)

    @functools.cached_property
    def parameters(self) -> list[nn.Parameter]:
        """All that have gradients, or could; to look for them in each step takes as long as clipping them."""
        return list(self.model.parameters())

    def gathering(self, last: bool) -> contextlib.AbstractContextManager[Any]:
        """The context for some rows of a step; with the last ones the gradients are averaged over all processes."""
        return contextlib.nullcontext()

    def clip(self, norm: float) -> Tensor:
        """Make the gradients smaller where the norm of all together is higher than this; gives what it was."""
        return clip(self.parameters, norm)

    def weights(self) -> dict[str, Tensor]:
        """All weights, whole. All processes must ask."""
        return self.model.state_dict()

    def memory(self, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
        """All that an optimiser of these weights remembers, whole. All processes must ask."""
        return optimiser.state_dict()

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take over whole weights."""
        self.model.load_state_dict(weights)

    def load_optimiser(self, optimiser: torch.optim.Optimizer, values: dict[str, Any]) -> None:
        """Give an optimiser of these weights the whole memory of one."""
        optimiser.load_state_dict(values)

    def whole(self) -> GPT | None:
        """The model, whole, to write with and to save; None where another process keeps it. All processes must ask."""
        return self.model


class Processes(Group):
    """Several processes, started by `launch`, which has set the environment that tells them of each other."""

    def __init__(self, device: str):
        if device == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        # Numbers that decide go another way than weights, so that no GPU waits for them.
        dist.init_process_group("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo")
        self.device = torch.device(device)
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self.local_rank = int(os.environ["LOCAL_RANK"])

    def sum(self, values: list[float]) -> list[float]:
        found = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(found)
        return cast(list[float], found.tolist())

    def mean(self, value: Tensor) -> Tensor:
        dist.all_reduce(value)
        return value / self.size

    def newest(self, step: int, value: Any) -> Any:
        steps: list[Any] = [None] * self.size
        dist.all_gather_object(steps, step)
        if min(steps) == max(steps):
            return value
        box = [value]
        dist.broadcast_object_list(box, steps.index(max(steps)))
        return box[0]

    def same_plan(self, plan: Plan) -> Plan:
        box = [plan.as_dict()]
        dist.broadcast_object_list(box, 0)
        first = Plan.from_dict(box[0])
        # Rows at once may have been halved here; but who has a share of the weights computes as often as the others.
        rows = [plan.micro_rows]
        if first.shard:
            rows = [0] * self.size
            dist.all_gather_object(rows, plan.micro_rows)
        return replace(first, micro_rows=min(rows), threads=plan.threads)  # threads are this machine's

    def check_same(self, value: Any) -> None:
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, value)
        if any(other != found[0] for other in found):
            raise UserError(
                _("The machines do not have the same corpus and tokenizer. Copy both from one of them to the others.")
            )

    def network(self, model: GPT, plan: Plan) -> Network:
        if plan.shard:
            from .sharded import Sharded

            return Sharded(model, self.device, keeps=self.local_rank == 0)
        return _Parallel(model.to(self.device))

    def end(self) -> None:
        """Take leave of the others."""
        dist.destroy_process_group()


class _Loss(nn.Module):
    """A model whose call is its loss, as DistributedDataParallel wants it."""

    def __init__(self, model: GPT):
        super().__init__()
        self.inner = model

    def forward(self, batch: Batch) -> Tensor:
        return loss_of(self.inner, batch)


class _Parallel(Network):
    def __init__(self, model: GPT):
        super().__init__(model)
        self.parallel = DistributedDataParallel(_Loss(model), gradient_as_bucket_view=True)

    def loss(self, batch: Batch) -> Tensor:
        return cast(Tensor, self.parallel(batch))

    def gathering(self, last: bool) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext() if last else self.parallel.no_sync()
