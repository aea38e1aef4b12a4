"""Short answers: SQuAD's rules, and the same for scripts without spaces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.scores.answers import exact_match, f1


@pytest.mark.parametrize(
    ("answer", "right", "exact", "words"),
    [
        ("Bill Allombert", "Bill Allombert", 1, 1),
        ("  the   Eiffel tower.", "Eiffel Tower", 1, 1),
        ("In 1889, in Paris", "Paris", 0, 0.4),  # in 1889 in paris: 1 of 4, 1 of 1
        ("the U.S.", "US", 1, 1),
        ("a 19th-century church", "church", 0, 2 / 3),
        ("dog dog", "dog", 0, 2 / 3),  # a word counts as often as both have it
        ("", "Paris", 0, 0),
        ("The", "Paris", 0, 0),
        ("", "", 1, 1),
        ("A", "A", 1, 1),  # one of several choices, no article
        ("A", "B", 0, 0),
        ("北京大学", "北京大学。", 1, 1),
        ("北京 大学", "北京大学", 1, 1),
        ("在北京", "北京", 0, 0.8),
        ("東京タワー", "タワー", 0, 0.75),
        ("Python 是一种语言", "一种语言", 0, 0.8),
    ],
)
def test_known_values(answer, right, exact, words):
    assert exact_match(answer, right) == exact
    assert f1(answer, right) == pytest.approx(words)


def test_the_nearest_of_several_right_answers_counts():
    right = ["2 February 1990", "1990"]
    assert exact_match("1990", right) == 1
    assert f1("in 1990", right) == pytest.approx(2 / 3)
    assert f1("in 1990", right[:1]) == pytest.approx(0.4)
    assert (exact_match("1990", []), f1("1990", [])) == (0, 0)


@given(st.text(), st.text())
def test_a_score_is_a_share_and_symmetric(one, two):
    assert 0 <= f1(one, two) <= 1
    assert f1(one, two) == f1(two, one)
    assert exact_match(one, two) == exact_match(two, one)
    assert exact_match(one, two) <= f1(one, two)


@given(st.text())
def test_the_same_text_is_right(text):
    assert exact_match(text, text) == f1(text, text) == 1


@given(st.text().filter(str.strip))
def test_an_empty_answer_is_wrong(right):
    assert exact_match("", right) == f1("", right) == 0
