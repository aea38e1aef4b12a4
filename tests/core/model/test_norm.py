"""Rows normalised in C to train on a CPU, and their gradients, are those of PyTorch's RMSNorm."""

import pytest
import torch
from architectures import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from newleaf.core.model import norm
from newleaf.core.model.gpt import RMSNorm
from newleaf.core.model.native import MULTIPLE, training_lanes

pytestmark = pytest.mark.skipif(not training_lanes(), reason="newleaf was built without it, or for another processor")
EPSILON = 1e-6


def pytorchs(x, weight):
    return F.rms_norm(x, weight.shape, weight, EPSILON)


def ours(x, weight):
    return norm.rms_norm(x, weight, EPSILON)


def found(normalise, x, weight, slopes, dtype):
    """What comes out, and the gradients of what goes in."""
    x, weight = (each.to(dtype).detach().clone().requires_grad_() for each in (x, weight))
    out = normalise(x, weight)
    out.backward(slopes.to(dtype))
    return out.detach(), x.grad, weight.grad


@pytest.mark.usefixtures("lanes")
@settings(max_examples=40, deadline=None)
@given(
    shape=st.lists(st.integers(1, 70), min_size=0, max_size=2),
    width=st.integers(1, 12).map(lambda n: n * MULTIPLE),
    scale=st.sampled_from([0.0, 1e-4, 1.0, 100.0]),
)
def test_it_is_pytorchs_norm(shape, width, scale):
    x, weight, slopes = drawn(*shape, width) * scale, drawn(width, seed=1), drawn(*shape, width, seed=2)
    exact = found(pytorchs, x, weight, slopes, torch.float64)
    for right, mine in zip(exact, found(ours, x, weight, slopes, torch.float32), strict=True):
        assert (right - mine).abs().max() <= 2e-6 * right.abs().max() + 1e-12


@pytest.mark.usefixtures("lanes")
def test_any_number_of_threads_gives_the_same_bits():
    x, weight, slopes = drawn(300, 64), drawn(64, seed=1), drawn(300, 64, seed=2)
    before = torch.get_num_threads()
    try:
        each = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            each.append(found(ours, x, weight, slopes, torch.float32))
    finally:
        torch.set_num_threads(before)
    for other in each[1:]:
        assert all(torch.equal(a, b) for a, b in zip(each[0], other, strict=True))


@pytest.mark.usefixtures("lanes")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("used", ["both", "the sum", "what is normalised"])
def test_what_is_added_first_is_added_once_and_gets_its_gradients(dtype, used):
    """Where products are in bfloat16, so is what is added, and what is normalised; the sum is not."""

    def learn(normalise):
        x, added, weight = (drawn(9, 70, 32, seed=seed).float() for seed in range(3))
        x, added, weight = x.requires_grad_(), added.to(dtype).requires_grad_(), weight[0, 0].requires_grad_()
        total, normed = normalise(x, added, weight)
        slopes = drawn(9, 70, 32, seed=4).float(), drawn(9, 70, 32, seed=5).to(dtype)
        parts = {"both": (total, normed), "the sum": (total,), "what is normalised": (normed,)}[used]
        torch.autograd.backward(parts, [slopes[0] if part is total else slopes[1] for part in parts])
        return total, normed, x.grad, added.grad, weight.grad

    def exactly(x, added, weight):
        total = x + added
        return total, pytorchs(total, weight).to(dtype)

    def here(x, added, weight):
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            return norm.rms_norm_of_sum(x, added, weight, EPSILON)

    for mine, right in zip(learn(here), learn(exactly), strict=True):
        if right is None or mine is None:
            assert right is mine is None
        else:
            assert mine.dtype == right.dtype
            torch.testing.assert_close(mine, right, rtol=1e-5 if mine.dtype == torch.float32 else 0.01, atol=1e-4)


def test_rows_that_do_not_lie_one_behind_the_other():
    x, weight, slopes = drawn(32, 20).mT, drawn(32, seed=1), drawn(32, 20, seed=2).mT
    for right, mine in zip(
        found(pytorchs, x, weight, slopes, torch.float64), found(ours, x, weight, slopes, torch.float32), strict=True
    ):
        assert (right - mine).abs().max() <= 1e-6 * right.abs().max()


def test_bfloat16_is_normalised_in_float32_and_comes_out_as_it_is():
    x = drawn(5, 32).bfloat16()
    weight = drawn(32, seed=1).float()
    torch.testing.assert_close(ours(x, weight), pytorchs(x.float(), weight).bfloat16())  # of one type


def test_a_row_of_what_is_no_number_is_none_and_the_others_are():
    x, weight = drawn(3, 16).float(), torch.ones(16)
    x[1, 4] = float("nan")
    out = ours(x, weight)
    assert out[1].isnan().all() and out[[0, 2]].isfinite().all()


def test_only_training_on_a_cpu_of_whole_vectors_is_for_it():
    module = RMSNorm(32, EPSILON)
    assert norm.suits(torch.ones(2, 32), module.weight)
    assert not norm.suits(torch.ones(2, 32, dtype=torch.float64), module.weight)
    assert not norm.suits(torch.ones(2, 20), torch.ones(20))
    assert not norm.suits(torch.ones(0, 32), module.weight)
    with torch.no_grad():
        assert not norm.suits(torch.ones(2, 32), module.weight)
