"""How sure a model is of a text: what it said when it wrote it, wherever the text stands."""

import pytest

from newleaf.core.errors import UserError
from newleaf.core.generation.generate import Writer
from newleaf.core.generation.judging import as_dicts, judge
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.progress import Cancelled


@pytest.fixture(scope="module")
def writer(prepared):
    """The model tiny, opened once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(prepared))
        return Writer.open("tiny")


def written(writer, tokens, prompt="The"):
    options = GenerationOptions(seed=1, max_tokens=tokens, min_tokens=tokens, temperature=1.0, logprobs=3)
    (completion,), _seed = writer.generate(prompt, options)
    return completion


def test_it_is_as_sure_as_when_it_wrote(writer):
    completion = written(writer, 12)
    # Its own tokens, in case another cut of the same text is shorter.
    found = judge(writer, "The", completion.text, 3)
    text = b"".join(bytes(each["bytes"]) for each in as_dicts(writer, found))
    assert text == completion.text.encode()
    if [each.token for each in found] == completion.tokens:
        for before, after in zip(completion.scores, found, strict=True):
            assert after.logprob == pytest.approx(before.logprob, abs=1e-4)
            assert [token for token, _ in after.top] == [token for token, _ in before.top]


def test_the_likeliest_text_has_the_likeliest_tokens(writer):
    options = GenerationOptions(temperature=0.0, max_tokens=10, logprobs=1)
    (completion,), _seed = writer.generate("The", options)
    found = judge(writer, "The", completion.text, 1)
    if [each.token for each in found] == completion.tokens:
        assert all(each.token == each.top[0][0] for each in found)


@pytest.mark.parametrize("prompt", ["", "The"])
@pytest.mark.parametrize("words", [1, 5, 2_000])
def test_every_token_is_judged_once_however_long_the_text_is(writer, prompt, words):
    answer = " the geese" * words
    found = judge(writer, prompt, answer)
    assert b"".join(bytes(each["bytes"]) for each in as_dicts(writer, found)) == answer.encode()
    assert all(each.logprob < 0 for each in found)


def test_an_answer_is_judged_in_its_chat(writer):
    chat = [{"role": "user", "content": "How many geese?"}]
    found = judge(writer, chat, "Seven geese.")
    assert "Seven geese." in b"".join(bytes(each["bytes"]) for each in as_dicts(writer, found)).decode()
    alone = judge(writer, "", "Seven geese.")
    assert [each.logprob for each in found] != [each.logprob for each in alone]
    with pytest.raises(UserError, match="roles are"):
        judge(writer, [{"role": "nobody", "content": "x"}], "y")


def test_nothing_has_no_tokens(writer):
    assert judge(writer, "The", "") == []


def test_it_can_be_cancelled(writer):
    with pytest.raises(Cancelled):
        judge(writer, "The", "word", cancelled=lambda: True)
