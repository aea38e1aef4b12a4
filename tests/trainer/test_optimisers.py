"""Muon makes updates orthogonal; every parameter has exactly one optimiser."""

import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from newleaf.core.model import native
from newleaf.core.model.config import GPTConfig
from newleaf.core.model.gpt import GPT
from newleaf.core.model.native import training_lanes
from newleaf.trainer import optimisers, orthogonal
from newleaf.trainer.group import Network
from newleaf.trainer.muon import OBLONG, STEPS, Cut, Muon, orthogonalise, orthogonalise_each
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.plan import Machine, make_plan

MUONS = STEPS, OBLONG
MACHINE = Machine("cpu", "test", 1, 8 << 30, {"nano": 1e11, "mini": 1e11}, "float32")


def test_orthogonalised_matrices_have_singular_values_near_one():
    matrices = torch.randn(3, 40, 24, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalise(matrices, torch.float32))
    assert values.min() > 0.7 and values.max() < 1


@pytest.mark.parametrize("smallest", [1, 0.1, 0.01])
def test_singular_values_from_a_250th_of_a_matrix_on_become_alike(smallest):
    values = torch.logspace(0, math.log10(smallest), 16)
    left, right = (torch.linalg.qr(torch.randn(n, 16, generator=torch.Generator().manual_seed(n)))[0] for n in (16, 48))
    found = torch.linalg.svdvals(orthogonalise(((left * values) @ right.mT)[None], torch.float32))
    assert found.min() > 0.7 and found.max() < 0.96


@pytest.mark.parametrize("rank", [24, 3])
def test_oblong_matrices_become_what_whole_steps_make_of_them(rank):
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(2, 24, rank, generator=generator) @ torch.randn(2, rank, 64, generator=generator)
    x = matrix / matrix.norm(dim=(-2, -1), keepdim=True)
    for first, second, third in STEPS:
        gram = x @ x.mT
        x = first * x + (second * gram + third * gram @ gram) @ x
    torch.testing.assert_close(orthogonalise(matrix, torch.float32), x, atol=1e-3, rtol=0)


@pytest.mark.skipif(not training_lanes(), reason="newleaf was built without it, or for another processor")
@pytest.mark.parametrize("lanes", [8, 16])
@pytest.mark.parametrize("shape", [(384, 384), (40, 24), (24, 40), (1, 9), (7, 300), (128, 130), (65, 64), (48, 48)])
def test_what_is_made_orthogonal_in_c_is_what_pytorch_makes_of_it(shape, lanes, monkeypatch):
    if lanes > training_lanes():
        pytest.skip("this processor has no such vectors")
    monkeypatch.setattr(native, "training_lanes", lambda: lanes)
    matrices = [*torch.randn(5, *shape, generator=torch.Generator().manual_seed(0)), torch.zeros(shape)]
    assert orthogonal.suits(len(matrices), matrices[0], torch.float32)
    assert not orthogonal.suits(len(matrices), matrices[0], torch.float64)
    mine = made_in_c(matrices)
    for one, other in zip(mine, orthogonalise(torch.stack(matrices), torch.float32), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    assert all(torch.equal(one, made_in_c([matrix])[0]) for one, matrix in zip(mine, matrices, strict=True))


def made_in_c(matrices, dtype=torch.float32):
    found = [torch.empty_like(matrix) for matrix in matrices]
    orthogonal.orthogonal(matrices, found, *MUONS, dtype)
    return found


@pytest.mark.usefixtures("ways_of_tiles")
@pytest.mark.parametrize("shape", [(128, 384), (384, 128), (64, 96), (32, 480), (1024, 256)])
def test_in_bfloat16_the_products_with_the_long_side_are_of_rounded_matrices(shape):
    matrices = [*torch.randn(3, *shape, generator=torch.Generator().manual_seed(0)), torch.zeros(shape)]
    mine = made_in_c(matrices, torch.bfloat16)
    assert all(torch.equal(one, made_in_c([each], torch.bfloat16)[0]) for one, each in zip(mine, matrices, strict=True))
    for matrix, one in zip(matrices, mine, strict=True):
        exact = orthogonalise(matrix[None], torch.float32)[0]
        assert (one - exact).norm() <= 0.02 * exact.norm()
        assert not matrix.any() or not torch.equal(one, exact)


@pytest.mark.usefixtures("ways_of_tiles")
@pytest.mark.parametrize("shape", [(128, 128), (48, 128), (96, 72), (130, 64)])
def test_matrices_that_are_no_whole_tiles_stay_in_float32(shape):
    matrices = [*torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))]
    for one, other in zip(made_in_c(matrices, torch.bfloat16), made_in_c(matrices), strict=True):
        torch.testing.assert_close(one, other, atol=0, rtol=0)


@pytest.mark.parametrize("in_c", [True, False])
@pytest.mark.parametrize("cut", [Cut(16, 0), Cut(16, 1), Cut(48, 0), Cut(1, 1)])
@pytest.mark.parametrize("laid_out", [lambda matrix: matrix, lambda matrix: matrix.mT.contiguous().mT])
def test_the_parts_of_a_matrix_become_what_each_becomes_by_itself(laid_out, cut, in_c, monkeypatch):
    if not in_c:
        monkeypatch.setattr(orthogonal, "suits", lambda *_: False)
    matrices = [laid_out(each) for each in torch.randn(2, 48, 32, generator=torch.Generator().manual_seed(0))]
    for matrix, found in zip(matrices, orthogonalise_each(matrices, cut), strict=True):
        assert found.shape == matrix.shape
        for part, made in zip(cut.parts(matrix), cut.parts(found), strict=True):
            torch.testing.assert_close(made, orthogonalise(part[None], torch.float32)[0], atol=1e-5, rtol=0)


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


