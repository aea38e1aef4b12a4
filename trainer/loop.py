"""The loop that trains everything: what differs between trainings comes from outside as batches and a loss.

A step: some micro-batches forward and backward, clip, update. Now and then: measure, sample, checkpoint. The loop reads
no clock to decide what a step does, so the same plan in steps gives the same losses whether or not it was interrupted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from torch import Tensor

from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.model.gpt import GPT
from . import optimisers
from .plan import Plan
from .schedule import Schedule
from .step import gradients, update

EVERY_STEP = 1_000  # so many steps are reported one by one, later ones each tenth
RECENT = 0.9  # the weight of the past in the rate that is shown
SHORT_DECAY = 0.25  # of the steps so far: how long the rate falls when the learning ends early


@dataclass
class State:
    """Where a training is: with the weights and the optimisers' memory, all that a resumed run needs."""

    step: int = 0  # steps that are done
    elapsed: float = 0.0  # seconds of work, pauses left out
    evaluations: int = 0  # of those that the time calls for: how many are due no more
    last_evaluated: int = -1  # step
    best: float | None = None  # the lowest bits per byte so far
    best_step: int = 0
    stale: int = 0  # evaluations since then
    schedule: Schedule = field(default_factory=lambda: Schedule(1))


class Observer(Protocol):
    """Who hears of what the loop does."""

    def stepped(self, state: State, metrics: dict[str, float]) -> None:
        """A step is done; `metrics` are loss, learning_rate, gradient_norm and tokens_per_second."""

    def evaluate(self, state: State) -> float | None:
        """Measure bits per byte on held-out text."""

    def improved(self, step: int, score: float | None) -> None:
        """The weights, after `step` steps, are the best so far."""

    def evaluated(self, state: State, score: float | None) -> None:
        """A measurement is done, and `improved` called if it is the best."""

    def checkpoint(self, state: dict[str, Any], step: int) -> None:
        """Keep this."""

    def stop_requested(self) -> bool:
        """Whether to end soon."""


class Loop:
    """One training."""

    def __init__(self, model: GPT, plan: Plan, batch: Callable[[int], tuple[Tensor, Tensor]], observer: Observer):
        self.model, self.plan, self.batch, self.observer = model, plan, batch, observer
        self.optimisers = optimisers.build(model, plan)
        schedule = Schedule.of_steps(plan.steps, plan.warmup) if plan.steps else Schedule(plan.warmup)
        self.state = State(schedule=schedule)
        self.reserve = 0.0  # seconds of the plan's time that are for what comes after the loop
        self._seconds_per_step = 0.0  # of late

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {
            "format": 1,
            "state": asdict(self.state),
            "model": self.model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
        }

    def load_state_dict(self, values: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        state = dict(values["state"])
        self.state = State(**{**state, "schedule": Schedule(**state["schedule"])})
        self.model.load_state_dict(values["model"])
        for optimiser, its_values in zip(self.optimisers, values["optimisers"], strict=True):
            optimiser.load_state_dict(its_values)

    def run(self) -> bool:
        """Train to the end, True, or until somebody wants a stop, False: then the last checkpoint is of this moment."""
        state, plan = self.state, self.plan
        begin = time.perf_counter() - state.elapsed
        first_step, first_elapsed = state.step, state.elapsed
        last_checkpoint = time.perf_counter()
        self.model.train()
        while True:
            state.elapsed = time.perf_counter() - begin
            if plan.time:
                done = state.step - first_step
                average = (state.elapsed - first_elapsed) / done if done else 0.0
                if done or state.elapsed >= plan.time:
                    state.schedule.keep_time(state.step, state.elapsed, plan.time - self.reserve, average)
            if state.schedule.is_over(state.step):
                break
            if self._evaluation_due():
                self._evaluate()
                if self._learns_no_more():
                    break
                state.elapsed = time.perf_counter() - begin
            if self.observer.stop_requested():
                self._checkpoint()
                if state.step and not state.best_step:  # there shall be a model, however early somebody stops
                    self.observer.improved(state.step, self.observer.evaluate(state))
                return False
            self._step()
            if time.perf_counter() - last_checkpoint >= plan.checkpoint_every:
                state.elapsed = time.perf_counter() - begin
                self._checkpoint()
                last_checkpoint = time.perf_counter()
        self._evaluate_unless_done()
        self._checkpoint()
        return True

    def remaining_steps(self) -> int:
        """About how many steps are to come."""
        state, plan = self.state, self.plan
        if state.schedule.end is not None:
            return max(0, state.schedule.end - state.step)
        assert plan.time is not None
        left = max(0.0, plan.time - self.reserve - state.elapsed)
        return round(left / self._seconds_per_step) if self._seconds_per_step else plan.expected_steps

    def _step(self) -> None:
        begin = time.perf_counter()
        state, plan = self.state, self.plan
        factor = state.schedule.factor(state.step)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["base"] * factor
        loss, norm = gradients(self.model, plan, *self.batch(state.step))
        shown = state.step < EVERY_STEP or state.step % 10 == 9
        if shown:
            self._check(float(norm) if math.isfinite(float(loss)) else float(loss))
        update(self.optimisers)
        state.step += 1
        taken = time.perf_counter() - begin
        past = RECENT if self._seconds_per_step else 0.0
        self._seconds_per_step = past * self._seconds_per_step + (1 - past) * taken
        if shown:
            self.observer.stepped(
                state,
                {
                    "loss": float(loss),
                    "learning_rate": plan.learning_rate * factor,
                    "gradient_norm": float(norm),
                    "tokens_per_second": plan.batch_tokens / self._seconds_per_step,
                },
            )

    def _check(self, number: float) -> None:
        if not math.isfinite(number):
            raise UserError(
                _(
                    "The loss at step {step} is no number any more. Train again with a lower --learning-rate: {rate:g}"
                ).format(step=self.state.step + 1, rate=self.plan.learning_rate / 3)
            )

    def _evaluation_due(self) -> bool:
        state, plan = self.state, self.plan
        if plan.eval_every:
            return state.step % plan.eval_every == 0 and state.step != state.last_evaluated
        assert plan.time is not None
        if state.elapsed < state.evaluations * plan.time / plan.evaluations:
            return False
        state.evaluations = int(state.elapsed * plan.evaluations / plan.time) + 1
        return True

    def _evaluate_unless_done(self) -> None:
        if self.state.step and self.state.last_evaluated != self.state.step:
            self._evaluate()

    def _evaluate(self) -> None:
        state = self.state
        score = self.observer.evaluate(state)
        self.model.train()
        state.last_evaluated = state.step
        if state.step and (score is None or state.best is None or score < state.best):
            state.best, state.best_step, state.stale = score, state.step, 0
            self.observer.improved(state.step, score)
        elif state.step:
            state.stale += 1
        self.observer.evaluated(state, score)

    def _learns_no_more(self) -> bool:
        """Whether to end; when the held-out text is learnt no further at the full rate, the rate falls first."""
        state, plan = self.state, self.plan
        if not plan.patience or state.stale < plan.patience:
            return False
        schedule = state.schedule
        if schedule.decay_start is not None and state.step >= schedule.decay_start:
            return True
        schedule.begin_decay(state.step, min(self.remaining_steps(), max(1, round(SHORT_DECAY * state.step))))
        state.stale = 0
        return False

    def _checkpoint(self) -> None:
        self.observer.checkpoint(self.state_dict(), self.state.step)
