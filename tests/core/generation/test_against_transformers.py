"""What each limit and each penalty leaves is what the processor of Transformers leaves; beams find what theirs find."""

import dataclasses

import pytest
import torch
from architectures import CONFIGS, randomise
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from transformers import generation as theirs

from newleaf.core.generation import penalties, sampling
from newleaf.core.generation.generate import Writer
from newleaf.core.generation.options import GenerationOptions

# Distinct logits: which of two equals is kept is nobody's promise.
rows = st.lists(st.integers(-2000, 2000), min_size=2, max_size=60, unique=True).map(
    lambda row: torch.tensor([row], dtype=torch.float32) / 100
)
shares = st.floats(0.01, 0.99)
histories = st.lists(st.integers(0, 5), min_size=1, max_size=30)


def same(ours, expected):
    return torch.isfinite(ours).equal(torch.isfinite(expected))


def clear_of(sums, limit):
    """No sum of probabilities falls on the limit itself, where rounding decides."""
    return bool(((sums - limit).abs() > 1e-5).all())


@given(logits=rows, k=st.integers(1, 70))
def test_top_k(logits, k):
    assert same(sampling.keep_top_k(logits, k), theirs.TopKLogitsWarper(k)(None, logits))


@given(logits=rows, p=shares)
def test_top_p(logits, p):
    assume(clear_of(logits.softmax(-1).sort(descending=True).values.cumsum(-1), p))
    assert same(sampling.keep_top_p(logits, p), theirs.TopPLogitsWarper(p)(None, logits))


@given(seed=st.integers(0, 1000), p=shares, spread=st.floats(0.1, 8))
@settings(max_examples=30)
def test_top_p_of_a_large_vocabulary(seed, p, spread):
    logits = spread * torch.randn(2, 5000, generator=torch.Generator().manual_seed(seed))
    assume(clear_of(logits.softmax(-1).sort(descending=True).values.cumsum(-1), p))
    assert same(sampling.keep_top_p(logits, p), theirs.TopPLogitsWarper(p)(None, logits))


@given(logits=rows, p=shares)
def test_min_p(logits, p):
    probabilities = logits.softmax(-1)
    assume(clear_of(probabilities, p * probabilities.max()))
    assert same(sampling.keep_min_p(logits, p), theirs.MinPLogitsWarper(p)(None, logits))


@given(logits=rows, p=shares)
def test_typical_p(logits, p):
    logprobs = logits.log_softmax(-1)
    distance = (-logprobs - theirs_entropy(logprobs)).abs()
    order = distance.argsort(-1)
    assume(clear_of(logprobs.exp().gather(-1, order).cumsum(-1), p))
    assume(bool((distance.gather(-1, order).diff() > 1e-5).all()))
    assert same(sampling.keep_typical_p(logits, p), theirs.TypicalLogitsWarper(p)(None, logits))


def theirs_entropy(logprobs):
    return -(logprobs * logprobs.exp()).nansum(-1, keepdim=True)


def test_typical_p_with_tokens_that_are_ruled_out():
    logits = torch.tensor([[1.0, 2.0, -torch.inf, 0.5, -torch.inf]])
    assert same(sampling.keep_typical_p(logits, 0.5), theirs.TypicalLogitsWarper(0.5)(None, logits))


@given(logits=rows, temperature=st.floats(0.01, 10))
def test_temperature(logits, temperature):
    assert sampling.apply_temperature(logits, temperature).equal(
        theirs.TemperatureLogitsWarper(temperature)(None, logits)
    )


@given(history=histories, penalty=st.floats(0.1, 10), seed=st.integers(0, 100))
def test_repetition_penalty(history, penalty, seed):
    logits = torch.randn(1, 6, generator=torch.Generator().manual_seed(seed))
    seen = torch.zeros(1, 6, dtype=torch.bool)
    seen[0, history] = True
    expected = theirs.RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([history]), logits.clone())
    assert penalties.penalise_repetition(logits, seen, penalty).allclose(expected)


@given(both=st.tuples(histories, histories), size=st.integers(1, 6))
def test_no_repeated_ngrams(both, size):
    length = min(map(len, both))
    written = [history[:length] for history in both]
    expected = theirs.NoRepeatNGramLogitsProcessor(size)(torch.tensor(written), torch.zeros(2, 6))
    assert penalties.forbid_repeated(torch.zeros(2, 6), written, size).equal(expected)


@given(
    history=histories,
    biases=st.dictionaries(
        st.lists(st.integers(0, 5), min_size=1, max_size=3).map(tuple), st.floats(-9, 9), min_size=1, max_size=4
    ),
)
def test_biases_of_sequences(history, biases):
    processor = theirs.SequenceBiasLogitsProcessor([[list(tokens), bias] for tokens, bias in biases.items()])
    expected = processor(torch.tensor([history]), torch.zeros(1, 6))
    assert penalties.add_bias(torch.zeros(1, 6), [history], biases).allclose(expected)


