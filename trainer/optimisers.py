"""The optimisers of a model: Muon or AdamW for the matrices of its layers, AdamW for the rest."""

from __future__ import annotations

import torch

from ..core.model.gpt import GPT
from .muon import Muon
from .plan import Plan

BETAS = (0.9, 0.95)


def build(model: GPT, plan: Plan) -> list[torch.optim.Optimizer]:
    """The optimisers, each group with its highest rate as "base"."""
    matrices, embeddings, vectors = [], [], []
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2:
            vectors.append(parameter)
        elif "embed_tokens" in name or "lm_head" in name:
            embeddings.append(parameter)
        else:
            matrices.append(parameter)
    groups = [
        {"params": embeddings, "lr": plan.embedding_learning_rate, "weight_decay": 0.0},
        {"params": vectors, "lr": plan.embedding_learning_rate, "weight_decay": 0.0},
    ]
    optimisers: list[torch.optim.Optimizer] = []
    if plan.optimizer == "muon":
        kind = torch.bfloat16 if plan.dtype == "bfloat16" else torch.float32
        optimisers.append(Muon(matrices, plan.learning_rate, weight_decay=plan.weight_decay, dtype=kind))
    else:
        groups.append({"params": matrices, "lr": plan.learning_rate, "weight_decay": plan.weight_decay})
    optimisers.append(torch.optim.AdamW(groups, betas=BETAS, fused=plan.device in ("cpu", "cuda")))
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["base"] = group["lr"]
    return optimisers
