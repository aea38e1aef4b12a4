"""What is mixed in C to train on a CPU, and its gradients, are those of PyTorch's attention."""

from functools import partial

import pytest
import torch
from architectures import what_it_learns
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from newleaf.core.model.attention import available, causal_attention, suits
from newleaf.core.model.config import GPTConfig
from newleaf.core.model.native import MULTIPLE, training_lanes

pytestmark = pytest.mark.skipif(not training_lanes(), reason="newleaf was built without it, or for another processor")


def drawn(*shape, dtype=torch.float32, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def pytorchs(queries, keys, values):
    mixed = F.scaled_dot_product_attention(queries, keys, values, is_causal=True, enable_gqa=True)
    return mixed.transpose(1, 2).flatten(2)


def found(attend, inputs, slopes, dtype):
    """What comes out, and the gradients of what goes in."""
    inputs = [each.to(dtype).detach().clone().requires_grad_() for each in inputs]
    mixed = attend(*inputs)
    mixed.backward(slopes.to(dtype))
    return [mixed.detach(), *(each.grad for each in inputs)]


@pytest.mark.usefixtures("lanes")
@settings(max_examples=40, deadline=None)
@given(
    texts=st.integers(1, 3),
    kv_heads=st.integers(1, 3),
    group=st.integers(1, 3),
    length=st.one_of(st.integers(1, 200), st.sampled_from([31, 32, 33, 63, 64, 65, 127, 128, 129])),
    size=st.integers(1, 8).map(lambda n: n * MULTIPLE),
    scale=st.sampled_from([0.1, 1.0, 10.0]),
)
def test_it_is_pytorchs_attention(texts, kv_heads, group, length, size, scale):
    shapes = [(texts, heads, length, size) for heads in (kv_heads * group, kv_heads, kv_heads)]
    queries, keys, values = (drawn(*shape, dtype=torch.float64, seed=seed) for seed, shape in enumerate(shapes))
    inputs = queries * scale, keys, values
    slopes = drawn(texts, length, kv_heads * group * size, dtype=torch.float64, seed=3)
    exact = found(pytorchs, inputs, slopes, torch.float64)
    pairs = zip(exact, found(causal_attention, inputs, slopes, torch.float32), strict=True)
    for right, mine in pairs:
        torch.testing.assert_close(mine.double(), right, rtol=1e-4, atol=2e-5 * max(1.0, scale) * group)


@pytest.mark.usefixtures("lanes")
@pytest.mark.parametrize("memory", [(0, 1, 2, 3), (0, 2, 1, 3), (1, 0, 3, 2)])
def test_tensors_may_lie_in_memory_as_they_like(memory):
    inputs = [drawn(2, 3, 40, 32, seed=seed) for seed in range(3)]
    back = [memory.index(axis) for axis in range(4)]
    moved = [each.permute(memory).contiguous().permute(back) for each in inputs]
    assert torch.equal(causal_attention(*moved), causal_attention(*inputs))


@pytest.mark.usefixtures("lanes")
def test_the_bits_are_the_same_for_any_number_of_threads():
    inputs, slopes = [drawn(3, 2, 100, 32, seed=seed) for seed in range(3)], drawn(3, 100, 64, seed=3)
    before = torch.get_num_threads()
    try:
        all_found = []
        for threads in (1, 2, 3, 7):
            torch.set_num_threads(threads)
            all_found.append(found(causal_attention, inputs, slopes, torch.float32))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for each in all_found for one, other in zip(each, all_found[0], strict=True))


@pytest.mark.usefixtures("lanes")
@pytest.mark.parametrize("which", ["queries", "keys", "values"])
def test_what_is_no_number_is_not_hidden(which):
    """A training has to see it. Where it cannot be seen it does no harm, but beside it: rows are mixed by 32."""
    inputs = {name: drawn(1, 2, 70, 16, seed=seed) for seed, name in enumerate(("queries", "keys", "values"))}
    inputs[which][0, 0, 50, 3] = float("nan")
    mixed = causal_attention(**inputs)[0]
    assert mixed[:32].isfinite().all() and mixed[:, 16:].isfinite().all()
    assert not mixed[50, :16].isfinite().any() or (which == "values" and not mixed[50, 3].isfinite())


def shape_of(**more):
    told = {"vocab_size": 50, "context": 64, "hidden_size": 64, "num_layers": 2, "num_heads": 2, "num_kv_heads": 2}
    return GPTConfig(**{**told, "head_dim": 32, "intermediate_size": 96, **more})


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_network_learns_the_same_with_it_and_without(compiled):
    def prepare(layer, ours):
        assert layer.self_attn.native
        layer.self_attn.native, layer.self_attn.threads = ours, 1

    tokens = torch.arange(80).view(2, 40) % 50
    pair = [what_it_learns(shape_of(), tokens, partial(prepare, ours=ours), compiled) for ours in (True, False)]
    for one, other in zip(*pair, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_it_is_left_alone_where_it_was_not_made_for():
    x = drawn(1, 2, 8, 16)
    assert available(48) and not available(40)
    assert suits(x, x, 2) and suits(x, x.bfloat16(), 2) and not suits(x.double(), x.double(), 2)
    assert not suits(x, x.half(), 2)
    assert not suits(x, x, 3)  # threads, for two heads
    assert not suits(x[:, :, :1], x[:, :, :1], 2)
    with torch.no_grad():
        assert not suits(x, x, 2)


@pytest.mark.usefixtures("lanes")
def test_values_in_bfloat16_are_mixed_in_float32_and_come_out_as_they_went_in():
    inputs, slopes = [drawn(2, 2, 70, 32, seed=seed) for seed in range(3)], drawn(2, 70, 64, seed=3)
    mixed, *gradients = found(causal_attention, inputs, slopes, torch.bfloat16)
    rounded = [each.bfloat16().float() for each in inputs]
    exact, *right = found(causal_attention, rounded, slopes.bfloat16().float(), torch.float32)
    assert mixed.dtype == torch.bfloat16 and torch.equal(mixed, exact.bfloat16())
    for one, other in zip(gradients, right, strict=True):
        assert one.dtype == torch.bfloat16 and torch.equal(one, other.bfloat16())


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.long)])
def test_where_products_are_in_bfloat16_a_network_learns_nearly_the_same(compiled):
    def prepare(layer):
        layer.self_attn.threads = 1

    tokens = torch.arange(80).view(2, 40) % 50
    exact = what_it_learns(shape_of(), tokens, prepare, compiled=False)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = what_it_learns(shape_of(), tokens, prepare, compiled)
    for one, other in zip(rounded, exact, strict=True):
        assert one.dtype == torch.float32
        assert (one - other).norm() <= 0.03 * other.norm()