@pytest.mark.skipif(not training_lanes(), reason="newleaf was built without it, or for another processor")
@pytest.mark.parametrize("lanes", [8, 16])
@pytest.mark.parametrize("momentum", [0.95, 0.3])
def test_steps_in_c_are_the_steps_of_pytorch(momentum, lanes, monkeypatch):
    if lanes > training_lanes():
        pytest.skip("this processor has no such vectors")
    monkeypatch.setattr(native, "training_lanes", lambda: lanes)
    shapes_and_cuts = [
        ((48, 32), Cut(16, 0)),
        ((48, 32), Cut(16, 1)),
        ((32, 90), None),
        ((9, 20), Cut(3, 0)),
        ((1, 5), None),
    ]

    def after_some_steps():
        generator = torch.Generator().manual_seed(0)
        parameters = [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape, _cut in shapes_and_cuts]
        cuts = {parameter: cut for parameter, (_shape, cut) in zip(parameters, shapes_and_cuts, strict=True) if cut}
        optimiser = Muon([*parameters, torch.nn.Parameter(torch.ones(2, 2))], 0.1, momentum, 0.2, cuts=cuts)
        for _ in range(3):
            for parameter in parameters:
                parameter.grad = torch.randn(parameter.shape, generator=generator)
            optimiser.step()
        return [parameter.detach() for parameter in parameters] + [
            optimiser.state[p]["momentum_buffer"] for p in parameters
        ]

    mine = after_some_steps()
    monkeypatch.setattr(orthogonal, "suits", lambda *_: False)
    for one, other in zip(mine, after_some_steps(), strict=True):
        torch.testing.assert_close(one, other, atol=2e-5, rtol=0)


@pytest.mark.parametrize("cut", [None, Cut(16, 0), Cut(16, 1)])
def test_the_update_has_the_root_mean_square_of_adamws(cut):
    parameter = torch.nn.Parameter(torch.zeros(64, 128))
    parameter.grad = torch.randn(64, 128, generator=torch.Generator().manual_seed(0))
    Muon([parameter], 1.0, cuts={parameter: cut} if cut else None).step()
    for part in cut.parts(parameter.detach()) if cut else [parameter.detach()]:
        assert 0.15 < part.square().mean().sqrt() < 0.25


@pytest.mark.parametrize("biases", [False, True])
def test_muon_takes_attention_head_by_head_and_what_is_behind_it_in_eighths(biases):
    model = GPT(GPTConfig(200, 64, 48, 2, 4, 2, 16, 96, qkv_bias=biases, output_bias=biases, mlp_bias=biases))
    names = {parameter: name for name, parameter in model.named_parameters()}
    parts = {
        names[parameter]: [tuple(part.shape) for part in cut.parts(parameter)]
        for parameter, cut in optimisers.cuts_of(model).items()
    }
    of_a_layer = {
        "self_attn.q_proj": 4 * [(16, 48)],
        "self_attn.k_proj": 2 * [(16, 48)],
        "self_attn.v_proj": 2 * [(16, 48)],
        "self_attn.o_proj": 4 * [(48, 16)],
        "mlp.gate_proj": 8 * [(12, 48)],
        "mlp.up_proj": 8 * [(12, 48)],
        "mlp.down_proj": 8 * [(48, 12)],
    }
    assert parts == {
        f"model.layers.{layer}.{name}.weight": shapes for layer in range(2) for name, shapes in of_a_layer.items()
    }


def test_neurons_that_eight_do_not_divide_stay_together():
    model = GPT(GPTConfig(200, 64, 48, 1, 4, 2, 16, 100))
    assert len(optimisers.cuts_of(model)) == 4


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


KINDS = ["muon", "adamw", "adam", "sgd"]


@pytest.mark.parametrize("name", KINDS)
def test_without_the_compiler_the_updates_are_the_same(name):
    def updated(compiled):
        plan = make_plan(TrainOptions(steps=10, size="nano", optimizer=name), MACHINE, 500, 100_000, 5_000)
        torch.manual_seed(0)
        model = GPT(plan.model_config)
        built = optimisers.build(Network(model), dataclasses.replace(plan, compile=compiled))
        for _step in range(3):
            for parameter in model.parameters():
                parameter.grad = parameter.detach().sin()
            for optimiser in built:
                optimiser.step()
        return model.state_dict()

    theirs = updated(True)
    assert all(torch.equal(weight, theirs[name]) for name, weight in updated(False).items())


SCRIPT = f"""
import sys
import torch
from test_optimisers import MACHINE, GPT, Network, TrainOptions, make_plan, optimisers
for name in {KINDS!r}:
    plan = make_plan(TrainOptions(steps=10, size="nano", optimizer=name, compile="off"), MACHINE, 500, 100_000, 5_000)
    model = GPT(plan.model_config)
    built = optimisers.build(Network(model), plan)
    model(torch.zeros(1, 8, dtype=torch.long)).sum().backward()
    for optimiser in built:
        optimiser.step()
        optimiser.zero_grad()
        optimiser.load_state_dict(optimiser.state_dict())
print("torch._dynamo" in sys.modules)
"""


def test_a_training_that_compiles_nothing_does_not_load_the_compiler():
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=Path(__file__).parent, capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
