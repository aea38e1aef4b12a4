"""What goes wrong in a training is mended: bad numbers, a bad batch, too little memory."""

import copy
import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from newleaf.core.errors import UserError
from newleaf.core.model.gpt import GPT
from newleaf.trainer import loop as training_loop
from newleaf.trainer.batches import TokenBatches
from newleaf.trainer.loop import Loop
from newleaf.trainer.optimisers import matrices_of
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.plan import FEWEST, Machine, make_plan

MACHINE = Machine("cpu", "test", 1, 8 << 30, {"nano": 1e11, "mini": 1e11}, "float32")
TEXT = np.tile(np.arange(64, dtype=np.uint16), 200)


class Keeper:
    """An observer that keeps checkpoints in memory, and writes down what it hears."""

    def __init__(self):
        self.kept, self.losses, self.back, self.passed_over, self.rows = [], {}, [], [], []

    def stepped(self, state, metrics):
        self.losses[state.step] = metrics["loss"]

    def evaluate(self, state):
        return 1.0

    @property
    def clock(self):
        return time.perf_counter()

    def checkpoint(self, state, step):
        self.kept.append(copy.deepcopy(state))

    def last_checkpoint(self):
        return self.kept[-1] if self.kept else None

    def went_back(self, state, from_step):
        self.back.append((from_step, state.step, state.slower))

    def left_out(self, state, step, loss):
        self.passed_over.append(step - 1)

    def memory_was_full(self, state):
        self.rows.append(state.micro_rows or 1)

    def stop_requested(self):
        return False

    def improved(self, step, score):
        pass

    def evaluated(self, state, score):
        pass


def new_loop(steps=30, batch=None, **options):
    chosen = {"size": "nano", "context": 16, "batch_tokens": 128, "dtype": "float32", "steps": steps, **options}
    plan = make_plan(TrainOptions(**chosen), MACHINE, 64, len(TEXT), 1000)
    source = TokenBatches(TEXT, plan.model_config.context, plan.rows, plan.seed).batch
    loop = Loop(GPT(plan.model_config), plan, (lambda step: batch(step, source(step))) if batch else source, Keeper())
    return loop, loop.observer


def weights(loop):
    return torch.cat([parameter.detach().flatten() for parameter in loop.model.parameters()])


def spoil_loss(loop, monkeypatch, at, times, value):
    """Multiply the loss of the calls from `at` on, so many, by `value`."""
    calls, true = [0], loop.model.loss

    def loss(tokens, targets, reduction="mean"):
        calls[0] += 1
        return true(tokens, targets, reduction) * (value if at <= calls[0] < at + times else 1)

    monkeypatch.setattr(loop.model, "loss", loss)


class Slow(Keeper):
    """One by whose clock a look takes a hundredth of a second, and all that is not a step much longer."""

    now = 0.0

    @property
    def clock(self):
        self.now += 0.01
        return self.now

    def evaluate(self, state):
        self.now += 0.5
        return 1.0 - 0.001 * state.step

    def improved(self, step, score):
        self.now += 0.4

    def evaluated(self, state, score):
        self.now += 0.3

    def checkpoint(self, state, step):
        super().checkpoint(state, step)
        self.now += 0.8


def test_the_last_measurement_checkpoint_and_save_are_of_the_time_too():
    loop, _heard = new_loop(steps=None, time=30.0)
    loop.observer = slow = Slow()
    loop._made = slow.clock
    assert loop.run()
    slow.improved(loop.state.step, None)  # as whoever runs it does at last
    assert 27 < slow.now < 31
    assert slow.kept[-1]["state"]["step"] == loop.state.step > slow.kept[-2]["state"]["step"]


@pytest.mark.parametrize("value", [math.nan, pytest.param(math.inf, marks=pytest.mark.long)])
def test_a_loss_that_is_no_number_sends_the_training_back_with_a_smaller_rate(monkeypatch, value):
    loop, heard = new_loop(checkpoint_every=0.0)
    spoil_loss(loop, monkeypatch, 12, 1, value)
    assert loop.run()
    assert heard.back == [(11, 11, 0.5)]
    assert sorted(heard.losses) == list(range(1, 31))
    assert torch.isfinite(weights(loop)).all()


