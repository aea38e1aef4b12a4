"""Linear maps in C to train on a CPU, and their gradients, are those of PyTorch's products."""

from functools import partial

import pytest
import torch
from architectures import CONTEXT, config, in_tiles, what_it_learns
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from newleaf.core.model import linear as module
from newleaf.core.model.linear import FEWEST, linear, multiply, outer
from newleaf.core.model.lora import LoRALinear
from newleaf.core.model.native import TILE, training_lanes

pytestmark = pytest.mark.skipif(not training_lanes(), reason="newleaf was built without it, or for another processor")
TURNED = st.booleans()  # whether columns, not rows, are side by side
SIZE = st.one_of(st.integers(1, 60), st.sampled_from([95, 96, 97, 191, 200, 383, 384, 385, 511, 512, 513, 1030]))


def matrix(rows, columns, turned=False, seed=0):
    """Of whole numbers, so small that sums of their products are exact in any order."""
    generator = torch.Generator().manual_seed(seed)
    if turned:
        return torch.randint(-8, 9, (columns, rows), generator=generator).float().mT
    return torch.randint(-8, 9, (rows, columns), generator=generator).float()


@pytest.mark.usefixtures("lanes")
@settings(max_examples=60, deadline=None)
@given(rows=SIZE, depth=SIZE, columns=SIZE, left_turned=TURNED, right_turned=TURNED, add=TURNED)
def test_a_product_is_exact(rows, depth, columns, left_turned, right_turned, add):
    left, right = matrix(rows, depth, left_turned), matrix(depth, columns, right_turned, 1)
    out = matrix(rows, columns, seed=2)
    expected = left @ right + (out if add else 0)
    multiply([(left, right, out)], add)
    assert torch.equal(out, expected)


@pytest.mark.usefixtures("lanes")
@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(SIZE, min_size=2, max_size=4), rows=SIZE, depth=SIZE, turned=st.tuples(TURNED, TURNED))
def test_products_that_share_a_side_or_add_up_are_done_in_one_call(sizes, rows, depth, turned):
    left, right = matrix(rows, depth, turned[0]), matrix(depth, rows, turned[1])
    rights = [matrix(depth, size, turned[1], seed) for seed, size in enumerate(sizes)]
    lefts = [matrix(size, depth, turned[0], seed) for seed, size in enumerate(sizes)]
    outs = [torch.empty(rows, size) for size in sizes]
    multiply([(left, each, out) for each, out in zip(rights, outs, strict=True)])
    assert all(torch.equal(out, left @ each) for each, out in zip(rights, outs, strict=True))
    outs = [torch.empty(size, rows) for size in sizes]
    multiply([(each, right, out) for each, out in zip(lefts, outs, strict=True)])
    assert all(torch.equal(out, each @ right) for each, out in zip(lefts, outs, strict=True))
    pairs = [(matrix(rows, size, turned[0]), matrix(size, depth, turned[1], 1)) for size in sizes]
    out = torch.empty(rows, depth)
    multiply([(*pair, out) for pair in pairs])
    assert torch.equal(out, sum(left @ right for left, right in pairs))


def test_a_part_of_a_matrix_is_read_and_written_alone():
    whole, left, right = torch.zeros(40, 70), matrix(60, 80), matrix(90, 100)
    multiply([(left[10:40, 5:65], right[20:80, 30:80], whole[5:35, 10:60])])
    assert torch.equal(whole[5:35, 10:60], left[10:40, 5:65] @ right[20:80, 30:80])
    whole[5:35, 10:60] = 0
    assert not whole.any()


@pytest.mark.usefixtures("lanes")
def test_the_bits_are_the_same_for_any_number_of_threads():
    x, weights = torch.randn(700, 130), [torch.randn(200, 130), torch.randn(90, 130)]
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            outs = torch.ops.newleaf.linear(x, weights)
            found.append([*outs, *torch.ops.newleaf.linear_backward(outs, x, weights, True, True)])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for each in found for one, other in zip(each, found[0], strict=True))


@pytest.mark.usefixtures("lanes")
def test_what_is_no_number_is_not_hidden():
    left, right, out = torch.ones(50, 40), torch.ones(40, 30), torch.empty(50, 30)
    left[7, 5] = right[9, 3] = float("nan")
    multiply([(left, right, out)])
    lost = out.isnan()
    assert lost[7].all() and lost[:, 3].all() and lost.sum() == 30 + 50 - 1


@pytest.mark.parametrize("frozen", ["", "x", "weights"])
def test_gradients_are_pytorchs_and_only_those_that_are_wanted(frozen):
    layers = [nn.Linear(20, size, bias=False) for size in (30, 40)]
    x = torch.randn(2, FEWEST, 20, requires_grad=frozen != "x")
    for layer in layers:
        layer.requires_grad_(frozen != "weights")
    asked = [each for each in (x, *(layer.weight for layer in layers)) if each.requires_grad]
    ours, theirs = linear(x, layers, True), [layer(x) for layer in layers]
    assert all(each.grad_fn.name() != other.grad_fn.name() for each, other in zip(ours, theirs, strict=True))
    torch.testing.assert_close(ours, theirs)
    slopes = [torch.randn_like(each) for each in ours]
    found, expected = (torch.autograd.grad(each, asked, slopes) for each in (ours, theirs))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("left_out", ["a bias", "few tokens", "no gradients", "another type", "autocast", "an adapter"])
