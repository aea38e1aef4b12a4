"""A network made ready to write gives the logits of the one that was trained."""

import copy
import shutil
import sys
from dataclasses import replace

import pytest
import torch
from architectures import CONFIGS, architectures, randomise, tokens
from hypothesis import given, settings
from hypothesis import strategies as st

from newleaf.core.model import inference
from newleaf.core.model.gpt import GPT
from newleaf.core.model.inference import prepare
from newleaf.core.model.native import library

TOLERANCE = 1e-4
LINEARS = [inference.PlainLinear, inference.PackedLinear, inference.Int8Linear, inference.WeightOnlyInt8Linear]


@pytest.fixture(params=["with decode.c", "without"])
def pair(request, monkeypatch):
    """A function that gives a network and the same one made ready, in both ways that a CPU has."""
    if request.param == "without":
        monkeypatch.setattr(inference, "library", lambda: None)

    def make(shape, quantization="none"):
        model = randomise(GPT(shape))
        ready = prepare(copy.deepcopy(model), quantization)
        assert (ready.step is None) == (request.param == "without")
        return model, ready

    return make


@architectures
@torch.inference_mode()
def test_the_logits_are_the_same(pair, shape):
    model, ready = pair(shape)
    assert (model(tokens()) - ready(tokens())).abs().max() < TOLERANCE


@architectures
@torch.inference_mode()
def test_with_the_cache_too(pair, shape):
    model, ready = pair(shape)
    cache = ready.new_cache(2)
    found = [ready(part, cache) for part in tokens().split([1, 20, 1, 1, 40, 1], dim=1)]
    assert (model(tokens()) - torch.cat(found, dim=1)).abs().max() < TOLERANCE


@torch.inference_mode()
def test_without_the_packed_layout_too(pair, monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    model, ready = pair(CONFIGS["llama with biases"])
    assert isinstance(ready.lm_head, inference.PlainLinear)
    assert (model(tokens()) - ready(tokens())).abs().max() < TOLERANCE


@architectures
@torch.inference_mode()
def test_a_byte_for_each_weight_changes_little(pair, shape):
    model, ready = pair(shape, "int8")
    exact, rounded = model(tokens()), ready(tokens())
    assert 0 < (exact - rounded).std() < 0.1 * exact.std()
    cache = ready.new_cache(2)
    one_by_one = torch.cat([ready(part, cache) for part in tokens().split(1, dim=1)], dim=1)
    assert 0 < (exact - one_by_one).std() < 0.1 * exact.std()


@pytest.mark.parametrize("kind", LINEARS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [1, 3, 8, 100])
@torch.inference_mode()
def test_a_linear_map_of_each_kind_is_that_map(kind, bias, rows):
    plain = torch.nn.Linear(48, 33, bias=bias)
    x = torch.randn(2, rows, 48)
    found = kind(plain.weight.detach(), plain.bias.detach() if bias else None)(x)
    assert found.shape == (2, rows, 33)
    tolerance = 0.02 * plain(x).std() if "Int8" in kind.__name__ else 1e-5
    assert (found - plain(x)).abs().mean() < tolerance


@torch.inference_mode()
def test_a_large_row_does_not_blur_the_small_ones():
    plain = torch.nn.Linear(48, 33, bias=False)
    x = torch.randn(2, 48) * torch.tensor([[1000.0], [1.0]])
    error = inference.Int8Linear(plain.weight.detach(), None)(x)[1] - plain(x)[1]
    assert error.abs().mean() < 0.02 * plain(x)[1].std()


def test_rows_of_zeros_can_be_rounded():
    quantized, scales = inference.quantize(torch.zeros(2, 4))
    assert quantized.count_nonzero() == 0 and scales.isfinite().all()


def test_the_old_weights_are_let_go(pair):
    _model, ready = pair(CONFIGS["qwen3"])
    kept = {name for name, parameter in ready.named_parameters() if parameter.ndim > 1}
    assert kept == {"model.embed_tokens.weight"}
    assert not any(parameter.requires_grad for parameter in ready.parameters())
    if ready.step is not None:  # a tied output needs no memory of its own
        assert ready.lm_head.weight.data_ptr() == ready.model.embed_tokens.weight.data_ptr()


# The step in C.


@pytest.mark.skipif(not sys.platform.startswith("linux") or not shutil.which("cc"), reason="there is no compiler here")
def test_the_step_was_built():
    assert library() is not None


shapes = st.builds(
    lambda groups, kv, half, hidden, inner, vocabulary, name: replace(
        CONFIGS[name],
        hidden_size=2 * half * groups * kv if name == "gpt2" else hidden,
        num_layers=2,
        num_heads=groups * kv,
        num_kv_heads=groups * kv if name == "gpt2" else kv,
        head_dim=2 * half,
        intermediate_size=inner,
        vocab_size=vocabulary,
    ),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 20),
    st.integers(1, 70),
    st.integers(1, 70),
    st.integers(2, 90),
    st.sampled_from(["qwen3", "qwen2 untied", "llama", "llama 3.1", "gpt2"]),
)


@given(shape=shapes, texts=st.integers(1, 5), length=st.integers(1, 3), padded=st.booleans(), data=st.data())
@settings(max_examples=60)
@torch.inference_mode()
def test_any_shape_goes_through_the_step_as_through_the_network(shape, texts, length, padded, data):
    if library() is None:
        pytest.skip("it was not built")
    model = randomise(GPT(shape))
    ready = prepare(copy.deepcopy(model))
    past = data.draw(st.integers(0, 12), label="past")
    rows = torch.randint(shape.vocab_size, (texts, past + length), generator=torch.Generator().manual_seed(1))
    caches = model.new_cache(texts, 20), ready.new_cache(texts, 20)
    if padded and past:
        for cache in caches:
            cache.padding = torch.arange(texts) % past
    found = []
    for network, cache in zip((model, ready), caches, strict=True):
        if past:
            network.step, step = None, network.step  # what is before comes from the same way for both
            network(rows[:, :past], cache)
            network.step = step
        found.append(network(rows[:, past:], cache))
    assert (found[0] - found[1]).abs().max() < 1e-4 * max(1.0, float(found[0].std()))
    for ours, theirs in zip(*(cache.keys + cache.values for cache in caches), strict=True):
        new = slice(past, past + length)
        assert (ours[:, :, new] - theirs[:, :, new]).abs().max() < 1e-4 * max(1.0, float(ours[:, :, new].std()))


@torch.inference_mode()
def test_more_tokens_than_the_step_takes_are_the_networks_work(pair):
    model, ready = pair(CONFIGS["qwen3"])
    cache = ready.new_cache(3)
    found = torch.cat([ready(part, cache) for part in tokens(3).split([4, 6, 5, 20, 29], dim=1)], dim=1)
    assert (model(tokens(3)) - found).abs().max() < TOLERANCE


@torch.inference_mode()
def test_the_last_token_alone_can_be_asked_for(pair):
    model, ready = pair(CONFIGS["gpt2"])
    for length in (3, 30):
        found = ready(tokens(2, length), ready.new_cache(2), last=True)
        assert found.shape == (2, 1, 200)
        assert (model(tokens(2, length))[:, -1:] - found).abs().max() < TOLERANCE