# Whole texts.


class Numbers:
    """A tokenizer for tests: token 1 begins, tokens 2 and 3 end a text, all else is a byte."""

    begin, end, vocab_size = 1, frozenset({2, 3}), 200
    token_bytes = (b"", b"", b"", b"", *(bytes([i]) for i in range(4, 200)))

    def encode(self, text):
        return [token for token in text.encode("latin-1") if token > 3]

    def piece(self, token):
        return str(token)


@pytest.fixture(scope="module", params=["qwen3", "gpt2"])
def models(request, tmp_path_factory):
    """Their model and our writer, of the same weights."""
    from transformers import AutoConfig, AutoModelForCausalLM

    from newleaf.core.model.store import load_model

    path = tmp_path_factory.mktemp("pair") / request.param
    shape = CONFIGS[request.param]
    values = {key: value for key, value in shape.to_hugging_face().items() if "dtype" not in key}
    network = randomise(AutoModelForCausalLM.from_config(AutoConfig.for_model(values.pop("model_type"), **values)))
    with torch.no_grad():  # peaked enough that texts end now and then, flat enough that beams differ
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.mul_(0.5)
    network.save_pretrained(path)
    return network, Writer(load_model(path), Numbers())


PROMPT = "grow a model"
CASES = {
    "greedy": ({}, {}),
    "repetition": ({"repetition_penalty": 1.5}, {"repetition_penalty": 1.5}),
    "no repeats": ({"no_repeat_ngram_size": 2}, {"no_repeat_ngram_size": 2}),
    "not too soon": ({"min_tokens": 25}, {"min_new_tokens": 25}),
    "beams": ({"beams": 4}, {"num_beams": 4}),
    "many beams": ({"beams": 9, "n": 5}, {"num_beams": 9, "num_return_sequences": 5}),
    "beams for long texts": ({"beams": 4, "length_penalty": 2.0}, {"num_beams": 4, "length_penalty": 2.0}),
    "beams for short texts": ({"beams": 4, "length_penalty": -1.0}, {"num_beams": 4, "length_penalty": -1.0}),
    "beams and no repeats": (
        {"beams": 3, "no_repeat_ngram_size": 2, "min_tokens": 5},
        {"num_beams": 3, "no_repeat_ngram_size": 2, "min_new_tokens": 5},
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("length", [1, 6, 40])
def test_whole_texts(models, case, length):
    network, writer = models
    ours, expected = map(dict, CASES[case])
    for values, name in ((ours, "min_tokens"), (expected, "min_new_tokens")):
        if name in values:
            values[name] = min(values[name], length)
    options = GenerationOptions(temperature=0.0, max_tokens=length, **ours)
    prompt = torch.tensor([writer.encode(PROMPT)])
    found = network.generate(
        prompt,
        max_new_tokens=length,
        do_sample=False,
        eos_token_id=[2, 3],
        pad_token_id=0,
        suppress_tokens=[0, 1],
        **expected,
    )[:, prompt.shape[1] :]
    wanted = [[token for token in row if token not in (0, 2, 3)] for row in found.tolist()]
    completions, _seed = writer.generate(PROMPT, options)
    assert [completion.tokens for completion in completions] == wanted


def test_log_probabilities_are_the_models_own(models):
    network, writer = models
    options = GenerationOptions(
        temperature=2.0, top_k=3, max_tokens=10, logprobs=4, seed=3, n=2, repetition_penalty=1.3
    )
    completions, _seed = writer.generate(PROMPT, options)
    for completion in completions:
        tokens = torch.tensor([[*writer.encode(PROMPT), *completion.tokens]])
        with torch.no_grad():
            logprobs = network(tokens).logits[0].log_softmax(-1)[-len(completion.tokens) - 1 : -1]
        assert [score.token for score in completion.scores] == completion.tokens
        for score, row in zip(completion.scores, logprobs, strict=True):
            assert score.logprob == pytest.approx(row[score.token].item(), abs=1e-3)
            assert [token for token, _value in score.top] == row.topk(4).indices.tolist()
            assert [value for _token, value in score.top] == pytest.approx(row.topk(4).values.tolist(), abs=1e-3)


def test_beams_have_log_probabilities_too(models):
    _network, writer = models
    options = GenerationOptions(beams=3, n=3, max_tokens=8, logprobs=0)
    completions, _seed = writer.generate(PROMPT, options)
    sums = [sum(score.logprob for score in each.scores) / max(len(each.scores), 1) for each in completions]
    assert all(len(each.scores) == len(each.tokens) for each in completions)
    assert sums == sorted(sums, reverse=True)
    greedy, _seed = writer.generate(PROMPT, dataclasses.replace(options, beams=1, n=1, temperature=0.0))
    assert sum(score.logprob for score in greedy[0].scores) / len(greedy[0].scores) <= sums[0] + 1e-4
