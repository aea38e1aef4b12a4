"""Steps are tried before a training; what was found is remembered."""

import itertools
import time

import pytest
import torch

from newleaf.core.errors import UserError
from newleaf.core.model.gpt import GPT
from newleaf.core.model.native import training_lanes
from newleaf.core.progress import Cancelled
from newleaf.trainer.machine import MOST_ROUNDS, WHEN_BUSY, machine, measure, remember
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.plan import Machine, Trial, make_plan, shape_name
from newleaf.trainer.trial import try_steps

MACHINE = Machine("cpu", "test", 2, 8 << 30, {"nano": 1e11, "mini": 1e11}, "float32")


def plan_and_model(time=3600.0, **options):
    plan = make_plan(TrainOptions(size="nano", context=32, time=time, **options), MACHINE, 300, 10**6, 10**4)
    model = GPT(plan.model_config)
    model.initialise(torch.Generator().manual_seed(0))
    return plan, model


def test_it_finds_rows_and_seconds_within_what_the_step_has():
    plan, model = plan_and_model(batch_tokens=4096)
    found = try_steps(model, plan, "off", None, lambda text: None)
    assert 1 <= found.micro_rows <= plan.rows
    assert 0 < found.token_seconds < 0.01 and found.update_seconds > 0
    assert found.compiled is None


def test_its_seconds_are_those_that_a_step_usually_takes(monkeypatch):
    """By the fastest of some steps a training was planned with a third more steps than it came to."""
    plan, model = plan_and_model(batch_tokens=1024)
    taken = itertools.cycle([0.01, 0.02, 0.03])
    monkeypatch.setattr("newleaf.trainer.trial.seconds_of", lambda work, device: next(taken))
    found = try_steps(model, plan, "off", None, lambda text: None)
    assert found.token_seconds == pytest.approx(0.02 / 1024) and found.update_seconds == pytest.approx(0.02)


def test_rows_that_the_memory_does_not_take_are_not_chosen(monkeypatch):
    plan, model = plan_and_model(batch_tokens=16_384)
    true = model.loss

    def loss(tokens, targets, **told):
        if len(tokens) > 40:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return true(tokens, targets, **told)

    monkeypatch.setattr(model, "loss", loss)
    assert try_steps(model, plan, "off", None, lambda text: None).micro_rows <= 40


@pytest.mark.parametrize("most", [2, 0])
def test_where_few_rows_are_too_many_it_goes_on_with_fewer_and_says_when_none_fits(monkeypatch, most):
    plan, model = plan_and_model(batch_tokens=16_384)
    true = model.loss

    def loss(tokens, targets, **told):
        if len(tokens) > most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return true(tokens, targets, **told)

    monkeypatch.setattr(model, "loss", loss)
    if most:
        found = try_steps(model, plan, "off", None, lambda text: None)
        assert found.micro_rows == 2 and 0 < found.token_seconds < 0.1
    else:
        with pytest.raises(UserError, match="--size"):
            try_steps(model, plan, "off", None, lambda text: None)


@pytest.fixture
def without_c(monkeypatch):
    """As where newleaf's library for training was not built."""
    for user in ("native", "attention", "loss"):
        monkeypatch.setattr(f"newleaf.core.model.{user}.training_lanes", lambda: 0)


@pytest.mark.usefixtures("without_c")
def test_it_compiles_only_where_the_time_can_pay_for_it(monkeypatch):
    compiled = []
    monkeypatch.setattr("newleaf.core.model.gpt.Decoder.compile_layers", lambda self: compiled.append(1))
    known = Trial(4, 1e-5, 1e-3)
    plan, model = plan_and_model(time=60.0)
    assert try_steps(model, plan, "auto", known, lambda text: None) == known and not compiled
    plan, model = plan_and_model(time=3600.0)
    assert try_steps(model, plan, "auto", known, lambda text: None).compiled is not None and compiled


@pytest.mark.skipif(not training_lanes(), reason="newleaf was built without it, or for another processor")
def test_it_does_not_compile_what_is_in_c_already_but_when_told_to(monkeypatch):
    compiled = []
    monkeypatch.setattr("newleaf.core.model.gpt.Decoder.compile_layers", lambda self: compiled.append(1))
    plan, model = plan_and_model(time=3600.0)
    known = Trial(4, 1e-5, 1e-3)
    assert try_steps(model, plan, "auto", known, lambda text: None) == Trial(4, 1e-5, 1e-3, compiled=1.0)
    assert not compiled
    try_steps(model, plan, "on", known, lambda text: None)
    assert compiled


@pytest.mark.usefixtures("without_c")
def test_where_nothing_can_be_compiled_auto_goes_without_and_on_says_so(monkeypatch):
    plan, model = plan_and_model()

    def fail(self):
        def refuse(*_args):
            raise RuntimeError("no working C++ compiler\nand much more")

        self.compiled = (refuse,)

    monkeypatch.setattr("newleaf.core.model.gpt.Decoder.compile_layers", fail)
    known = Trial(4, 1e-5, 1e-3)
    assert try_steps(model, plan, "auto", known, lambda text: None).compiled == 1.0
    plan, model = plan_and_model()
    with pytest.raises(UserError, match=r"no working C\+\+ compiler.*--compile off"):
        try_steps(model, plan, "on", known, lambda text: None)


