"""Gradients whose norm is too high become smaller, as PyTorch's clip_grad_norm_ makes them."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from newleaf.core.model.native import training_lanes
from newleaf.trainer.clipping import AT_ONCE, clip

pytestmark = pytest.mark.skipif(not training_lanes(), reason="newleaf was built without it, or for another processor")


def with_gradients(numbers, scale=1.0):
    generator = torch.Generator().manual_seed(0)
    parameters = [nn.Parameter(torch.zeros(number)) for number in numbers]
    for parameter in parameters:
        parameter.grad = torch.randn(parameter.shape, generator=generator) * scale
    return parameters


def gradients(parameters):
    return [parameter.grad for parameter in parameters]


@pytest.mark.usefixtures("lanes")
@settings(max_examples=40, deadline=None)
@given(
    numbers=st.lists(
        st.one_of(st.integers(1, 300), st.sampled_from([4096, 5000, AT_ONCE, 3 * AT_ONCE + 7])), min_size=1
    ),
    scale=st.sampled_from([1e-8, 1e-3, 0.1, 1.0, 1e4]),
    most=st.sampled_from([0.5, 1.0, 100.0]),
)
def test_it_is_pytorchs(numbers, scale, most):
    mine = with_gradients(numbers, scale)
    theirs = [nn.Parameter(parameter.detach().double()) for parameter in mine]
    for parameter, gradient in zip(theirs, gradients(mine), strict=True):
        parameter.grad = gradient.double()
    exact = nn.utils.clip_grad_norm_(theirs, most)
    torch.testing.assert_close(clip(mine, most).double(), exact, rtol=1e-6, atol=0)
    for one, other in zip(gradients(mine), gradients(theirs), strict=True):
        torch.testing.assert_close(one.double(), other.double(), rtol=1e-5, atol=0)


@pytest.mark.usefixtures("lanes")
def test_gradients_that_are_small_enough_keep_their_bits():
    parameters = with_gradients([1000, 7], scale=0.001)
    before = [each.clone() for each in gradients(parameters)]
    assert clip(parameters, 1.0) < 1
    assert all(torch.equal(one, other) for one, other in zip(before, gradients(parameters), strict=True))


@pytest.mark.usefixtures("lanes")
@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_no_number_is_told_by_the_norm(wrong):
    parameters = with_gradients([1000, 7])
    parameters[1].grad[3] = wrong
    assert not clip(parameters, 1.0).isfinite()


@pytest.mark.usefixtures("lanes")
def test_any_number_of_threads_gives_the_same_bits():
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            parameters = with_gradients([10 * AT_ONCE + 3, 100])
            found.append([clip(parameters, 1.0), *gradients(parameters)])
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(torch.equal(one, its) for one, its in zip(found[0], other, strict=True))


def test_what_the_library_cannot_read_is_left_to_pytorch():
    parameters = with_gradients([10, 20])
    parameters[0].grad = None
    other = nn.Parameter(torch.zeros(4, 6))
    other.grad = torch.ones(6, 4).mT
    norm = clip([*parameters, other], 1.0)
    assert norm > math.sqrt(24)
    together = torch.cat([parameters[1].grad, other.grad.flatten()]).norm()
    torch.testing.assert_close(together, torch.tensor(1.0))
    assert clip([nn.Parameter(torch.zeros(3))], 1.0) == 0
