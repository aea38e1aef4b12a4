"""The middle of a gated MLP in C to train on a CPU, and its gradients, are those of PyTorch's silu and product."""

import pytest
import torch
from architectures import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from newleaf.core.model import gated
from newleaf.core.model.native import MULTIPLE, training_lanes

pytestmark = pytest.mark.skipif(not training_lanes(), reason="newleaf was built without it, or for another processor")


def pytorchs(joint):
    gate, up = joint.chunk(2, -1)
    return F.silu(gate) * up


def found(way, joint, slopes, dtype):
    """What comes out, and the gradients of what goes in."""
    joint = joint.to(dtype).detach().clone().requires_grad_()
    out = way(joint)
    out.backward(slopes.to(dtype))
    return out.detach(), joint.grad


@pytest.mark.usefixtures("lanes")
@settings(max_examples=40, deadline=None)
@given(
    shape=st.lists(st.integers(1, 70), min_size=1, max_size=2),
    inner=st.integers(1, 12).map(lambda n: n * MULTIPLE),
    scale=st.sampled_from([0.0, 1e-3, 1.0, 30.0]),
)
def test_it_is_pytorchs_silu_and_product(shape, inner, scale):
    joint, slopes = drawn(*shape, 2 * inner) * scale, drawn(*shape, inner, seed=1)
    exact = found(pytorchs, joint, slopes, torch.float64)
    for right, mine in zip(exact, found(gated.silu_gated, joint, slopes, torch.float32), strict=True):
        assert (right - mine).abs().max() <= 2e-6 * right.abs().max() + 1e-12


@pytest.mark.usefixtures("lanes")
def test_gates_far_from_zero_are_shut_or_open():
    gate = torch.tensor([-1e30, -200.0, -90.0, 90.0, 200.0, 1e30]).repeat(8)
    joint = torch.cat([gate, torch.ones(48)])[None].requires_grad_()
    out = gated.silu_gated(joint)
    torch.testing.assert_close(out, pytorchs(joint))
    out.sum().backward()
    gradients = joint.grad[0, :6].tolist()
    assert gradients == pytest.approx([0, 0, 0, 1, 1, 1])


@pytest.mark.usefixtures("lanes")
def test_bfloat16_is_found_in_float32_and_comes_out_as_it_went_in():
    joint, slopes = drawn(33, 64), drawn(33, 32, seed=1)
    mine = found(gated.silu_gated, joint, slopes, torch.bfloat16)
    exact = found(pytorchs, joint.bfloat16(), slopes.bfloat16(), torch.float32)
    for one, other in zip(mine, exact, strict=True):
        assert one.dtype == torch.bfloat16
        torch.testing.assert_close(one.float(), other, rtol=2**-8, atol=1e-6)


@pytest.mark.usefixtures("lanes")
def test_what_is_no_number_is_not_hidden():
    joint = drawn(3, 32).float()
    joint[1, 2] = float("nan")
    out = gated.silu_gated(joint)
    assert out[1, 2].isnan() and out[[0, 2]].isfinite().all()


def test_only_training_on_a_cpu_of_whole_vectors_is_for_it():
    x = torch.ones(2, 32)
    assert gated.suits(x, 48) and gated.suits(x.bfloat16(), 48)
    assert not gated.suits(x, 40)
    assert not gated.suits(x.double(), 48)
    with torch.no_grad():
        assert not gated.suits(x, 48)
    with torch.autocast("cpu", torch.float16):
        assert not gated.suits(x, 48)
