"""Reading less gives the same: a common beginning is not read again, guesses count only where they are right."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from newleaf.core.generation import reading
from newleaf.core.generation.generate import Writer
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.generation.reading import Guesses, Reader
from newleaf.core.progress import Cancelled

GREEDY = GenerationOptions(temperature=0.0, max_tokens=40)
SAMPLED = GenerationOptions(seed=7, max_tokens=40, temperature=1.0)


@pytest.fixture
def writer(prepared, monkeypatch):
    """The model tiny, which remembers nothing yet."""
    monkeypatch.setenv("NEWLEAF_HOME", str(prepared))
    return Writer.open("tiny")


def logits_of(writer, tokens):
    with torch.inference_mode():
        return writer.model(torch.tensor([tokens]))[0, -1]


def counted(writer, monkeypatch):
    """How many tokens the network reads, in a list that grows."""
    read, forward = [], writer.model.forward

    def count(tokens, *values, **more):
        read.append(tokens.shape[1])
        return forward(tokens, *values, **more)

    monkeypatch.setattr(writer.model, "forward", count)
    return read


# A common beginning.


def test_what_two_prompts_have_in_common_is_read_once(writer, monkeypatch):
    begin = "The statement of the language and its"
    writer.generate(begin, dataclasses.replace(GREEDY, max_tokens=1))
    read = counted(writer, monkeypatch)
    fresh = Writer(writer.model, writer.tokenizer)
    again, _seed = writer.generate(begin + " values", GREEDY)
    assert read[0] < len(writer.encode(begin + " values")) - 8
    expected, _seed = fresh.generate(begin + " values", GREEDY)
    assert again[0].tokens == expected[0].tokens


def test_a_chat_goes_on_from_what_was_written(writer, monkeypatch):
    (first,), _seed = writer.generate("The list", GREEDY)
    tokens = [*writer.encode("The list"), *first.tokens]
    text = writer.tokenizer.decode(tokens) + " and"
    if writer.encode(text)[: len(tokens) - 1] != tokens[:-1]:
        text = "The list" + " and"
    read = counted(writer, monkeypatch)
    writer.generate(text, dataclasses.replace(GREEDY, max_tokens=1))
    fresh = Writer(writer.model, writer.tokenizer)
    assert writer.generate(text, SAMPLED)[0][0].tokens == fresh.generate(text, SAMPLED)[0][0].tokens
    assert sum(read) > 0


@given(lengths=st.lists(st.integers(1, 60), min_size=2, max_size=6), seed=st.integers(0, 100))
@settings(max_examples=20)
def test_whatever_was_read_before_the_logits_are_the_same(prepared, lengths, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(prepared))
        writer = Writer.open("tiny")
    generator = torch.Generator().manual_seed(seed)
    whole = torch.randint(4, 400, (64,), generator=generator).tolist()
    before = None
    for length in lengths:
        row = whole[: length // 2] + torch.randint(4, 400, (length - length // 2,), generator=generator).tolist()
        with torch.inference_mode():
            reader = Reader(writer.model, 64, before)
            assert reader.read([row])[0].allclose(logits_of(writer, row), atol=1e-4)
            if length < 60:
                assert reader.next([5])[0].allclose(logits_of(writer, [*row, 5]), atol=1e-4)
        before = reader.keep()


def test_several_completions_leave_their_first_as_a_beginning(writer):
    writer.generate("The", dataclasses.replace(SAMPLED, n=3))
    kept = writer.beginning
    assert len(kept.rows) == 1 and len(kept.cache.keys[0]) == 1


# Several prompts.


def test_several_prompts_give_what_each_gives_alone(writer):
    prompts = ["The", "A much longer prompt than the others are", "", "of"]
    options = dataclasses.replace(SAMPLED, n=2, max_tokens=20)
    run = writer.start(prompts, options)
    for _delta in run:
        pass
    alone = [Writer(writer.model, writer.tokenizer).generate(prompt, options)[0] for prompt in prompts]
    assert [each.tokens for each in run.completions] == [each.tokens for pair in alone for each in pair]
    assert [each.index for each in run.completions] == list(range(8))
    assert run.prompt_tokens == sum(len(writer.encode(prompt)) for prompt in prompts)


def test_several_prompts_may_be_longer_than_the_context(writer):
    prompts = ["word " * 200, "The"]
    options = dataclasses.replace(GREEDY, max_tokens=90)
    run = writer.start(prompts, options)
    for _delta in run:
        pass
    assert run.left_out > 0 and run.prompt_tokens < 64 + 10
    assert all(len(each.tokens) == 90 or each.finish_reason == "stop" for each in run.completions)


# Guesses.


@pytest.mark.parametrize("options", [GREEDY, SAMPLED, dataclasses.replace(SAMPLED, repetition_penalty=1.2, logprobs=2)])
def test_guesses_change_nothing(writer, monkeypatch, options):
    prompt = "one two three four one two three four one two"
    options = dataclasses.replace(options, max_tokens=100)
    monkeypatch.setattr(Guesses, "_pay", lambda self: True)
    read = counted(writer, monkeypatch)
    with_guesses, _seed = Writer(writer.model, writer.tokenizer).generate(prompt, options)
    assert max(read[1:]) > 1
    monkeypatch.setattr(Guesses, "guess", lambda self, room: [])
    without, _seed = Writer(writer.model, writer.tokenizer).generate(prompt, options)
    assert with_guesses[0].tokens == without[0].tokens


def test_right_guesses_save_passes(writer, monkeypatch):
    options = dataclasses.replace(GREEDY, max_tokens=200, logit_bias={" the": 100.0})  # it repeats itself
    monkeypatch.setattr(Guesses, "_pay", lambda self: True)
    read = counted(writer, monkeypatch)
    (completion,), _seed = writer.generate("The", options)
    assert len(completion.tokens) == 200 and len(read) < 100


def test_a_guess_is_what_followed_before():
    guesses = Guesses([1, 2, 3, 4, 5, 6, 1, 2])
    guesses.took(1.0, 0)
    assert guesses.guess(10) == []
    guesses.written(3)
    assert guesses.guess(10) == [4, 5, 6, 1, 2, 3, 4]
    assert guesses.guess(2) == [4, 5] and guesses.guess(0) == []


def test_guesses_that_do_not_pay_are_left_alone_for_a_while():
    guesses = Guesses([1, 2, 3, 4] * 5)
    guesses.took(1.0, 0)
    for _pass in range(Guesses.LOOK):
        assert guesses.guess(5)
        guesses.took(3.0, 5)  # thrice the time, and none was right
    assert [bool(guesses.guess(5)) for _token in range(Guesses.PAUSE + 2)].index(True) == Guesses.PAUSE + 1
    for _pass in range(Guesses.LOOK):
        guesses.took(3.0, 5)
        guesses.right += 5
    assert guesses.guess(5)


# A long prompt.


def test_a_long_prompt_can_be_cancelled_while_it_is_read(writer, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK", 8)
    calls = iter([False, False, True])
    with torch.inference_mode(), pytest.raises(Cancelled):
        Reader(writer.model, 64).read([list(range(4, 60))], lambda: next(calls))
    run = writer.start("word " * 50, GREEDY)
    run.cancel()
    assert list(run) == [] and run.completions[0].finish_reason == "cancelled"


def test_how_far_the_reading_is_can_be_seen(writer, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK", 8)
    seen = []
    with torch.inference_mode():
        reader = Reader(writer.model, 64)
        reader.read([list(range(4, 24))], progress=lambda done, total: seen.append((done, total)))
        assert seen == [(8, 20), (16, 20), (20, 20)]
        reader.read([list(range(4, 12))], progress=lambda done, total: seen.append((done, total)))
        assert len(seen) == 3  # what takes one pass is not worth a word


def test_a_prompt_in_parts_is_read_as_in_one(writer, monkeypatch):
    row = list(range(4, 60))
    monkeypatch.setattr(reading, "CHUNK", 8)
    with torch.inference_mode():
        assert Reader(writer.model, 64).read([row])[0].allclose(logits_of(writer, row), atol=1e-4)