def test_without_a_checkpoint_it_goes_back_to_the_beginning(monkeypatch):
    loop, heard = new_loop()
    spoil_loss(loop, monkeypatch, 5, 1, math.nan)
    assert loop.run()
    assert heard.back == [(4, 0, 0.5)]
    straight, same = new_loop()
    assert straight.run()
    assert heard.losses[1] == same.losses[1]  # the same first weights again


def test_it_does_not_go_back_for_ever(monkeypatch):
    loop, heard = new_loop()
    spoil_loss(loop, monkeypatch, 5, 1000, math.nan)
    with pytest.raises(UserError, match="--learning-rate"):
        loop.run()
    assert len(heard.back) == training_loop.MOST_SETBACKS


def test_a_batch_that_stands_out_is_left_out():
    def spoiled(step, batch):
        tokens, targets, *_others = batch
        return (tokens, targets.flip(1).roll(7)) if step == 100 else batch

    loop, heard = new_loop(steps=120, batch=spoiled)
    assert loop.run()
    assert heard.passed_over == [100]
    assert heard.back == []
    assert heard.losses[120] < 0.5


def test_batch_after_batch_that_stands_out_sends_it_back():
    healed = []

    def spoiled(step, batch):
        tokens, targets, *_others = batch
        if step >= 100 and len(healed) < 4:
            healed.append(step)
            return tokens, targets.flip(1).roll(7)
        return batch

    loop, heard = new_loop(steps=120, batch=spoiled, checkpoint_every=0.0)
    assert loop.run()
    assert heard.passed_over == [100, 101, 102]
    assert heard.back == [(103, 103, 0.5)]


def test_full_memory_halves_the_rows_at_once_and_changes_no_result(monkeypatch):
    straight, expected = new_loop(steps=10)
    assert straight.run()
    loop, heard = new_loop(steps=10)
    true = loop.model.loss

    def loss(tokens, targets, reduction="mean"):
        if len(tokens) > 2:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return true(tokens, targets, reduction)

    monkeypatch.setattr(loop.model, "loss", loss)
    assert loop.run()
    assert heard.rows == [4, 2]
    assert loop.state.micro_rows == 2  # what a resumed training begins with
    assert list(heard.losses.values()) == pytest.approx(list(expected.losses.values()), rel=1e-2)


def test_other_errors_are_not_taken_for_full_memory(monkeypatch):
    loop, heard = new_loop()
    monkeypatch.setattr(loop.model, "loss", lambda *_: (_ for _ in ()).throw(RuntimeError("shapes differ")))
    with pytest.raises(RuntimeError, match="shapes differ"):
        loop.run()
    assert heard.rows == []


def test_what_a_loss_should_be_goes_on_from_a_checkpoint():
    loop, heard = new_loop(steps=60)
    loop.run()
    again, _heard = new_loop(steps=60)
    again.load_state_dict(heard.kept[-1])
    assert again.state == loop.state


def test_where_one_row_is_too_much_layers_are_computed_twice(monkeypatch):
    straight, expected = new_loop(steps=10)
    assert straight.run()
    loop, heard = new_loop(steps=10)
    true = loop.model.loss

    def loss(tokens, targets, reduction="mean"):
        if len(tokens) > 1 or not loop.model.model.recompute:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return true(tokens, targets, reduction)

    monkeypatch.setattr(loop.model, "loss", loss)
    assert loop.run()
    assert heard.rows == [4, 2, 1, 1] and loop.state.recompute
    assert list(heard.losses.values()) == pytest.approx(list(expected.losses.values()), rel=1e-2)
    again, _heard = new_loop(steps=10)
    again.load_state_dict(heard.kept[-1])
    assert again.model.model.recompute


def test_where_measuring_takes_long_it_is_done_less_often():
    loop, heard = new_loop(steps=None, time=1.5)
    loop.plan = replace(loop.plan, evaluations=20)
    measured = []

    def evaluate(state):
        measured.append(state.step)
        time.sleep(0.1)
        return 1.0

    heard.evaluate = evaluate
    assert loop.run()
    assert len(measured) <= FEWEST + 2  # and before the first step, and after the last


@pytest.mark.parametrize("optimizer", ["muon", "adamw", "adam", "sgd"])
def test_each_optimiser_learns(optimizer):
    loop, heard = new_loop(steps=60, optimizer=optimizer)
    loop.run()
    assert heard.losses[60] < 0.75 * heard.losses[1]


