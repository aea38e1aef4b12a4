"""A layer in one call of C is the layer that PyTorch computes."""

import copy

import pytest
import torch
from architectures import drawn, in_tiles, needs_tiles
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newleaf.core.model import layer_pass, native
from newleaf.core.model.config import GPTConfig
from newleaf.core.model.gpt import GPT, Layer, rotary_table
from newleaf.core.model.linear import FEWEST
from newleaf.core.model.native import training_lanes

pytestmark = pytest.mark.skipif(not training_lanes(), reason="newleaf was built without it, or for another processor")

shapes = st.builds(
    dict,
    hidden_size=st.integers(1, 5).map(lambda n: 32 * n),
    num_heads=st.sampled_from([2, 4]),
    num_kv_heads=st.sampled_from([1, 2]),
    head_dim=st.sampled_from([32, 64]),
    intermediate_size=st.integers(1, 6).map(lambda n: 32 * n),
    architecture=st.sampled_from(["qwen3", "llama"]),
)
NARROW = {"hidden_size": 32, "num_heads": 2, "num_kv_heads": 2, "head_dim": 32, "intermediate_size": 32}
FROZEN = ["q_proj", "v_proj", "o_proj", "gate_proj", "down_proj", "norm"]


def new_layer(**more):
    """A layer none of whose weights is zero or one."""
    layer = Layer(GPTConfig(vocab_size=50, context=1024, num_layers=1, **{**NARROW, **more}), 0)
    layer.self_attn.threads = 1  # few heads will do
    with torch.no_grad():
        for seed, weight in enumerate(layer.parameters()):
            weight.copy_(drawn(*weight.shape, seed=seed) / weight.shape[-1] ** 0.5 + (weight.ndim < 2))
    return layer


def found(layer, x, kept, slopes, dtype=torch.float32):
    """What comes out, and the gradients of what goes in and of the weights."""
    x = x.detach().clone().requires_grad_()
    layer.zero_grad()
    rotary = tuple(each.to(x.dtype) for each in rotary_table(layer.self_attn.config, torch.arange(x.shape[1])))
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        out = layer(x, rotary, None, None, None if kept is None else kept.to(x.dtype))
    out.backward(slopes.to(x.dtype))
    return {"out": out.detach(), "x": x.grad, **{name: weight.grad for name, weight in layer.named_parameters()}}


def example_of(layer, texts, length, drops):
    """Tokens, what is kept of them, and gradients of what comes out."""
    width = layer.self_attn.config.hidden_size
    kept = (drawn(texts, 3, 2, width, seed=7) > -1).double() * 1.2 if drops else None
    return drawn(texts, length, width), None if kept is None else kept[:, 1], drawn(texts, length, width, seed=9)


def pytorchs(layer, x, kept, slopes):
    """The same by PyTorch, in float64."""
    exact = copy.deepcopy(layer).double()
    return found(exact, x, kept, slopes)


def in_one_call(layer, x, kept, slopes, dtype=torch.float32):
    """The same by layer.h, which has to be asked for it."""
    calls = []
    with pytest.MonkeyPatch.context() as patch:
        way = layer_pass.whole_layer
        patch.setattr(layer_pass, "whole_layer", lambda *told: calls.append(1) or way(*told))
        result = found(layer, x.float(), None if kept is None else kept.float(), slopes, dtype)
    assert calls
    return result


@pytest.mark.usefixtures("lanes")
@pytest.mark.parametrize("own", [False, True])
@settings(max_examples=25, deadline=None)
@given(
    shape=shapes,
    texts=st.integers(1, 3),
    length=st.integers(2, 90),
    drops=st.booleans(),
    frozen=st.sets(st.sampled_from(FROZEN)),
)
@example(shape=NARROW, texts=1, length=2, drops=False, frozen=set())
def test_a_layer_is_that_of_pytorch(own, shape, texts, length, drops, frozen):
    length = -(-FEWEST // texts) + length if own else length
    layer = new_layer(**shape)
    for name, weight in layer.named_parameters():
        weight.requires_grad_(not any(part in name for part in frozen))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layer_pass, "own_products", lambda: own)
        if not own and layer_pass.library_product() is None:
            return
        told = example_of(layer, texts, length, drops)
        mine, exact = in_one_call(layer, *told), pytorchs(layer, *told)
    for name, right in exact.items():
        if right is None:
            assert mine[name] is None, name
        else:
            assert (mine[name] - right).norm() <= 1e-5 * right.norm() + 1e-6, name


@in_tiles
@settings(max_examples=40, deadline=None)
@given(shape=shapes, texts=st.integers(1, 5), length=st.integers(2, 300), drops=st.booleans())
@example(shape=NARROW, texts=1, length=2, drops=False)
@example(shape=NARROW, texts=3, length=11, drops=True)
def test_in_bfloat16_it_is_nearly_that_of_pytorch(shape, texts, length, drops):
    layer = new_layer(**shape)
    told = example_of(layer, texts, length, drops)
    mine, exact = in_one_call(layer, *told, dtype=torch.bfloat16), pytorchs(layer, *told)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "training_lanes", lambda: 0)
        layer.self_attn.native = False
        rounded = found(layer, told[0].float(), told[1], told[2], torch.bfloat16)
    for name, right in exact.items():
        least = (rounded[name] - right).norm()
        assert (mine[name] - right).norm() <= 2 * least + 0.02 * right.norm(), name


