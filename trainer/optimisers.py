"""The optimisers of a model: Muon for the matrices of its layers and AdamW for the rest, or one for all."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import Parameter

from ..core.model.gpt import GPT
from .group import Network
from .muon import Cut, Muon
from .plan import GROUPS, Plan

BETAS = (0.8, 0.95)  # of AdamW beside Muon, and
BETAS_ALONE = (0.9, 0.95)  # where it is alone
# Matrices whose rows or columns are of several heads, or groups of neurons, and which of the two are.
JOINED = {"q_proj": 0, "k_proj": 0, "v_proj": 0, "o_proj": 1, "gate_proj": 0, "up_proj": 0, "down_proj": 1}
MOMENTUM = 0.9  # of SGD, as Nesterov has it


def matrices_of(model: GPT) -> list[Parameter]:
    """The weights that multiply between two layers and are trained: no embedding, no norm, no bias."""
    return [
        parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
        and parameter.ndim > 1
        and not any(part in name for part in ("embed_tokens", "embed_positions", "lm_head"))
    ]


def cuts_of(model: GPT) -> dict[Parameter, Cut]:
    """The parts that Muon makes orthogonal each by itself: of attention the heads, of the layer behind it eighths.

    Of heads see arXiv:2602.15763 and arXiv:2607.24653 (of queries, keys and values). It is a fraction of the work on
    whole matrices, and in docs/recipe.md came out no worse.
    """
    cuts = {}
    for name, parameter in model.named_parameters():
        kind = name.removesuffix(".weight").rpartition(".")[2]
        if parameter.ndim == 2 and kind in JOINED:
            dimension = JOINED[kind]
            inner = parameter.shape[dimension]
            size = model.config.head_dim if "self_attn" in name else inner // GROUPS
            if size and inner % size == 0:
                cuts[parameter] = Cut(size, dimension)
    return cuts


def build(network: Network, plan: Plan) -> list[torch.optim.Optimizer]:
    """The optimisers, each group with its highest rate as "base"."""
    model = network.model
    matrices = matrices_of(model)
    theirs = {id(parameter) for parameter in matrices}
    rest = [each for each in model.parameters() if each.requires_grad and id(each) not in theirs]
    of_the_rest = {"lr": plan.embedding_learning_rate, "weight_decay": 0.0}
    groups: list[dict[str, Any]] = [
        {"params": some, **of_the_rest}
        for some in ([each for each in rest if each.ndim > 1], [each for each in rest if each.ndim < 2])
        if some
    ]
    optimisers: list[torch.optim.Optimizer] = []
    fused = plan.device in ("cpu", "cuda")
    if plan.optimizer == "muon":
        kind = torch.bfloat16 if plan.dtype == "bfloat16" else torch.float32
        muon = _suited(Muon, plan)
        rates = plan.learning_rate, plan.momentum, plan.weight_decay
        optimisers.append(muon(matrices, *rates, network.orthogonalise, cuts_of(model), kind))
    else:
        groups.append({"params": matrices, "lr": plan.learning_rate, "weight_decay": plan.weight_decay})
    if plan.optimizer == "sgd":
        fused = fused and not plan.shard  # PyTorch cannot do it on shares of tensors
        optimisers.append(_suited(torch.optim.SGD, plan)(groups, momentum=MOMENTUM, nesterov=True, fused=fused))
    else:
        kind_of_adam = torch.optim.Adam if plan.optimizer == "adam" else torch.optim.AdamW
        betas = BETAS if plan.optimizer == "muon" else BETAS_ALONE
        optimisers.append(_suited(kind_of_adam, plan)(groups, betas=betas, fused=fused))
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["base"] = group["lr"]
    return optimisers


def _suited(kind: Any, plan: Plan) -> Any:
    """A kind of optimiser; where nothing is compiled, made so that it does not load PyTorch's compiler.

    PyTorch's own load it, which takes as long as loading the rest of PyTorch, only to tell it to keep away from them.
    Where nothing is compiled nobody needs to be told. A version of PyTorch that does so in another way is left alone.
    """
    if plan.compile:
        return kind
    for name in ("add_param_group", "load_state_dict", "state_dict", "zero_grad"):
        inner = getattr(getattr(torch.optim.Optimizer, name), "__wrapped__", None)
        if inner is not None and not hasattr(inner, "__dynamo_disable"):
            setattr(inner, "__dynamo_disable", inner)
    step = getattr(kind.step, "__wrapped__", None)
    if step is None:
        return kind

    def quiet_step(optimiser: Any, closure: None = None) -> None:
        with torch.no_grad():
            step(optimiser)

    return type(kind.__name__, (kind,), {"step": quiet_step})
