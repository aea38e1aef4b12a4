"""LoRA: small matrices beside frozen weights are all that is trained (E. Hu et al. 2021, arXiv:2106.09685).

What they add is put into the weights, after which the model is as any other; or kept as an adapter as PEFT has it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..files import write_atomic, write_json
from .adapters import check_adapter
from .gpt import GPT
from .layouts import place

PARTS = ("lora_A", "lora_B")


class LoRALinear(nn.Linear):
    """A linear layer whose weight stays, plus scale * B A x; A (rank, in), B (out, rank)."""

    def __init__(self, linear: nn.Linear, rank: int, alpha: float, generator: torch.Generator):
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self.rank, self.scale = rank, alpha / rank
        bound = 1 / math.sqrt(self.in_features)  # as PEFT begins
        first = torch.empty(rank, self.in_features).uniform_(-bound, bound, generator=generator)
        self.lora_A = nn.Parameter(first.to(self.weight.device))
        self.lora_B = nn.Parameter(torch.zeros(self.out_features, rank, device=self.weight.device))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias) + F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scale

    @property
    def merged(self) -> Tensor:
        """The weight with what is beside it."""
        return self.weight + self.scale * (self.lora_B @ self.lora_A)


def add_lora(model: GPT, rank: int, alpha: float, targets: Sequence[str], seed: int) -> None:
    """Freeze a model and put such matrices beside its layers' weights of these names; all without names."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for module in model.model.layers.modules():
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Linear) and (not targets or name in targets):
                setattr(module, name, LoRALinear(child, rank, alpha, generator))


def lora_layers(model: GPT) -> Iterator[tuple[str, LoRALinear]]:
    """The layers that have them, by name."""
    for name, module in model.named_modules():
        if isinstance(module, LoRALinear):
            yield name, module


def plain_weights(model: GPT) -> dict[str, Tensor]:
    """The weights of a model as they are without LoRA, with what it adds put in."""
    found = {name: value for name, value in model.state_dict().items() if not name.endswith(PARTS)}
    with torch.no_grad():
        for name, layer in lora_layers(model):
            found[f"{name}.weight"] = layer.merged
    return found


def merged(model: GPT) -> GPT:
    """The same model without LoRA; one that has none is given back as it is."""
    if not any(True for _each in lora_layers(model)):
        return model
    whole = GPT(model.config)
    whole.load_state_dict(plain_weights(model), assign=True)
    return whole.eval()


def adapter_weights(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of a state dict what LoRA has added to it."""
    return {name: value for name, value in state.items() if name.endswith(PARTS)}


def save_adapter(folder: Path, model: GPT, base: str) -> None:
    """Write the matrices as PEFT reads them: adapter_config.json and adapter_model.safetensors.

    `base` is the folder of the model that they belong to. Raises UserError where its architecture keeps queries, keys
    and values in one weight, beside which PEFT would put one pair of matrices.
    """
    from safetensors.torch import save

    layers = dict(lora_layers(model))
    check_adapter(model.config, {name.rpartition(".")[2] for name in layers})
    tensors: dict[str, Tensor] = {}
    targets: set[str] = set()
    for name, layer in layers.items():
        where = place(model.config, f"{name}.weight").name.removesuffix(".weight")
        # GPT-2 calls two kinds of layers c_proj.
        targets.add(".".join(where.split(".")[-2 if model.config.architecture == "gpt2" else -1 :]))
        for part in PARTS:
            tensors[f"base_model.model.{where}.{part}.weight"] = getattr(layer, part).detach().cpu().contiguous()
    one = next(iter(layers.values()))
    config: dict[str, Any] = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": one.rank,
        "lora_alpha": one.scale * one.rank,
        "lora_dropout": 0.0,
        "target_modules": sorted(targets),
        "bias": "none",
        "fan_in_fan_out": model.config.architecture == "gpt2",
        "inference_mode": True,
    }
    folder.mkdir(mode=0o700, exist_ok=True)
    write_atomic(folder / "adapter_model.safetensors", save(tensors, metadata={"format": "pt"}))
    write_json(folder / "adapter_config.json", json.loads(json.dumps(config)))
