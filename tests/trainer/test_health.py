"""How a training does, in words."""

import math
import random

from newleaf.trainer.health import health, worries
from newleaf.trainer.history import History


def history(evaluations=(), losses=()):
    found = History()
    found.feed({"kind": "step", "step": i + 1, "loss": x, "bits_per_byte": x / 2} for i, x in enumerate(losses))
    found.feed({"kind": "eval", "step": 10 * i, "bits_per_byte": x} for i, x in enumerate(evaluations))
    return found


def noisy(values, seed=1):
    noise = random.Random(seed)
    return [value + noise.gauss(0, 0.05) for value in values]


def test_nothing_is_said_of_nothing():
    assert health(history()) == [] == health(history([2.0], [3.0]))


def test_falling_is_well():
    found = history([3.0, 2.0, 1.3], noisy(6 - math.log(step + 1) / 2 for step in range(2000)))
    assert worries(found) == []
    assert "from 3.00 to 1.30" in health(found)[0]


def test_at_the_end_all_held_out_text_counts_and_not_the_last_part_of_it():
    found = history([3.0, 2.0, 1.3])
    found.feed([{"kind": "eval", "step": 20, "bits_per_byte": 1.34, "final": True}])
    assert "from 3.00 to 1.34" in health(found)[0] and found.best == 1.34
    found.feed([{"kind": "resume", "step": 20}])  # and is gone on with
    assert "from 3.00 to 1.30" in health(found)[0] and found.best == 1.3


def test_three_measurements_above_the_lowest_are_learning_by_heart():
    assert worries(history([3.0, 1.5, 1.51, 1.53])) == []
    assert "3 measurements: it is learning by heart" in worries(history([3.0, 1.5, 1.51, 1.53, 1.56]))[0]
    assert "4 measurements" in worries(history([3.0, 1.5, 1.51, 1.53, 1.56, 1.6]))[0]


def test_noise_is_no_rise_and_a_new_lowest_ends_it():
    assert worries(history([3.0, 1.5, 1.501, 1.5005, 1.502])) == []
    assert worries(history([3.0, 1.5, 1.51, 1.53, 1.56, 1.4])) == []


def test_text_that_is_known_far_better_than_other_text_is_said():
    found = history([3.0], noisy([2.0] * 120))
    assert worries(found) == []  # it was measured before it had learnt anything
    found.feed([{"kind": "eval", "step": 120, "bits_per_byte": 1.5}])
    assert "far better" in worries(found)[0]


def test_what_was_read_after_a_measurement_is_not_compared_with_it():
    found = history([3.0], noisy([3.0] * 200))
    found.feed([{"kind": "eval", "step": 200, "bits_per_byte": 1.6}])
    later = [{"kind": "step", "step": 201 + i, "loss": 1.0, "bits_per_byte": 0.5} for i in range(150)]
    found.feed(later)
    assert worries(found) == []


def test_a_loss_that_stands_still_is_said():
    losses = noisy([6 - math.log(step + 1) / 2 for step in range(1000)] + [2.6] * 3000)
    assert "not fallen" in worries(history([], losses))[0]


def exploding(first_measured=0):
    """Measured each 40 steps, while the loss goes from 6 to 360."""
    found = History()
    for step in range(1, 201):
        loss = 5.7 if step < 40 else 5.7 * 1.026 ** (step - 40)
        found.feed([{"kind": "step", "step": step, "loss": loss, "bits_per_byte": loss / 2}])
        if step % 40 == 0 and step >= first_measured:
            found.feed([{"kind": "eval", "step": step, "bits_per_byte": loss / 2 + 0.1}])
    return found


def test_what_rises_on_the_training_text_too_goes_wrong():
    of_a_model = exploding()  # which was measured before its first step, too
    of_a_model.evaluation_steps.insert(0, 0)
    of_a_model.evaluations.insert(0, 2.0)
    for found in (exploding(), exploding(80), of_a_model):
        said = worries(found)[0]
        assert "goes wrong" in said and "--learning-rate" in said and "by heart" not in said


def test_what_rises_on_held_out_text_alone_is_learnt_by_heart():
    found = history([3.0, 1.5, 1.6, 1.7, 1.9], [5 - step / 50 for step in range(40)])
    assert "by heart" in worries(found)[0]


def test_a_text_that_is_known_almost_wholly_is_not_learnt_by_heart():
    assert worries(history([3.0, 0.001, 0.0012, 0.0015, 0.002])) == []
    assert worries(history([3.0, 0.002], [0.001] * 120)) == []


def test_where_the_rate_rises_again_what_came_before_is_not_compared_with():
    losses = noisy([3.0] * 300 + [6 - math.log(step + 1) / 2 for step in range(200)])
    found = history([3.0, 1.5, *[1.4] * 28], losses)
    found.feed([{"kind": "resume", "step": 300, "begin": 300}])
    found.feed({"kind": "step", "step": 301 + i, "loss": x, "bits_per_byte": x / 2} for i, x in enumerate(losses[300:]))
    found.feed({"kind": "eval", "step": 310 + 10 * i, "bits_per_byte": 1.9 - i / 10} for i in range(4))
    assert worries(found) == []
    found.feed({"kind": "eval", "step": 400 + 10 * i, "bits_per_byte": 1.7 + i / 10} for i in range(4))
    assert "4 measurements: it is learning by heart" in worries(found)[0]
