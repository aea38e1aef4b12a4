"""A model that is too large for one device: each process keeps a share of every weight, and of what belongs to it.

The whole of a layer's weights is there only while the layer is computed (Zhao et al. 2023, arXiv:2304.11277; PyTorch's
`fully_shard`). What leaves the processes is whole again: a checkpoint and a model's folder are those of one process, so
other numbers of processes can go on from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor

from ..core.model.gpt import GPT
from .group import Network
from .muon import Cut, orthogonalise_each


class Sharded(Network):
    """A share of the model, whose gradients are averaged over all processes as they are computed.

    Every method is a meeting: all processes must call it, in the same order.
    """

    def __init__(self, model: GPT, device: torch.device, keeps: bool):
        """Share out a model that is on the CPU; who `keeps` gets what is gathered, on the CPU as well."""
        super().__init__(model)
        self.keeps, self.device = keeps, device
        self.mesh = init_device_mesh(device.type, (dist.get_world_size(),))
        for layer in model.model.layers:
            fully_shard(layer, mesh=self.mesh)
        fully_shard(model, mesh=self.mesh)
        register_fsdp_forward_method(model, "loss")

    def clip(self, norm: float) -> Tensor:
        return cast(DTensor, super().clip(norm)).full_tensor()

    def orthogonalise(self, matrices: list[Tensor], cut: Cut, dtype: torch.dtype = torch.float32) -> list[Tensor]:
        """As one process does; each makes whole ones of its own orthogonal."""
        found: list[Tensor] = []
        size, rank = self.mesh.size(), self.mesh.get_rank()
        for begin in range(0, len(matrices), size):
            some = matrices[begin : begin + size]
            wholes = [cast(DTensor, matrix).full_tensor() for matrix in some]
            mine = orthogonalise_each([wholes[min(rank, len(some) - 1)]], cut, dtype)[0].contiguous()
            made = [torch.empty_like(mine) for _process in range(size)]
            dist.all_gather(made, mine)
            found += [self._share(whole, like) for whole, like in zip(made, some, strict=False)]
        return found

    def weights(self) -> dict[str, Tensor]:
        weights = self._gather(self.model.state_dict())
        if self.model.config.tie_embeddings:  # one tensor by two names
            weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
        return cast(dict[str, Tensor], weights)

    def memory(self, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
        return cast(dict[str, Any], self._gather(optimiser.state_dict()))

    def _gather(self, values: Any) -> Any:
        """Everything whole and on the CPU; where another process keeps it None for each tensor."""
        if isinstance(values, dict):
            return {key: self._gather(value) for key, value in values.items()}
        if isinstance(values, list):
            return [self._gather(value) for value in values]
        if not isinstance(values, DTensor):
            return values
        whole = values.full_tensor()
        return whole.cpu() if self.keeps else None

    @torch.no_grad()
    def load(self, weights: Mapping[str, Tensor]) -> None:
        for name, mine in self.model.state_dict().items():
            mine.copy_(self._share(weights[name], mine))

    def load_optimiser(self, optimiser: torch.optim.Optimizer, values: dict[str, Any]) -> None:
        parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
        state = {
            index: {
                key: self._share(value, parameters[index]) if value.shape == parameters[index].shape else value
                for key, value in its_values.items()
            }
            for index, its_values in values["state"].items()
        }
        optimiser.load_state_dict({**values, "state": state})

    def whole(self) -> GPT | None:
        weights = self.weights()
        if not self.keeps:
            return None
        model = GPT(self.model.config)
        model.load_state_dict(weights, assign=True)
        return model

    def _share(self, whole: Tensor, like: Tensor) -> DTensor:
        """This process's share of a tensor that all have."""
        like = cast(DTensor, like)
        return distribute_tensor(whole.to(self.device), like.device_mesh, like.placements, src_data_rank=None)
