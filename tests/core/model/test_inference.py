"""A network made ready to write gives the logits of the one that was trained."""

import copy

import pytest
import torch
from architectures import CONFIGS, architectures, randomise, tokens

from newleaf.core.model import inference
from newleaf.core.model.gpt import GPT
from newleaf.core.model.inference import prepare

TOLERANCE = 1e-4
LINEARS = [inference.PlainLinear, inference.PackedLinear, inference.Int8Linear, inference.WeightOnlyInt8Linear]


def pair(shape, quantization="none"):
    model = randomise(GPT(shape))
    return model, prepare(copy.deepcopy(model), quantization)


@architectures
@torch.inference_mode()
def test_the_logits_are_the_same(shape):
    model, ready = pair(shape)
    assert (model(tokens()) - ready(tokens())).abs().max() < TOLERANCE


@architectures
@torch.inference_mode()
def test_with_the_cache_too(shape):
    model, ready = pair(shape)
    cache = ready.new_cache(2)
    found = [ready(part, cache) for part in tokens().split([1, 20, 1, 1, 40, 1], dim=1)]
    assert (model(tokens()) - torch.cat(found, dim=1)).abs().max() < TOLERANCE


@torch.inference_mode()
def test_without_the_packed_layout_too(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    model, ready = pair(CONFIGS["llama with biases"])
    assert isinstance(ready.lm_head, inference.PlainLinear)
    assert (model(tokens()) - ready(tokens())).abs().max() < TOLERANCE


@architectures
@torch.inference_mode()
def test_a_byte_for_each_weight_changes_little(shape):
    model, ready = pair(shape, "int8")
    exact, rounded = model(tokens()), ready(tokens())
    assert 0 < (exact - rounded).std() < 0.1 * exact.std()


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


def test_the_old_weights_are_let_go():
    model = randomise(GPT(CONFIGS["qwen3"]))
    ready = prepare(model)
    assert {name for name, _ in ready.named_parameters()} == {"model.embed_tokens.weight"}
    assert not any(parameter.requires_grad for parameter in ready.parameters())