@in_tiles
def test_in_bfloat16_bits_are_those_of_the_parts(monkeypatch):
    layer = new_layer(hidden_size=96, head_dim=64, intermediate_size=160)
    told = example_of(layer, 3, 77, False)
    whole = in_one_call(layer, *told, dtype=torch.bfloat16)
    monkeypatch.setattr(layer_pass, "suits", lambda *_told: False)
    parts = found(layer, told[0].float(), None, told[2], torch.bfloat16)
    for name, each in parts.items():
        assert (whole[name] - each).norm() <= 2e-3 * each.norm(), name


@pytest.mark.parametrize("dtype", [torch.float32, pytest.param(torch.bfloat16, marks=needs_tiles)])
def test_layers_whose_insides_are_computed_twice_learn_the_same(dtype):
    shape = GPTConfig(vocab_size=50, context=64, num_layers=2, **{**NARROW, "hidden_size": 64})
    gradients = []
    for recompute in (False, True):
        model = GPT(shape).train()
        model.initialise(torch.Generator().manual_seed(0))
        model.model.recompute = recompute
        for layer in model.model.layers:
            layer.self_attn.threads = 1
        tokens = torch.arange(120).view(2, 60) % 50
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            model.loss(tokens, tokens.roll(-1, 1)).backward()
        gradients.append([weight.grad for weight in model.parameters()])
    for once, twice in zip(*gradients, strict=True):
        assert torch.equal(once, twice)


@pytest.mark.usefixtures("lanes")
def test_what_layers_share_can_be_given_up_between_two_ways():
    if layer_pass.library_product() is None:
        pytest.skip("PyTorch's library does not tell its product")
    layer, told = new_layer(), example_of(new_layer(), 4, 64, False)
    first = in_one_call(layer, *told)
    layer_pass.forget()
    again = in_one_call(layer, *told)
    assert all(torch.equal(first[name], each) for name, each in again.items())


@in_tiles
def test_the_bits_are_the_same_for_any_number_of_threads():
    layer, threads = new_layer(hidden_size=96), torch.get_num_threads()
    told, results = example_of(layer, 2, 150, True), []
    try:
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            results.append(in_one_call(layer, *told, dtype=torch.bfloat16))
    finally:
        torch.set_num_threads(threads)
    for each in results[1:]:
        assert all(torch.equal(each[name], right) for name, right in results[0].items())


@in_tiles
def test_others_who_multiply_tiles_find_them_as_they_left_them():
    layer, x, y = new_layer(), drawn(300, 200).bfloat16(), drawn(200, 100, seed=1).bfloat16()
    alone = x @ y
    for _turn in range(3):
        in_one_call(layer, *example_of(layer, 2, 33, False), dtype=torch.bfloat16)
        assert torch.equal(x @ y, alone)


@pytest.mark.parametrize("dtype", [torch.float32, pytest.param(torch.bfloat16, marks=needs_tiles)])
def test_what_is_no_number_is_not_hidden(dtype):
    layer = new_layer()
    x, _kept, slopes = example_of(layer, 4, 70, False)
    x[0, 50, 3] = float("nan")
    out = in_one_call(layer, x, None, slopes, dtype)["out"][0]
    assert out[:32].isfinite().all()  # scores of 32 rows are made at once
    assert not out[50:].isfinite().any()


def test_layers_that_it_was_not_made_for_are_left_alone(monkeypatch):
    layer, x = new_layer(), torch.ones(2, 40, 32)
    weights = layer.weights()
    monkeypatch.setattr(layer_pass, "own_products", lambda: False)
    assert layer_pass.suits(x, weights) == (layer_pass.library_product() is not None)
    assert not layer_pass.suits(x, weights._replace(up=torch.ones(32, 64)[:, ::2]))
    monkeypatch.setattr(layer_pass, "own_products", lambda: True)
    assert not layer_pass.suits(x, weights)  # too few tokens for products of our own
    assert layer_pass.suits(x.repeat(8, 1, 1), weights)
    monkeypatch.setattr(layer_pass, "own_products", lambda: False)
    monkeypatch.setattr(layer_pass, "library_product", lambda: None)
    assert not layer_pass.suits(x, weights)
    with torch.autocast("cpu", torch.bfloat16):
        monkeypatch.setattr(layer_pass, "tiles", lambda: True)
        assert layer_pass.suits(x, weights)
        assert not layer_pass.suits(torch.ones(2, 40, 48), weights)
        assert not layer_pass.suits(x, weights._replace(gate=torch.ones(48, 32)))
        monkeypatch.setattr(layer_pass, "tiles", lambda: False)
        assert not layer_pass.suits(x, weights)
