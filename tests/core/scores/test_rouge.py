"""ROUGE: for English the figures of the package rouge-score 0.1.2 without stemming; sensible ones for other scripts."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.scores.rouge import longest_common, rouge


@pytest.mark.parametrize(
    ("summary", "reference", "expected"),
    [
        (
            "The cat sat on the mat.",
            "A cat was sitting on the mat.",
            (0.6153846153846153, 0.3636363636363636, 0.6153846153846153),
        ),
        ("police killed the gunman", "police kill the gunman", (0.75, 0.3333333333333333, 0.75)),
        ("the gunman police killed", "police killed the gunman", (1.0, 0.6666666666666666, 0.5)),
        (
            "It's a well-known U.S. fact: 3.14 is pi",
            "It is a known fact in the U.S. that pi is 3.14",
            (0.7692307692307692, 0.16666666666666669, 0.5384615384615384),
        ),
        ("", "a", (0, 0, 0)),
        ("snake_case names", "snake case", (0.8, 0.6666666666666666, 0.8)),
    ],
)
def test_english_is_scored_as_rouge_score_does(summary, reference, expected):
    assert tuple(rouge(summary, reference).values()) == pytest.approx(expected, abs=1e-12)


def test_a_chinese_character_is_a_word():
    assert rouge("今天天气好", "今天天气很好。") == pytest.approx(
        {"rouge_1": 10 / 11, "rouge_2": 2 * 3 / (4 + 5), "rouge_l": 10 / 11}
    )


def test_accents_belong_to_a_word():
    assert rouge("café", "cafe")["rouge_1"] == 0
    assert rouge("Žluťoučký kůň", "žluťoučký kůň")["rouge_2"] == 1
    assert rouge("हिन्दी", "हिन्दी भाषा")["rouge_1"] == pytest.approx(2 / 3)


def table(one, two):
    """The longest common subsequence by the book."""
    row = [0] * (len(two) + 1)
    for word in one:
        before, row = row, [0]
        for number, other in enumerate(two):
            row.append(before[number] + 1 if word == other else max(row[-1], before[number + 1]))
    return row[-1]


@given(st.lists(st.sampled_from("abcd"), max_size=80), st.lists(st.sampled_from("abcd"), max_size=80))
def test_the_longest_common_subsequence_is_that_of_the_table(one, two):
    assert longest_common(one, two) == table(one, two)


def test_texts_of_thousands_of_words_are_quick():
    chance = random.Random(1)
    one, two = (chance.choices([str(number) for number in range(500)], k=5000) for _text in range(2))
    begin = time.perf_counter()
    assert 0 < longest_common(one, two) < 5000
    assert time.perf_counter() - begin < 2  # milliseconds on a machine that does nothing else


@given(st.text(), st.text())
def test_a_score_is_a_share_and_symmetric(one, two):
    scores = rouge(one, two)
    assert all(0 <= score <= 1 for score in scores.values())
    assert rouge(two, one) == pytest.approx(scores)


@given(st.lists(st.text("abc西瓜", min_size=1), min_size=2).map(" ".join))
def test_the_same_text_gets_1_and_none_gets_0(text):
    assert set(rouge(text, text).values()) == {1.0}
    assert set(rouge("", text).values()) == set(rouge(text, "").values()) == set(rouge("", "").values()) == {0.0}