@pytest.mark.parametrize("kind", ["dropout", "token_dropout"])
def test_what_is_left_out_is_a_function_of_the_seed_and_the_step(kind):
    loop, heard = new_loop(steps=12, checkpoint_every=0.0, **{kind: 0.3})
    loop.run()
    plain, without = new_loop(steps=12)
    plain.run()
    assert heard.losses != without.losses
    again, later = new_loop(steps=12, **{kind: 0.3})
    again.load_state_dict(heard.kept[5])
    torch.rand(7)  # whatever else has drawn numbers
    again.run()
    assert later.losses == {step: heard.losses[step] for step in later.losses}
    assert torch.equal(weights(again), weights(loop))


def test_what_is_left_out_is_the_same_however_many_rows_are_computed_at_once():
    found = []
    for rows in (8, 3):
        loop, heard = new_loop(steps=12, dropout=0.2, token_dropout=0.2, optimizer="adamw", learning_rate=0.001)
        loop.plan = replace(loop.plan, micro_rows=rows)
        loop.run()
        found.append(list(heard.losses.values()))
    assert found[0] == pytest.approx(found[1], rel=1e-5)


@pytest.mark.parametrize(("penalty", "power"), [("l1", 1), ("l2", 2)])
def test_penalties_make_the_matrices_smaller(penalty, power):
    sums = []
    for options in ({}, {penalty: 0.05}):
        loop, _heard = new_loop(steps=40, optimizer="sgd", learning_rate=0.05, **options)
        loop.run()
        sums.append(sum(float((matrix.detach().abs() ** power).sum()) for matrix in matrices_of(loop.model)))
    assert sums[1] < 0.95 * sums[0]


def test_the_penalties_gradients_are_those_of_their_formulas():
    loop, _heard = new_loop(l1=0.01, l2=0.03)
    plain, _heard = new_loop()
    for each in (loop, plain):
        each._gradients()
    for penalised, matrix in zip(matrices_of(loop.model), matrices_of(plain.model), strict=True):
        added = penalised.grad - matrix.grad
        torch.testing.assert_close(added, 0.01 * matrix.sign() + 0.03 * matrix, atol=1e-6, rtol=1e-4)


def test_float16_learns_as_float32_does():
    runs = [new_loop(steps=25, dtype=dtype, learning_rate=0.005) for dtype in ("float32", "float16")]
    for loop, _heard in runs:
        loop.run()
    assert runs[1][0].state.scale > 1
    for step, loss in runs[0][1].losses.items():
        assert runs[1][1].losses[step] == pytest.approx(loss, rel=0.02, abs=0.01)


def test_a_step_whose_gradients_are_too_large_for_float16_is_computed_again_with_a_smaller_scale():
    loop, heard = new_loop(steps=3, dtype="float16")
    usual, heard_usually = new_loop(steps=3, dtype="float16")
    loop.state.scale = 2.0**60
    loop.run()
    usual.run()
    assert 1 < loop.state.scale < 2.0**60 and not heard.back and not heard.passed_over
    assert heard.losses[1] == heard_usually.losses[1]
    assert heard.losses[3] == pytest.approx(heard_usually.losses[3], rel=0.01)


def test_the_scale_of_float16_grows_again_and_is_part_of_a_checkpoint(monkeypatch):
    monkeypatch.setattr(training_loop, "GROWS_AFTER", 5)
    loop, heard = new_loop(steps=12, dtype="float16")
    first = loop.state.scale
    loop.run()
    assert loop.state.scale == 4 * first
    again, _heard = new_loop(steps=12, dtype="float16")
    again.start(heard.kept[-1])
    assert (again.state.scale, again.state.scale_fits) == (4 * first, 2)


@pytest.fixture
def late_loop(monkeypatch):
    """A loop as on a GPU: the device leaves out what is wrong, and the loop looks when a step is reported."""
    monkeypatch.setattr(training_loop, "EVERY_STEP", 0)

    def make(**options):
        loop, heard = new_loop(**options)
        loop.looks_later = True
        return loop, heard

    return make


