"""Stop words and punctuation: removed only where a person asks for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.cleaning.options import CleaningOptions
from newleaf.core.corpus.cleaning.words import remove_punctuation, remove_stop_words


@pytest.mark.parametrize("preset", ["none", "standard", "strict"])
@pytest.mark.parametrize("step", ["stop_words", "punctuation"])
def test_no_preset_has_them(preset, step):
    assert not CleaningOptions(clean=preset).is_on(step)
    assert CleaningOptions(clean=preset, **{step: "on"}).is_on(step)


def test_stop_words_go_by_the_language():
    assert remove_stop_words("The cat sat on the mat and the dog barked").split() == [
        "cat",
        "sat",
        "mat",
        "dog",
        "barked",
    ]
    assert remove_stop_words("Die Katze und der Hund schlafen auf dem Sofa").split() == [
        "Katze",
        "Hund",
        "schlafen",
        "Sofa",
    ]
    assert "的" not in remove_stop_words("美丽的花朵在春天的阳光里开放了")


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("Hello, world! It's 3.14: well-known.", "Hello world It's 3.14 well-known"),
        ("one . , two", "one two"),
        ("one,two;three", "one two three"),
        ("白日依山尽，黄河入海流。", "白日依山尽 黄河入海流"),
        ("“Yes,” he said.\nNo…", "Yes he said\nNo"),
        ("a + b = $5", "a + b = $5"),
        ("Write to <EMAIL>", "Write to <EMAIL>"),
    ],
)
def test_punctuation_goes_and_words_stay_apart(raw, cleaned):
    assert remove_punctuation(raw) == cleaned


@pytest.mark.parametrize("step", [remove_stop_words, remove_punctuation])
@given(text=st.text() | st.text(st.sampled_from("theand的了一个 '.,-_!+$1a<>\n\t")))
def test_a_second_time_changes_nothing(step, text):
    once = step(text)
    assert step(once) == once


def test_a_very_long_run_of_spaces_takes_no_time():
    assert remove_punctuation("a" + " " * 1_000_000 + "b.") == "a" + " " * 1_000_000 + "b"
