"""The network: the cache changes nothing, the future is not seen, and a new model starts as no change."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from newleaf.core.model.config import GPTConfig
from newleaf.core.model.gpt import GPT, LeftOut, rotary_table, rotate

LENGTH = 40


def model(heads=6, kv_heads=2, tied=True):
    made = GPT(GPTConfig(200, 64, 48, 3, heads, kv_heads, 16, 96, tie_embeddings=tied)).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in made.parameters():  # all of them: what is zero would hide a mistake
            parameter.normal_(mean=1.0 if parameter.ndim < 2 else 0.0, std=0.2, generator=generator)
    return made


def tokens(rows=2, length=LENGTH):
    return torch.randint(200, (rows, length), generator=torch.Generator().manual_seed(1))


def test_positions_turn_what_is_compiled_alike(monkeypatch):
    config = model().config
    table = rotary_table(config, torch.arange(LENGTH))
    x = torch.randn(2, 6, LENGTH, config.head_dim, generator=torch.Generator().manual_seed(0))
    plain = rotate(x, *table)
    monkeypatch.setattr("torch.compiler.is_compiling", lambda: True)
    assert torch.equal(rotate(x, *table), plain)


def in_chunks(ours, chunks, cache):
    return torch.cat([ours(part, cache) for part in tokens().split(chunks, dim=1)], 1)


@pytest.mark.parametrize(("heads", "kv_heads"), [(6, 6), (6, 2), (6, 1)])
@pytest.mark.parametrize("chunks", [[LENGTH], [1] * LENGTH, [7, 1, 20, 12], [LENGTH - 1, 1]])
@torch.inference_mode()
def test_the_cache_changes_nothing(heads, kv_heads, chunks):
    ours = model(heads, kv_heads)
    cache = ours.new_cache(2)
    torch.testing.assert_close(in_chunks(ours, chunks, cache), ours(tokens()), atol=1e-5, rtol=1e-4)
    assert cache.length == LENGTH and cache.positions == 64


@given(cuts=st.sets(st.integers(1, LENGTH - 1)))
@settings(max_examples=25)
@torch.inference_mode()
def test_the_cache_changes_nothing_however_the_text_comes(cuts):
    ours = model()
    places = [0, *sorted(cuts), LENGTH]
    chunks = [end - start for start, end in itertools.pairwise(places)]
    cache = ours.new_cache(2, positions=LENGTH)  # no larger than it must be
    torch.testing.assert_close(in_chunks(ours, chunks, cache), ours(tokens()), atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_one_row_that_was_computed_serves_many():
    ours = model()
    cache = ours.new_cache()
    ours(tokens(1, 20), cache)
    cache.select(torch.zeros(3, dtype=torch.long))
    following = tokens(3, 5)
    whole = ours(torch.cat([tokens(1, 20).expand(3, -1), following], 1))
    torch.testing.assert_close(ours(following, cache), whole[:, 20:], atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_the_last_logits_alone_are_the_last_of_all():
    ours = model()
    torch.testing.assert_close(ours(tokens(), last=True), ours(tokens())[:, -1:])
    assert ours(tokens(), last=True).shape == (2, 1, 200)


@pytest.mark.parametrize("place", [1, 20, LENGTH - 1])
@torch.inference_mode()
def test_later_tokens_change_nothing_before_them(place):
    ours = model()
    changed = tokens()
    changed[:, place:] = (changed[:, place:] + 1) % 200
    torch.testing.assert_close(ours(changed)[:, :place], ours(tokens())[:, :place])
    assert not torch.allclose(ours(changed)[:, place:], ours(tokens())[:, place:])


@torch.inference_mode()
def test_earlier_tokens_and_their_order_matter():
    ours = model()
    swapped = tokens()
    swapped[:, [3, 4]] = swapped[:, [4, 3]]
    assert not torch.allclose(ours(swapped)[:, -1], ours(tokens())[:, -1], atol=1e-3)


@torch.inference_mode()
def test_rows_do_not_see_each_other():
    ours = model()
    torch.testing.assert_close(ours(tokens())[:1], ours(tokens()[:1]), atol=1e-5, rtol=1e-4)


def test_the_loss_is_the_cross_entropy_of_the_targets():
    ours = model()
    inputs, targets = tokens()[:, :-1], tokens()[:, 1:]
    logarithms = ours(inputs).log_softmax(-1)
    expected = -torch.stack([logarithms[row, t, targets[row, t]] for row in range(2) for t in range(LENGTH - 1)])
    torch.testing.assert_close(ours.loss(inputs, targets, reduction="none"), expected)
    torch.testing.assert_close(ours.loss(inputs, targets), expected.mean())


@pytest.mark.parametrize("tied", [True, False])
def test_a_new_model_starts_as_no_change_and_knows_nothing(tied):
    made = model(tied=tied)
    made.initialise(torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(made.model(tokens()), made.model.norm(made.model.embed_tokens(tokens())))
        targets = torch.randint(200, (2, LENGTH), generator=torch.Generator().manual_seed(2))
        assert abs(made.loss(tokens(), targets).item() - math.log(200)) < 0.1


def test_a_new_model_is_that_of_its_seed():
    first, same, other = (model() for _ in range(3))
    for made, seed in ((first, 1), (same, 1), (other, 2)):
        made.initialise(torch.Generator().manual_seed(seed))
    weights = [made.model.embed_tokens.weight for made in (first, same, other)]
    assert weights[0].equal(weights[1]) and not weights[0].equal(weights[2])


@pytest.mark.parametrize("tied", [True, False])
def test_every_parameter_learns(tied):
    made = model(tied=tied)
    made.loss(tokens()[:, :-1], tokens()[:, 1:]).backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in made.parameters())
    assert (made.lm_head.weight is made.model.embed_tokens.weight) == tied


def test_what_is_left_out_is_not_seen_and_adds_nothing():
    network, came = model().train(), []
    for layer in network.model.layers:
        layer.register_forward_pre_hook(lambda _layer, inputs: came.append(inputs[0].detach()))
    seen = torch.rand(40, LENGTH) >= 0.25
    layers, width = network.config.num_layers, network.config.hidden_size
    kept = torch.zeros(40, layers, 2, width)
    kept[:20] = 1.0
    network.loss(tokens(rows=40), tokens(rows=40), left_out=LeftOut(seen, kept))
    assert torch.equal(came[0].any(dim=-1), seen)
    assert torch.equal(came[-1][20:], came[0][20:]) and not torch.equal(came[-1][:20], came[0][:20])