def test_a_wish_to_stop_is_heard():
    def stop(text):
        raise Cancelled

    plan, model = plan_and_model()
    with pytest.raises(Cancelled):
        try_steps(model, plan, "off", None, stop)


def test_a_wish_to_stop_is_heard_while_the_machine_is_measured(newleaf_home):
    asked = []

    def stop():
        asked.append(1)
        if len(asked) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        machine("cpu", stop)
    assert len(asked) == 3
    assert not (newleaf_home / "machine.json").exists()  # nothing is kept of what was cut short


@pytest.fixture
def steps_done(monkeypatch):
    """Of which type steps were done, where those of a machine cost nothing, and a bfloat16 product `slowness` times a
    float32 one."""
    done = []

    def fake(slowness):
        def step(size, device, dtype):
            return lambda: done.append(f"{size} {dtype}"), 1e9

        def linear_map(device, dtype):
            return lambda: time.sleep(0.001 * (slowness if dtype == "bfloat16" else 1))

        def product(device, dtype, size):
            return linear_map(device, dtype), 1e9

        monkeypatch.setattr("newleaf.trainer.machine._step", step)
        monkeypatch.setattr("newleaf.trainer.machine._linear_map", linear_map)
        monkeypatch.setattr("newleaf.trainer.machine._product", product)
        return done

    return fake


def test_no_step_is_done_in_a_type_that_the_processor_has_no_units_for(steps_done):
    """A product in it can take hundreds of times as long: one step would take a minute."""
    done = steps_done(slowness=30)
    found = measure("cpu")
    assert found.dtype == "float32"
    assert "nano float32" in done and not any("bfloat16" in each for each in done)
    done = steps_done(slowness=1)
    assert measure("cpu").dtype in ("float32", "bfloat16")
    assert done.count("nano float32") > done.count("nano bfloat16") > 0


def test_a_type_that_the_processor_has_no_units_for_is_planned_as_slow_as_it_is(steps_done):
    steps_done(slowness=30)
    found = measure("cpu")
    plans = [
        make_plan(TrainOptions(size="nano", time=600.0, dtype=dtype), found, 300, 10**6, 10**4)
        for dtype in ("float32", "bfloat16", "float16")
    ]
    fast, slow, other = (plan.expected_tokens_per_second for plan in plans)
    assert fast / slow == pytest.approx(30, rel=0.3) and fast / other == pytest.approx(1, rel=0.3)


@pytest.mark.parametrize(("busy", "rounds"), [(False, MOST_ROUNDS), (True, MOST_ROUNDS * WHEN_BUSY)])
def test_beside_other_work_the_machine_is_measured_for_longer(monkeypatch, steps_done, busy, rounds):
    monkeypatch.setattr("newleaf.trainer.machine.was_busy", lambda before: busy)
    done = steps_done(slowness=1)
    measure("cpu")
    for dtype in "float32", "bfloat16":
        assert done.count(f"nano {dtype}") == done.count(f"mini {dtype}") == rounds


def test_what_other_work_made_slow_is_for_one_training_and_not_remembered(monkeypatch):
    monkeypatch.setattr("newleaf.trainer.machine.measure", lambda device, check: MACHINE)
    here = machine("cpu")
    assert remember(here, "a shape", Trial(2, 1e-3, 0.5), keep=False).trials == {"a shape": Trial(2, 1e-3, 0.5)}
    assert machine("cpu").trials == here.trials == {}


def test_what_was_found_is_remembered_and_makes_the_plan(monkeypatch):
    monkeypatch.setattr("newleaf.trainer.machine.measure", lambda device, check: MACHINE)
    here = machine("cpu")
    plan, _model = plan_and_model()
    shape = shape_name(plan.model_config, "float32", "muon", plan.sampled_softmax)
    slow = remember(here, shape, Trial(2, 1e-3, 0.5, compiled=2.0))
    assert machine("cpu").trials == slow.trials
    options = TrainOptions(size="nano", context=32, time=3600.0, batch_tokens=1024)
    made = make_plan(options, machine("cpu"), 300, 10**6, 10**4)
    assert made.compile and made.micro_rows == 2
    assert made.expected_tokens_per_second == pytest.approx(1024 / (1024 * 1e-3 / 2 + 0.5), rel=1e-3)
    assert not make_plan(TrainOptions(size="nano", context=32, time=5.0), machine("cpu"), 300, 10**6, 10**4).compile


@pytest.mark.long
def test_a_loss_through_compiled_layers_is_that_of_plain_ones():
    """Slow where nothing was compiled before; skips where nothing can be."""
    _plan, model = plan_and_model(batch_tokens=128)
    model.train()
    tokens, targets = torch.randint(300, (2, 4, 32), generator=torch.Generator().manual_seed(1))
    model.loss(tokens, targets).backward()
    plain = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    model.model.compile_layers()
    try:
        model.loss(tokens, targets).backward()
    except Exception as error:
        pytest.skip(f"nothing can be compiled here: {type(error).__name__}")
    for parameter, expected in zip(model.parameters(), plain, strict=True):
        torch.testing.assert_close(parameter.grad, expected, atol=1e-5, rtol=1e-3)
    model.eval()
    with torch.no_grad():  # what is measured or written goes through the layers as they are
        assert torch.isfinite(model.loss(tokens[:1, :7], targets[:1, :7]))
