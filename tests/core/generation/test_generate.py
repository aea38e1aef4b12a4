"""Writing: the same seed writes the same text, stop strings stop, characters stay whole."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.generation.generate import Writer
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.generation.text import TextStream

chunks = st.lists(st.text(alphabet="ab好é🦊\n", max_size=6), max_size=12)


@given(parts=chunks, stop=st.lists(st.text(alphabet="ab好", min_size=1, max_size=3), max_size=3), data=st.data())
def test_text_comes_whole_and_ends_before_the_first_stop(parts, stop, data):
    text = "".join(parts)
    encoded = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(encoded)), max_size=20)))
    stream, given_out = TextStream(stop), []
    for start, end in zip([0, *cuts], [*cuts, len(encoded)], strict=True):
        given_out.append(stream.feed(encoded[start:end]))
    given_out.append(stream.finish())
    ends = [place for place in map(text.find, stop) if place >= 0]
    expected = text[: min(ends)] if ends else text
    shown = "".join(given_out)
    assert "\ufffd" not in shown
    assert shown == stream.text
    assert shown == expected


def test_bytes_that_are_no_text_are_shown_as_such_at_the_end():
    stream = TextStream()
    assert stream.feed("好".encode()[:2]) == ""
    assert stream.finish() == "\ufffd"


@pytest.fixture
def writer(tiny_model):
    return Writer.open("tiny")


OPTIONS = GenerationOptions(seed=1, max_tokens=20, temperature=1.0)


def texts(writer, prompt="The", number=1, **changes):
    completions, _seed = writer.generate(prompt, dataclasses.replace(OPTIONS, **changes), number)
    return [completion.text for completion in completions]


def test_the_same_seed_writes_the_same(writer):
    assert texts(writer, number=3) == texts(writer, number=3)
    assert len(set(texts(writer, number=3))) == 3
    assert texts(writer, number=3, seed=2) != texts(writer, number=3)


def test_a_seed_that_was_drawn_writes_it_again(writer):
    completions, seed = writer.generate("The", dataclasses.replace(OPTIONS, seed=None))
    assert texts(writer, seed=seed) == [completions[0].text]


def test_the_stream_is_the_text(writer):
    run = writer.start("The", OPTIONS, 2)
    shown = ["", ""]
    for delta in run:
        shown[delta.index] += delta.text
    assert shown == [completion.text for completion in run.completions] == texts(writer, number=2)


def test_max_tokens(writer):
    completions, _seed = writer.generate("The", OPTIONS)
    assert len(completions[0].tokens) == 20 and completions[0].finish_reason == "length"


def test_a_stop_string_ends_the_text_and_is_not_in_it(writer):
    whole = texts(writer)[0]
    stop = whole[len(whole) // 2 : len(whole) // 2 + 2]
    completions, _seed = writer.generate("The", dataclasses.replace(OPTIONS, stop=[stop]))
    assert completions[0].text == whole[: whole.find(stop)]
    assert completions[0].finish_reason == "stop"


def test_a_prompt_longer_than_the_context_keeps_its_end(writer):
    run = writer.start("word " * 500, OPTIONS)
    assert run.left_out > 300 and len(run.prompt) == writer.model.config.context - 1
    list(run)
    assert 0 < len(run.completions[0].tokens) <= 20


def test_a_text_may_be_longer_than_the_context(writer):
    completions, _seed = writer.generate("The", dataclasses.replace(OPTIONS, max_tokens=200), 2)
    assert all(completion.finish_reason in ("length", "stop") for completion in completions)
    assert max(len(completion.tokens) for completion in completions) > writer.model.config.context


def test_greedy_with_the_cache_is_greedy_without(writer):
    import torch

    from newleaf.core.tokenizer.special import BEGIN, END

    completions, _seed = writer.generate("The", dataclasses.replace(OPTIONS, temperature=0.0, max_tokens=10))
    numbers = [BEGIN, *writer.tokenizer.encode("The")]
    silent = [i for i, data in enumerate(writer.tokenizer.token_bytes) if not data and i != END]
    for expected in completions[0].tokens:
        with torch.no_grad():
            logits = writer.model(torch.tensor([numbers]))[0, -1]
        logits[silent] = -torch.inf
        assert int(logits.argmax()) == expected
        numbers.append(expected)


def test_it_can_be_cancelled(writer):
    run = writer.start("The", dataclasses.replace(OPTIONS, max_tokens=1000))
    for _delta in run:
        if len(run.completions[0].tokens) >= 5:
            run.cancel()
    assert run.completions[0].finish_reason == "cancelled"
    assert len(run.completions[0].tokens) < 20


def test_an_empty_prompt_begins_a_text(writer):
    assert texts(writer, prompt="")[0]


def test_control_symbols_are_never_written(writer):
    completions, _seed = writer.generate("The", dataclasses.replace(OPTIONS, temperature=10.0, top_p=1.0), 8)
    for completion in completions:
        assert all(writer.tokenizer.token_bytes[token] for token in completion.tokens)
