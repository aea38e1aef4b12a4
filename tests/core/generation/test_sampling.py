"""How a token is chosen, function by function."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.generation import sampling
from newleaf.core.generation.options import GenerationOptions

rows = st.lists(st.floats(-30, 30), min_size=2, max_size=40, unique=True).map(lambda row: torch.tensor([row]))


def left(logits):
    return set(torch.isfinite(logits[0]).nonzero().flatten().tolist())


@given(logits=rows, k=st.integers(0, 50))
def test_top_k_keeps_the_k_likeliest(logits, k):
    size = logits.shape[1]
    expected = set(logits[0].topk(min(k or size, size)).indices.tolist())
    assert left(sampling.keep_top_k(logits, k)) >= expected
    assert len(left(sampling.keep_top_k(logits, k))) - len(expected) <= size - len(set(logits[0].tolist()))


@given(logits=rows, p=st.floats(0.01, 1))
def test_top_p_keeps_the_fewest_that_have_it_together(logits, p):
    kept = left(sampling.keep_top_p(logits, p))
    probabilities = logits[0].softmax(-1)
    total = float(probabilities[list(kept)].sum())
    assert kept and total >= min(p, 1) - 1e-4
    if len(kept) > 1:
        assert total - float(min(probabilities[i] for i in kept)) < p + 1e-4


@given(logits=rows, p=st.floats(0, 1))
def test_min_p_keeps_what_is_likely_enough(logits, p):
    probabilities = logits[0].softmax(-1)
    kept = left(sampling.keep_min_p(logits, p))
    assert int(probabilities.argmax()) in kept
    for i, probability in enumerate(probabilities.tolist()):
        if abs(probability - p * float(probabilities.max())) > 1e-6:
            assert (i in kept) == (probability > p * float(probabilities.max()))


def test_repetition_is_made_less_likely_whatever_the_sign():
    logits = torch.tensor([[2.0, -2.0, 1.0]])
    seen = torch.tensor([[True, True, False]])
    assert sampling.penalise_repetition(logits, seen, 2.0).tolist() == [[1.0, -4.0, 1.0]]
    assert sampling.penalise_repetition(logits, seen, 1.0) is logits


def test_forbidden_tokens_are_never_chosen():
    logits = sampling.forbid(torch.tensor([[9.0, 1.0, 8.0]]), [0, 2])
    generator = torch.Generator().manual_seed(0)
    assert sampling.choose(logits, GenerationOptions(temperature=5.0), [generator]).tolist() == [1]


def test_temperature_zero_takes_the_likeliest():
    logits = torch.tensor([[0.0, 1.0, 0.5], [3.0, 1.0, 0.5]])
    assert sampling.choose(logits, GenerationOptions(temperature=0.0), [None, None]).tolist() == [1, 0]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_probabilities(temperature):
    logits = torch.tensor([[1.0, 0.0, -1.0]])
    options = GenerationOptions(temperature=temperature, top_p=1.0)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.cat([sampling.choose(logits, options, [generator]) for _ in range(4000)])
    found = torch.bincount(drawn, minlength=3) / 4000
    assert (found - (logits[0] / temperature).softmax(-1)).abs().max() < 0.03