def test_what_it_was_not_made_for_is_left_to_pytorch(left_out, monkeypatch):
    monkeypatch.setattr(module, "multiply", lambda *_: pytest.fail("it was done here"))
    layer = nn.Linear(20, 30, bias=left_out == "a bias")
    x = torch.randn(FEWEST - 1 if left_out == "few tokens" else FEWEST, 20)
    if left_out == "another type":
        layer, x = layer.double(), x.double()
    if left_out == "an adapter":
        layer = LoRALinear(layer, 2, 4, torch.Generator().manual_seed(0))
    with (
        torch.set_grad_enabled(left_out != "no gradients"),
        torch.autocast("cpu", torch.bfloat16, enabled=left_out == "autocast"),
    ):
        assert torch.equal(linear(x, [layer], True)[0], layer(x))


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_network_learns_the_same_with_it_and_without(compiled):
    def prepare(layer, ours):
        layer.self_attn.own_products = layer.mlp.own_products = ours

    tokens = torch.arange(320).view(5, CONTEXT) % 50
    pair = [what_it_learns(config(), tokens, partial(prepare, ours=ours), compiled) for ours in (True, False)]
    for one, other in zip(*pair, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_one_matrix_by_whichever_way_is_faster_is_the_same(monkeypatch):
    left, right = matrix(30, 40), matrix(40, 50)
    for pays in (True, False):
        monkeypatch.setattr(module, "available", lambda pays=pays: pays)
        out = torch.empty(30, 50)
        module.product(left, right, out)
        assert torch.equal(out, F.linear(left, right.mT))
        module.product(left, right, out, add=True)
        assert torch.equal(out, 2 * left @ right)
    module.product(torch.empty(30, 0), torch.empty(0, 50), out)
    assert not out.any()


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("outputs", [(30,), (30, 50, 20)])
def test_maps_side_by_side_and_their_gradients_are_those_of_each(ours, dtype, outputs):
    x = torch.randn(4, FEWEST, 48, requires_grad=True)
    layers = [nn.Linear(48, out, bias=False) for out in outputs]
    asked = [x, *(layer.weight for layer in layers)]
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        assert module.joins(x, layers)
        pair = module.joint(x, layers, ours), torch.cat([layer(x) for layer in layers], -1)
    slopes = torch.randn_like(pair[0])
    close = {"rtol": 1e-4, "atol": 1e-3} if dtype == torch.float32 else {"rtol": 0.02, "atol": 1.0}
    assert pair[0].dtype == pair[1].dtype == dtype
    torch.testing.assert_close(*pair, rtol=close["rtol"], atol=1e-2)
    for one, other in zip(*(torch.autograd.grad(each, asked, slopes) for each in pair), strict=True):
        torch.testing.assert_close(one, other, **close)


def test_of_maps_side_by_side_only_those_that_learn_get_gradients():
    x = torch.randn(3, FEWEST, 32)
    layers = [nn.Linear(32, 16, bias=False), nn.Linear(32, 48, bias=False).requires_grad_(False)]
    module.joint(x, layers, False).sum().backward()
    assert layers[0].weight.grad is not None and layers[1].weight.grad is None


@pytest.mark.parametrize("left_out", ["a bias", "no gradients", "another type", "an adapter"])
def test_maps_that_are_not_joined(left_out):
    layer, x = nn.Linear(32, 30, bias=left_out == "a bias"), torch.randn(5, 32)
    if left_out == "another type":
        layer, x = layer.double(), x.double()
    if left_out == "an adapter":
        layer = LoRALinear(layer, 2, 4, torch.Generator().manual_seed(0))
    with torch.set_grad_enabled(left_out != "no gradients"):
        assert not module.joins(x, [layer])


# Gradients of weights in tiles of bfloat16.

WHOLE = st.integers(1, 12).map(lambda n: n * TILE)


@in_tiles
@settings(max_examples=60, deadline=None)
@given(rows=st.one_of(SIZE, st.integers(1000, 1100)), outputs=WHOLE, inputs=WHOLE, add=TURNED, wider=st.integers(0, 40))
def test_rows_by_rows_are_summed_up_exactly(rows, outputs, inputs, add, wider):
    left = matrix(rows, outputs + wider).bfloat16()[:, wider:]
    right, out = matrix(rows, inputs, seed=1).bfloat16(), matrix(outputs, inputs, seed=2)
    expected = left.float().mT @ right.float() + (out if add else 0)
    found = outer(left, right, out if add else None)
    assert found.dtype == torch.float32 and torch.equal(found, expected)
    assert not add or found is out


@in_tiles
def test_rows_by_rows_give_the_same_bits_for_any_number_of_threads():
    left, right = (
        torch.randn(600, size, generator=torch.Generator().manual_seed(size)).bfloat16() for size in (96, 64)
    )
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            found.append(outer(left, right))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(each, found[0]) for each in found)


@in_tiles
def test_what_is_no_number_is_not_hidden_among_rows():
    left, right = matrix(50, 64).bfloat16(), matrix(50, 32, seed=1).bfloat16()
    left[33, 40] = float("nan")
    found = outer(left, right)
    assert found[40].isnan().all() and found[:40].isfinite().all() and found[41:].isfinite().all()


@pytest.mark.parametrize("kind", ["float32", "bfloat16", "ragged", "turned"])
@pytest.mark.parametrize("add", [True, False])
def test_other_rows_are_multiplied_by_pytorch(kind, add):
    left, right = matrix(40, 50 if kind == "ragged" else 64, kind == "turned"), matrix(40, 32, seed=1)
    if kind != "float32":
        left, right = left.bfloat16(), right.bfloat16()
    out = matrix(left.shape[1], 32, seed=2)
    expected = left.float().mT @ right.float() + (out if add else 0)
    torch.testing.assert_close(outer(left, right, out if add else None), expected, rtol=0.01, atol=1)
