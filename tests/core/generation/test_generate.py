"""Writing: the same seed writes the same text, stop strings stop, and nothing is too long."""

import dataclasses

import pytest
import torch

from newleaf.core.errors import UserError
from newleaf.core.generation.generate import LARGEST_SEED, Writer
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.tokenizer.special import BEGIN, END

OPTIONS = GenerationOptions(seed=1, max_tokens=20, temperature=1.0)


@pytest.fixture(scope="module")
def writer(prepared):
    """The model tiny, opened once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(prepared))
        return Writer.open("tiny")


def write(writer, prompt="The", number=1, **changes):
    completions, _seed = writer.generate(prompt, dataclasses.replace(OPTIONS, **changes), number)
    return completions


def texts(writer, prompt="The", number=1, **changes):
    return [completion.text for completion in write(writer, prompt, number, **changes)]


# Seeds and rows.


def test_the_same_seed_writes_the_same(writer):
    assert texts(writer, number=3) == texts(writer, number=3)


def test_another_seed_writes_something_else(writer):
    assert len({texts(writer, seed=seed)[0] for seed in (0, 1, 2, 3, 2**63 - 1)}) == 5


def test_several_completions_differ(writer):
    completions = write(writer, number=4)
    assert [completion.index for completion in completions] == [0, 1, 2, 3]
    assert len({completion.text for completion in completions}) == 4


def test_a_completion_is_the_same_however_many_there_are(writer):
    assert texts(writer, number=5)[:2] == texts(writer, number=2)
    assert texts(writer, number=2)[:1] == texts(writer)


@pytest.mark.parametrize("how", [{}, {"beams": 4}, {"beams": 4, "length_penalty": 2.0}], ids=str)
@pytest.mark.parametrize("number", [1, 3])
def test_of_several_prompts_each_is_gone_on_from_as_if_it_were_alone(writer, how, number):
    prompts = ["The fox", "Chapter 7.", "A", "The number of geese"]
    together = texts(writer, prompts, number, **how)
    assert together == [text for prompt in prompts for text in texts(writer, prompt, number, **how)]


def test_without_a_seed_one_is_drawn_that_writes_it_again(writer):
    seeds = set()
    for _ in range(3):
        completions, seed = writer.generate("The", dataclasses.replace(OPTIONS, seed=None))
        assert texts(writer, seed=seed) == [completions[0].text]
        seeds.add(seed)
    assert len(seeds) > 1 and all(0 <= seed <= LARGEST_SEED for seed in seeds)


def test_temperature_zero_needs_no_seed(writer):
    assert texts(writer, temperature=0.0, seed=1) == texts(writer, temperature=0.0, seed=2)


def test_greedy_with_the_cache_is_greedy_without(writer):
    (completion,) = write(writer, temperature=0.0, max_tokens=40)
    numbers = [BEGIN, *writer.tokenizer.encode("The")]
    silent = [number for number, data in enumerate(writer.tokenizer.token_bytes) if not data and number != END]
    for expected in completion.tokens:
        with torch.no_grad():
            logits = writer.model(torch.tensor([numbers]))[0, -1]
        logits[silent] = -torch.inf
        assert int(logits.argmax()) == expected
        numbers.append(expected)


def test_a_penalty_lessens_repetition(writer):
    def repeated(penalty):
        (completion,) = write(writer, temperature=0.0, repetition_penalty=penalty, max_tokens=50)
        return len(completion.tokens) - len(set(completion.tokens))

    assert repeated(10.0) < repeated(1.0)


def test_the_prompt_counts_as_seen(writer):
    def repeats(prompt, penalty):
        (completion,) = write(writer, prompt, temperature=0.0, repetition_penalty=penalty, max_tokens=1)
        return set(completion.tokens) <= set(writer.tokenizer.encode(prompt))

    prompts = [2 * writer.tokenizer.piece(number) for number in range(280, 400)]
    assert sum(repeats(prompt, 10.0) for prompt in prompts) < sum(repeats(prompt, 1.0) for prompt in prompts)


# The text as it comes.


def test_the_stream_is_the_text(writer):
    run = writer.start("The", OPTIONS, 2)
    shown = ["", ""]
    for delta in run:
        assert delta.text
        shown[delta.index] += delta.text
    assert shown == [completion.text for completion in run.completions] == texts(writer, number=2)


def test_the_text_is_that_of_the_tokens(writer):
    for completion in write(writer, number=4, temperature=3.0):
        assert completion.text == writer.tokenizer.decode(completion.tokens)


def test_control_symbols_are_never_written(writer):
    for completion in write(writer, number=8, temperature=10.0, top_p=1.0, max_tokens=100):
        assert all(writer.tokenizer.token_bytes[token] for token in completion.tokens)


def test_what_is_told_of_a_completion(writer):
    (completion,) = write(writer)
    assert completion.as_dict(writer.tokenizer) == {
        "text": completion.text,
        "tokens": 20,
        "finish_reason": "length",
        "tokens_per_second": round(20 / completion.seconds, 1),
    }


# Where it ends.


@pytest.mark.parametrize("number", [1, 7, 20])
def test_it_ends_after_the_most_tokens(writer, number):
    (completion,) = write(writer, max_tokens=number)
    assert len(completion.tokens) == number and completion.finish_reason == "length"


def test_it_may_end_by_itself(writer):
    ended = [
        c for c in write(writer, number=16, temperature=10.0, top_p=1.0, max_tokens=300) if c.finish_reason == "stop"
    ]
    assert ended and all(len(completion.tokens) < 300 and END not in completion.tokens for completion in ended)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_stop_string_ends_the_text_and_is_not_in_it(writer, length):
    (whole,) = texts(writer)
    stop = whole[len(whole) // 2 : len(whole) // 2 + length]
    (completion,) = write(writer, stop=["never to come", stop])
    assert completion.text == whole[: whole.find(stop)] and completion.finish_reason == "stop"
    assert len(completion.tokens) <= 20


def test_a_stop_string_that_does_not_come_changes_nothing(writer):
    assert texts(writer, stop=["never to come"]) == texts(writer)


def test_one_completion_that_has_ended_leaves_the_others_as_they_are(writer):
    whole = texts(writer, number=3)
    stop = whole[0][:3]
    assert not any(stop in other for other in whole[1:])
    stopped = write(writer, number=3, stop=[stop])
    assert [completion.text for completion in stopped] == ["", *whole[1:]]
    assert [completion.finish_reason for completion in stopped] == ["stop", "length", "length"]


def test_it_can_be_cancelled(writer):
    run = writer.start("The", dataclasses.replace(OPTIONS, max_tokens=1000), 2)
    for _delta in run:
        if len(run.completions[0].tokens) >= 5:
            run.cancel()
    (whole, _other) = texts(writer, number=2, max_tokens=30)
    for completion in run.completions:
        assert completion.finish_reason == "cancelled" and 4 < len(completion.tokens) < 10
    assert run.completions[0].text and whole.startswith(run.completions[0].text.rstrip("\ufffd"))


# What is long, and what is nothing.


@pytest.mark.parametrize("prompt", ["", " ", "\n", "\u2581", "<s>", "好🦊", "\ud800"])
def test_any_prompt_can_be_gone_on_from(writer, prompt):
    completions = write(writer, prompt, 4)
    assert any(completion.text for completion in completions)
    assert all((len(completion.tokens) == 20) == (completion.finish_reason == "length") for completion in completions)


def test_a_typed_control_symbol_is_text(writer):
    assert BEGIN in writer.start("", OPTIONS).prompt
    assert END not in writer.start("</s>", OPTIONS).prompt


def test_a_prompt_longer_than_the_context_keeps_its_end(writer):
    context = writer.model.config.context
    numbers = writer.tokenizer.encode("word " * 500)
    run = writer.start("word " * 500, OPTIONS, 4)
    assert run.prompt == numbers[-(context - 1) :] and run.left_out == 1 + len(numbers) - (context - 1)
    for _delta in run:
        pass
    assert max(len(completion.tokens) for completion in run.completions) == 20


def test_a_prompt_that_fits_is_seen_whole(writer):
    run = writer.start("The fox", OPTIONS)
    assert run.left_out == 0 and run.prompt == [BEGIN, *writer.tokenizer.encode("The fox")]


def test_a_text_may_be_longer_than_the_context(writer):
    completions = write(writer, number=8, max_tokens=200)
    assert max(len(completion.tokens) for completion in completions) == 200 > 3 * writer.model.config.context
    assert [completion.text for completion in completions] == texts(writer, number=8, max_tokens=200)


def test_a_long_text_begins_as_the_short_one_does(writer):
    (short,) = write(writer, max_tokens=30)
    (long,) = write(writer, max_tokens=150)
    assert long.tokens[:30] == short.tokens


def test_when_the_context_is_full_its_newer_half_is_read_again(writer):
    (completion,) = write(writer, temperature=0.0, max_tokens=100)
    context = writer.model.config.context
    history = [BEGIN, *writer.tokenizer.encode("The"), *completion.tokens]
    silent = [number for number, data in enumerate(writer.tokenizer.token_bytes) if not data and number != END]
    with torch.no_grad():
        logits = writer.model(torch.tensor([history[context + 1 - context // 2 : context + 1]]))[0, -1]
    logits[silent] = -torch.inf
    assert int(logits.argmax()) == history[context + 1]


# What is missing.


def test_a_model_that_is_not_there_is_told(tiny_model):
    with pytest.raises(UserError, match=r"no model tinny\. Did you mean tiny\?"):
        Writer.open("tinny")


def test_a_model_without_its_tokenizer_is_told(tiny_model):
    for name in ("tokenizer.model", "tokenizer.json"):
        (tiny_model / name).unlink()
    with pytest.raises(UserError, match=r"tiny has no tokenizer"):
        Writer.open("tiny")