def test_a_training_that_is_looked_at_later_is_the_same(late_loop):
    straight, heard = new_loop(steps=43)
    late, heard_late = late_loop(steps=43)
    assert straight.run() and late.run()
    assert sorted(heard_late.losses) == [10, 20, 30, 40]
    for step, loss in heard_late.losses.items():
        assert loss == pytest.approx(heard.losses[step], rel=1e-3)
    torch.testing.assert_close(weights(late), weights(straight), rtol=1e-3, atol=1e-4)
    assert late.state.expected.count == 43


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_touches_no_weights_though_it_is_seen_later(late_loop, monkeypatch, value):
    loop, heard = late_loop(keep_every=10)
    spoil_loss(loop, monkeypatch, 12, 1, value)
    finite = []

    def last_checkpoint():
        finite.append(bool(weights(loop).isfinite().all()))
        return heard.kept[-1]

    monkeypatch.setattr(heard, "last_checkpoint", last_checkpoint)
    assert loop.run()
    assert finite == [True] and loop.state.setbacks == 1
    assert weights(loop).isfinite().all()


def test_a_batch_that_stands_out_is_left_out_though_it_is_seen_later(late_loop):
    def spoiled(step, batch):
        tokens, targets, *_others = batch
        return (tokens, targets.flip(1).roll(7)) if step == 103 else batch

    straight, heard = new_loop(steps=120, batch=spoiled)
    late, heard_late = late_loop(steps=120, batch=spoiled)
    assert straight.run() and late.run()
    assert heard_late.passed_over == heard.passed_over == [103] and not heard_late.back
    assert heard_late.losses[120] == pytest.approx(heard.losses[120], rel=0.05)


def test_one_that_is_looked_at_later_goes_on_from_any_step_to_the_same_end(late_loop):
    straight, heard = late_loop(steps=40, keep_every=7)
    assert straight.run()
    resumed, _heard = late_loop(steps=40)
    resumed.start(next(kept for kept in heard.kept if kept["state"]["step"] == 14))
    assert resumed.run()
    assert torch.equal(weights(straight), weights(resumed))
    assert resumed.state.expected == straight.state.expected and resumed.state.limit == straight.state.limit


def test_what_comes_between_its_making_and_its_first_step_is_of_its_time():
    begin = time.perf_counter()
    loop, _keeper = new_loop(steps=None, time=1.2)
    time.sleep(0.5)
    assert loop.run()
    assert loop.state.elapsed == pytest.approx(time.perf_counter() - begin, abs=0.2)


def timed_loop(seconds, measured, score=lambda state: 1.0, going_on=None, **options):
    """Of a training by time that is measured some eight times, and writes down at which steps."""
    loop, heard = new_loop(steps=None, time=seconds, learning_rate=0.001, **options)
    loop.plan = replace(loop.plan, evaluations=8)
    heard.evaluate = lambda state: measured.append(state.step) or score(state)
    if going_on:
        loop.load_state_dict(going_on.observer.kept[-1])
    return loop


def test_a_training_that_is_prolonged_is_measured_on_its_way_and_no_step_twice():
    measured = []
    loop = timed_loop(1.0, measured)
    assert loop.run()
    longer = timed_loop(3.0, measured, going_on=loop)
    assert longer.run()
    assert len(measured) == len(set(measured))
    end = loop.state.step
    on_the_way = [step for step in measured if end < step < longer.state.step]
    assert 4 <= len(on_the_way) <= 8
    assert on_the_way[0] < end + (longer.state.step - end) / 3


def test_a_training_that_is_prolonged_has_the_patience_for_a_rate_that_is_high_again():
    measured = []
    loop = timed_loop(1.0, measured, patience=2)
    assert loop.run()

    def score(state):
        """Above the best until the end, but learning."""
        return 2.0 - state.elapsed / 10 if state.elapsed < 2.9 else 0.5

    longer = timed_loop(3.0, measured, score, loop, patience=2)
    assert longer.run()
    assert longer.state.elapsed == pytest.approx(3.0, abs=0.3)
    assert longer.state.best == 0.5 and longer.state.best_step > loop.state.step


def test_a_training_that_goes_on_does_so_with_the_numbers_of_its_plan():
    first, heard = new_loop(steps=4)
    assert first.run()
    again, _heard = new_loop(steps=20, weight_decay=0.7)
    again.load_state_dict(heard.kept[-1])
    muon = again.optimisers[0]
    assert muon.param_groups[0]["weight_decay"] == 0.7 and muon.param_groups[0]["momentum"] == again.plan.momentum
    assert torch.equal(weights(first), weights(again))
    assert all(optimiser.state for optimiser in again.optimisers)
