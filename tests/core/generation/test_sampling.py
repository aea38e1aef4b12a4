"""How a token is chosen, function by function."""

import dataclasses

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from newleaf.core.generation import penalties, sampling
from newleaf.core.generation.options import GenerationOptions

# Distinct in float32, too: which of two equals is kept is nobody's promise.
rows = st.lists(st.integers(-3000, 3000), min_size=2, max_size=40, unique=True).map(
    lambda row: torch.tensor([row], dtype=torch.float32) / 100
)


def left(logits):
    """The tokens that are not ruled out."""
    return set(torch.isfinite(logits[0]).nonzero().flatten().tolist())


def likeliest(logits, number):
    return set(logits[0].topk(number).indices.tolist())


def draw(logits, options, seed=0):
    generators = [torch.Generator().manual_seed(seed + row) for row in range(len(logits))]
    return sampling.choose(logits, options, generators).tolist()


@given(logits=rows, k=st.integers(0, 50))
def test_top_k_keeps_the_k_likeliest_and_no_more(logits, k):
    kept = sampling.keep_top_k(logits, k)
    size = logits.shape[1]
    assert left(kept) == likeliest(logits, min(k, size) if k else size)
    assert torch.equal(kept[0, list(left(kept))], logits[0, list(left(kept))])


@given(logits=rows, p=st.floats(0.001, 1))
def test_top_p_keeps_the_fewest_that_have_it_together(logits, p):
    kept = left(sampling.keep_top_p(logits, p))
    assert kept == likeliest(logits, len(kept))
    probabilities = logits[0].double().softmax(-1)
    assert kept and float(probabilities[list(kept)].sum()) >= p - 1e-5
    if len(kept) > 1:
        fewer = likeliest(logits, len(kept) - 1)
        assert float(probabilities[list(fewer)].sum()) < p + 1e-5


def test_top_p_on_numbers_that_one_can_check():
    logits = torch.tensor([[0.2, 0.5, 0.3]]).log()
    assert left(sampling.keep_top_p(logits, 0.4)) == {1}
    assert left(sampling.keep_top_p(logits, 0.6)) == {1, 2}
    assert left(sampling.keep_top_p(logits, 0.9)) == {0, 1, 2}
    assert left(sampling.keep_top_p(logits, 0.001)) == {1}
    assert torch.equal(sampling.keep_top_p(logits, 1.0), logits)


@given(logits=rows, p=st.floats(0, 1))
def test_min_p_keeps_what_is_likely_enough(logits, p):
    probabilities = logits[0].softmax(-1)
    kept = left(sampling.keep_min_p(logits, p))
    assert int(probabilities.argmax()) in kept
    for i, probability in enumerate(probabilities.tolist()):
        if abs(probability - p * float(probabilities.max())) > 1e-6:
            assert (i in kept) == (probability > p * float(probabilities.max()))


def test_min_p_on_numbers_that_one_can_check():
    logits = torch.tensor([[0.6, 0.3, 0.1]]).log()
    assert left(sampling.keep_min_p(logits, 0.0)) == {0, 1, 2}
    assert left(sampling.keep_min_p(logits, 0.4)) == {0, 1}
    assert left(sampling.keep_min_p(logits, 0.6)) == {0}
    assert left(sampling.keep_min_p(logits, 1.0)) == {0}


def test_each_row_is_cut_by_itself():
    logits = torch.tensor([[3.0, 2.0, 1.0, 0.0], [0.0, 1.0, 2.0, 3.0]])
    for kept in (sampling.keep_top_k(logits, 1), sampling.keep_top_p(logits, 0.1), sampling.keep_min_p(logits, 0.9)):
        assert torch.isfinite(kept).tolist() == [[True, False, False, False], [False, False, False, True]]


def test_repetition_is_made_less_likely_whatever_the_sign():
    logits = torch.tensor([[2.0, -2.0, 1.0, -torch.inf]])
    seen = torch.tensor([[True, True, False, True]])
    assert penalties.penalise_repetition(logits, seen, 2.0).tolist() == [[1.0, -4.0, 1.0, -torch.inf]]
    assert penalties.penalise_repetition(logits, seen, 0.5).tolist() == [[4.0, -1.0, 1.0, -torch.inf]]
    assert penalties.penalise_repetition(logits, seen, 1.0).equal(logits)


