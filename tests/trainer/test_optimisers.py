"""Muon makes updates orthogonal; every parameter has exactly one optimiser."""

import torch

from newleaf.core.model.gpt import GPT
from newleaf.trainer import optimisers
from newleaf.trainer.group import Network
from newleaf.trainer.muon import Muon, orthogonalise
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.plan import Machine, make_plan

MACHINE = Machine("cpu", "test", 1, 8 << 30, {"nano": 1e11, "mini": 1e11}, "float32")


def test_orthogonalised_matrices_have_singular_values_near_one():
    matrices = torch.randn(3, 40, 24, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalise(matrices, torch.float32))
    assert values.min() > 0.6 and values.max() < 1.3


def test_wide_and_tall_matrices_are_treated_alike():
    matrix = torch.randn(1, 16, 48, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(orthogonalise(matrix, torch.float32).mT, orthogonalise(matrix.mT, torch.float32))


def test_matrices_together_move_as_they_would_alone():
    generator = torch.Generator().manual_seed(0)
    start, gradients = torch.randn(4, 8, 8, generator=generator), torch.randn(4, 8, 8, generator=generator)

    def moved(indices):
        parameters = [torch.nn.Parameter(start[i].clone()) for i in indices]
        optimiser = Muon(parameters, 0.1, weight_decay=0.1)
        for parameter, i in zip(parameters, indices, strict=True):
            parameter.grad = gradients[i].clone()
        optimiser.step()
        return [parameter.detach() for parameter in parameters]

    together = moved(range(4))
    for i in range(4):
        torch.testing.assert_close(together[i], moved([i])[0])


def test_the_update_has_the_root_mean_square_of_adamws():
    parameter = torch.nn.Parameter(torch.zeros(64, 128))
    parameter.grad = torch.randn(64, 128, generator=torch.Generator().manual_seed(0))
    Muon([parameter], 1.0).step()
    assert 0.15 < parameter.detach().square().mean().sqrt() < 0.25


def test_every_parameter_has_one_optimiser():
    for name in ("muon", "adamw"):
        plan = make_plan(TrainOptions(steps=10, size="nano", optimizer=name), MACHINE, 500, 100_000, 5_000)
        model = GPT(plan.model_config)
        found = [
            parameter
            for optimiser in optimisers.build(Network(model), plan)
            for group in optimiser.param_groups
            for parameter in group["params"]
        ]
        assert len(found) == len({id(parameter) for parameter in found}) == len(list(model.parameters()))
