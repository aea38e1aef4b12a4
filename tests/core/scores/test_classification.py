"""Labels: the usual figures, what is taken for what, and how sure to be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.scores.classification import HIGHEST, LOWEST, Labelled, calibration_error, temperature

RIGHT = ["a", "a", "a", "b", "b", "c"]
GIVEN = ["a", "a", "b", "b", "c", "a"]


def test_known_values():
    """As scikit-learn has them: f1_score(RIGHT, GIVEN, average="macro") is 0.3888888888888889."""
    labelled = Labelled.of(RIGHT, GIVEN)
    assert labelled.accuracy() == 0.5
    assert labelled.macro_f1() == pytest.approx(0.3888888888888889)
    assert labelled.table() == [
        {
            "label": "a",
            "precision": pytest.approx(2 / 3),
            "recall": pytest.approx(2 / 3),
            "f1": pytest.approx(2 / 3),
            "records": 3,
        },
        {"label": "b", "precision": 0.5, "recall": 0.5, "f1": 0.5, "records": 2},
        {"label": "c", "precision": 0.0, "recall": 0.0, "f1": 0.0, "records": 1},
    ]


def test_what_is_taken_for_what():
    labelled = Labelled.of([*RIGHT, "a"], [*GIVEN, "b"])
    assert labelled.confusions() == [
        {"right": "a", "given": "b", "records": 2},
        {"right": "b", "given": "c", "records": 1},
        {"right": "c", "given": "a", "records": 1},
    ]
    assert labelled.confusions(most=1) == labelled.confusions()[:1]


def test_a_label_that_was_made_up_is_wrong_once():
    labelled = Labelled.of(["yes", "yes", "no"], ["yes", "perhaps", "no"])
    assert labelled.macro_f1() == pytest.approx((2 / 3 + 1) / 2)
    assert [row["label"] for row in labelled.table()] == ["yes", "no"]
    assert labelled.confusions() == [{"right": "yes", "given": "perhaps", "records": 1}]


def test_a_label_that_is_in_none_of_the_chosen_records_does_not_count():
    assert Labelled.of(RIGHT, GIVEN).macro_f1(np.array([0, 1])) == 1


LABELS = st.sampled_from(["good", "bad", "差", ""])


@given(st.lists(st.tuples(LABELS, LABELS), min_size=1))
def test_figures_are_shares(pairs):
    right, given_ = zip(*pairs, strict=True)
    labelled = Labelled.of(right, given_)
    assert 0 <= labelled.macro_f1() <= 1
    assert labelled.accuracy() == pytest.approx(np.mean([one == two for one, two in pairs]))
    assert Labelled.of(right, right).macro_f1() == Labelled.of(right, right).accuracy() == 1


def test_the_calibration_error_is_the_gap_between_sure_and_right():
    assert calibration_error(np.array([0.9] * 10), np.array([1.0] * 9 + [0.0])) == pytest.approx(0)
    assert calibration_error(np.array([1.0] * 4), np.array([1.0, 0, 0, 0])) == pytest.approx(0.75)
    # Two bins, of which one is too sure and one is not sure enough: the gaps do not make up for each other.
    assert calibration_error(np.array([0.9, 0.9, 0.6, 0.6]), np.array([1.0, 0, 1, 1])) == pytest.approx(0.4)
    assert calibration_error(np.array([0.0]), np.array([1.0])) == 1


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_a_calibration_error_is_a_share(pairs):
    sure, correct = (np.array(each, float) for each in zip(*pairs, strict=True))
    assert 0 <= calibration_error(sure, correct) <= 1 + 1e-9


def likelihood(logprobs, labels, heat):
    scaled = logprobs / heat
    scaled = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
    return -scaled[np.arange(len(labels)), labels].mean()


@pytest.mark.parametrize("heat", [0.3, 1.0, 2.5])
def test_the_temperature_undoes_what_was_too_sure(heat):
    chance = np.random.default_rng(1)
    honest = np.log(chance.dirichlet([1, 1, 1], 4000))
    labels = np.array([chance.choice(3, p=np.exp(row)) for row in honest])
    found = temperature(honest * heat, labels)
    assert found == pytest.approx(heat, rel=0.1)
    best = likelihood(honest * heat, labels, found)
    assert best <= min(likelihood(honest * heat, labels, found * factor) for factor in (0.98, 1.02))


def test_a_temperature_is_within_bounds():
    sure = np.log(np.array([[0.9, 0.1], [0.2, 0.8]]))
    assert temperature(sure, [0, 1]) == LOWEST
    assert temperature(sure, [1, 0]) == HIGHEST
    assert temperature(np.full((3, 2), np.log(0.5)), [0, 1, 1]) == 1
    assert temperature(np.zeros((0, 2)), []) == 1
    with np.errstate(divide="ignore"):
        impossible = np.log(np.array([[1.0, 0.0], [0.6, 0.4]]))
    assert LOWEST <= temperature(impossible, [1, 0]) <= HIGHEST