@given(logits=rows, penalty=st.floats(1.01, 10))
def test_a_penalty_never_makes_anything_likelier(logits, penalty):
    seen = torch.zeros(1, logits.shape[1], dtype=torch.bool)
    seen[0, ::2] = True
    changed = penalties.penalise_repetition(logits, seen, penalty)
    assert (changed <= logits).all() and changed[~seen].equal(logits[~seen])


def test_forbidden_tokens_are_never_chosen():
    logits = sampling.forbid(torch.tensor([[9.0, 1.0, 8.0]]), [0, 2])
    assert left(logits) == {1}
    assert draw(logits, GenerationOptions(temperature=10.0, top_p=1.0)) == [1]
    assert draw(logits, GenerationOptions(temperature=0.0)) == [1]


def test_temperature_zero_takes_the_likeliest():
    logits = torch.tensor([[0.0, 1.0, 0.5], [3.0, 1.0, 0.5]])
    assert draw(logits, GenerationOptions(temperature=0.0)) == [1, 0]


@given(temperature=st.floats(0, 1e-3), seed=st.integers(0, 1000))
@example(temperature=1e-6, seed=0)
@example(temperature=1e-39, seed=0)
@example(temperature=5e-324, seed=0)
def test_a_temperature_near_zero_takes_the_likeliest_too(temperature, seed):
    logits = torch.tensor([[40.0, 50.0, -60.0]])
    assert draw(logits, GenerationOptions(temperature=temperature), seed) == [1]


def test_a_low_temperature_sharpens_and_a_high_one_flattens():
    logits = torch.tensor([[1.0, 0.0]])
    shares = [sampling.apply_temperature(logits, t).softmax(-1)[0, 0].item() for t in (0.1, 1.0, 10.0)]
    assert shares == sorted(shares, reverse=True) and shares[0] > 0.99 and shares[2] < 0.55


options = st.builds(
    GenerationOptions,
    temperature=st.floats(0, 10),
    top_k=st.integers(0, 50),
    top_p=st.floats(0.001, 1),
    min_p=st.floats(0, 1),
)


@given(logits=rows, options=options, seed=st.integers(0, 100), data=st.data())
def test_whatever_the_options_a_token_is_left_and_it_is_an_allowed_one(logits, options, seed, data):
    size = logits.shape[1]
    forbidden = data.draw(st.sets(st.integers(0, size - 1), max_size=size - 1))
    logits = sampling.forbid(logits.clone(), sorted(forbidden))
    (chosen,) = draw(logits, options, seed)
    assert chosen not in forbidden
    if options.top_k:
        assert chosen in likeliest(logits, min(options.top_k, size))


def test_all_limits_together_are_the_strictest_of_them():
    logits = torch.tensor([[5.0, 4.9, 4.8, 4.7, -5.0]])
    for change, allowed in (({"top_k": 2}, {0, 1}), ({"top_p": 0.5}, {0, 1}), ({"min_p": 0.8}, {0, 1, 2})):
        options = dataclasses.replace(GenerationOptions(temperature=1.0, top_p=1.0), **change)
        assert {draw(logits, options, seed)[0] for seed in range(100)} == allowed


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_probabilities(temperature):
    logits = torch.tensor([[1.0, 0.0, -1.0]])
    options = GenerationOptions(temperature=temperature, top_p=1.0)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.cat([sampling.choose(logits, options, [generator]) for _ in range(4000)])
    found = torch.bincount(drawn, minlength=3) / 4000
    assert (found - (logits[0] / temperature).softmax(-1)).abs().max() < 0.03


def test_each_row_draws_for_itself():
    logits = torch.zeros(3, 1000)
    options = GenerationOptions(temperature=1.0, top_p=1.0)
    together = [torch.Generator().manual_seed(seed) for seed in (1, 2, 3)]
    alone = [torch.Generator().manual_seed(seed) for seed in (1, 2, 3)]
    chosen = sampling.choose(logits, options, together).tolist()
    assert chosen == [sampling.choose(logits[:1], options, [generator]).item() for generator in alone]
    assert len(set(chosen)) == 3
