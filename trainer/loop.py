"""The loop that trains everything: what differs between trainings comes from outside as batches and a loss.

A step: some micro-batches forward and backward, clip, update. Now and then: measure, sample, checkpoint. The loop reads
no clock to decide what a step does, so the same plan in steps gives the same losses whether or not it was interrupted.

What goes wrong is mended where that is possible. A batch whose loss stands far above those before it is left out; a
loss that is no number, or batch after batch too high, sends the training back to its last checkpoint with half the
rate. Where the memory is full, fewer rows are computed at once: the result of a step stays the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.model.gpt import GPT
from . import optimisers
from .batches import Batch
from .group import ALONE, Group
from .memory import free_memory, give_back_memory, is_out_of_memory
from .plan import EVALUATION_SHARE, FEWEST, MOST_PREPARING, Plan
from .schedule import Schedule
from .step import gradients, update
from .word_vectors import word_vectors

CHECKPOINT_EVERY, CHECKPOINT_SHARE = 60.0, 0.02  # seconds, or so many that writing takes no larger share of the time
EVERY_STEP = 1_000  # so many steps are reported one by one, later ones each tenth
RECENT = 0.9  # the weight of the past in the rate that is shown
EARLY_DECAY = 1.0  # of the steps so far: how long the rate falls where at its height nothing more is learnt
MOST_ENDING = 0.25  # of the time, at most, for the last measurement, checkpoint and sample, and what is saved
MOST_SETBACKS = 5  # so often a training goes back to a checkpoint
SLOWER = 0.5  # the factor on the rates when it does
MOST_LEFT_OUT = 3  # batches one after the other: then it is no longer the batch that is wrong
CALM = 0.98  # the weight of the past in what a loss is expected to be
FIRST_WATCHED = 50  # steps before a loss can stand out
DEVIATIONS, NATS = 6.0, 0.5  # a loss stands out that is above the expected one by more than both
FIRST_SCALE, GROWS_AFTER = 2.0**16, 1_000  # of losses in float16; after so many steps it is tried twice as large


class Diverged(Exception):  # noqa: N818
    """The training has left the way on which it learns."""


@dataclass
class ExpectedLoss:
    """What the loss of a step should be about, from those before it."""

    count: int = 0
    mean: float = 0.0
    variance: float = 0.0

    @property
    def limit(self) -> float:
        """A loss above it is so high that the batch, or the training, cannot be right; a number of float32."""
        if self.count < FIRST_WATCHED:
            return math.inf
        return float(np.float32(self.mean + max(DEVIATIONS * math.sqrt(self.variance), NATS)))

    def learn(self, loss: float) -> None:
        """Take in one more."""
        self.count += 1
        new = max(1 - CALM, 1 / self.count)
        off = loss - self.mean
        self.mean += new * off
        self.variance = (1 - new) * (self.variance + new * off * off)


@dataclass
class State:
    """Where a training is: with the weights and the optimisers' memory, all that a resumed run needs."""

    step: int = 0  # steps that are done
    elapsed: float = 0.0  # seconds of work, pauses left out
    evaluations: int = 0  # of those that the time calls for: how many are due no more
    last_evaluated: int = -1  # step
    best: float | None = None  # the lowest bits per byte so far
    best_step: int = 0
    lowest: float | None = None  # likewise since the rate was last at its height, or began to fall before its time
    stale: int = 0  # evaluations since then
    schedule: Schedule = field(default_factory=lambda: Schedule(1))
    expected: ExpectedLoss = field(default_factory=ExpectedLoss)
    limit: float = math.inf  # a step whose loss is above it is not learned from
    slower: float = 1.0  # a factor on all rates: less than 1 after a setback
    setbacks: int = 0
    left_out: int = 0  # batches that stood out
    left_out_in_a_row: int = 0
    micro_rows: int = 0  # computed at once; 0: as planned
    recompute: bool = False  # whether layers are computed twice, to keep less of them
    goal: float = 0.0  # what the schedule is for: seconds or steps; 0: as planned
    scale: float = 1.0  # of the loss, so that no gradient is too small for float16
    scale_fits: int = 0  # steps since it changed


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

    def last_checkpoint(self) -> dict[str, Any] | None:
        """The newest that was kept."""

    def went_back(self, state: State, from_step: int) -> None:
        """The training was at `from_step` and is now at an earlier one, with a smaller rate."""

    def left_out(self, state: State, step: int, loss: float) -> None:
        """The batch of this step, counted from 1, is not learned from."""

    def memory_was_full(self, state: State) -> None:
        """From now on so many rows are computed at once."""

    @property
    def clock(self) -> float:
        """A clock's reading in seconds, which stands still while the process is stopped, or waits for room."""


class Loop:
    """One training."""

    def __init__(
        self,
        model: GPT,
        plan: Plan,
        batch: Callable[[int], Batch],
        observer: Observer,
        initial: Callable[[GPT], None] | None = None,
        group: Group = ALONE,
        checkpoint: dict[str, Any] | None = None,
        spent: float = 0.0,
    ):
        """`spent` seconds of the plan's time were gone before."""
        self.group, self.observer = group, observer
        self._made = self.observer.clock - spent
        self.initial = initial or (lambda model: initialise(model, plan))
        self.model, self.plan, self.batch = model, plan, batch
        self.reserve = 0.0  # seconds of the plan's time that are for what comes after the loop
        self._ending = self._saving_seconds = 0.0  # likewise: for its own end, and a save
        self.ended_early = False  # nothing more was learnt
        self._rests_until = 0.0  # seconds of work, before which nothing is measured again
        # A GPU need not wait for us to look at a step: it looks itself, and we do when the step is reported.
        self.looks_later = plan.device == "cuda" and plan.dtype != "float16"
        self._unseen: list[tuple[int, Tensor]] = []  # steps, and their loss and gradient norm (2,)
        self._seen = 0.0, 0.0  # those of the last step that was looked at
        self._unseen_steps, self._unseen_seconds = 0, 0.0
        self.seconds_per_step = 0.0  # of late
        self.prolonged = False  # whether it is to go on for longer than its checkpoint knew
        self._last_checkpoint = self._checkpoint_seconds = 0.0
        self._begin = 0.0  # the clock's reading when `elapsed` was zero, pauses left out
        model.to("cpu")
        if checkpoint is None:
            self.initial(model)
        self.network = group.network(model, plan)
        self.start(checkpoint)

    def start(self, checkpoint: dict[str, Any] | None = None) -> None:
        """Be at the beginning, of which the weights are; or at a checkpoint."""
        model, plan = self.model, self.plan
        model.model.recompute = plan.recompute
        self.optimisers = optimisers.build(self.network, plan)
        schedule = Schedule.of_steps(plan.steps, plan.warmup) if plan.steps else Schedule(plan.warmup)
        scale = FIRST_SCALE if plan.dtype == "float16" else 1.0
        self.state = State(schedule=schedule, recompute=plan.recompute, goal=self._goal, scale=scale)
        if checkpoint is not None:
            self.load_state_dict(checkpoint)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {
            "format": 1,
            "state": asdict(self.state),
            "model": self.network.weights(),
            "optimisers": [self.network.memory(optimiser) for optimiser in self.optimisers],
        }

    def load_state_dict(self, values: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        state = dict(values["state"])
        parts = {"schedule": Schedule(**state["schedule"]), "expected": ExpectedLoss(**state.get("expected", {}))}
        self.state = State(**{**state, **parts})
        self.network.load(values["model"])
        for optimiser, its_values in zip(self.optimisers, values["optimisers"], strict=True):
            planned = [{key: group[key] for key in group if key != "params"} for group in optimiser.param_groups]
            self.network.load_optimiser(optimiser, its_values)
            for group, numbers in zip(optimiser.param_groups, planned, strict=True):
                group.update(numbers)  # the plan's, which may have become longer, and not those that were kept
        self.model.model.recompute = self.state.recompute
        self.prolonged = bool(self.state.goal) and self.state.goal != self._goal
        if self.prolonged:
            self._prolong()
        self.state.goal = self._goal

    @property
    def _goal(self) -> float:
        return self.plan.time or float(self.plan.steps or 0)

    def _prolong(self) -> None:
        """The plan has become longer: where the rate falls already it rises again, and falls at the new end."""
        state, plan = self.state, self.plan
        schedule = state.schedule
        falls = schedule.decay_start is not None and state.step > schedule.decay_start
        begin, begin_elapsed = (state.step, state.elapsed) if falls else (schedule.begin, schedule.begin_elapsed)
        if plan.steps:
            state.schedule = Schedule.of_steps(plan.steps, plan.warmup, begin, begin_elapsed, at=state.step)
        else:
            state.schedule = Schedule(plan.warmup, begin=begin, begin_elapsed=begin_elapsed)
        state.evaluations = self._evaluations_by(state.elapsed)
        if falls:  # with the rate the loss rises, and no batch is to be blamed for it
            state.expected, state.limit = ExpectedLoss(), math.inf
        self._compare_anew()

    def _compare_anew(self) -> None:
        """At a high rate no measurement is below one at the end of a fall: whether it learns shows by those to come."""
        self.state.lowest, self.state.stale = None, 0

    def run(self) -> bool:
        """Train to the end, True, or until somebody wants a stop, False: then the last checkpoint is of this moment."""
        plan = self.plan
        if plan.time and not self.state.elapsed:  # what came since this loop was made is of its time too
            self.state.elapsed = min(self.observer.clock - self._made, MOST_PREPARING * plan.time)
        self._begin = self.observer.clock - self.state.elapsed
        self._measured_from = self.state.step, self.state.elapsed
        self._last_checkpoint = self.observer.clock
        self.model.train()
        while True:
            state = self.state
            stop, due = self._agree()
            if plan.time:
                self._keep_time(plan.time)
            over = state.schedule.is_over(state.step)
            measure = not over and self._evaluation_due()
            if over or measure or stop:
                try:
                    self._look()
                except Diverged:
                    self._go_back()
                    continue
            if over:
                break
            if measure:
                self._evaluate()
                if self._learns_no_more():
                    self.ended_early = True
                    break
            if stop:
                self._checkpoint()
                if state.step and not state.best_step:  # there shall be a model, however early somebody stops
                    self.observer.improved(state.step, self.observer.evaluate(state))
                return False
            due = due or bool(plan.keep_every and (state.step + 1) % plan.keep_every == 0)
            try:
                self._step(look=due)
            except Diverged:
                self._go_back()
                continue
            if due:
                self._checkpoint()
        self._evaluate_unless_done()
        self._checkpoint()
        return True

    def _keep_time(self, time: float) -> None:
        state = self.state
        first_step, first_elapsed = self._measured_from
        done = state.step - first_step
        average = (state.elapsed - first_elapsed) / done if done else 0.0
        if done or state.elapsed >= time:
            state.schedule.keep_time(state.step, state.elapsed, self._time_for_steps(time), average)

    def _time_for_steps(self, time: float) -> float:
        return time - self.reserve - min(self._ending, MOST_ENDING * time)

    def _go_back(self) -> None:
        """To the last checkpoint, or to the beginning, and on from there with a smaller rate."""
        before = self.state
        if before.setbacks >= MOST_SETBACKS:
            raise UserError(
                _(
                    "The training went wrong {times} times, last at step {step}. "
                    "Train with a lower --learning-rate: {rate:g}"
                ).format(
                    times=before.setbacks + 1,
                    step=before.step + 1,
                    rate=float(f"{self.plan.learning_rate * before.slower / 3:.2g}"),
                )
            )
        self.model.zero_grad(set_to_none=True)
        checkpoint = self.observer.last_checkpoint()
        if checkpoint is None:
            first = GPT(self.model.config)
            self.initial(first)
            self.network.load(first.state_dict())
            self.start()
        else:
            self.load_state_dict(checkpoint)
        state = self.state
        state.slower, state.setbacks = before.slower * SLOWER, before.setbacks + 1
        state.micro_rows, state.left_out_in_a_row = before.micro_rows, 0
        state.recompute = self.model.model.recompute = before.recompute
        self._measured_from = state.step, before.elapsed  # the time that is gone stays gone
        self.model.train()
        self.observer.went_back(state, before.step)

    def remaining_steps(self) -> int:
        """About how many steps are to come."""
        state, plan = self.state, self.plan
        if state.schedule.end is not None:
            return max(0, state.schedule.end - state.step)
        assert plan.time is not None
        left = max(0.0, self._time_for_steps(plan.time) - state.elapsed)
        return round(left / self.seconds_per_step) if self.seconds_per_step else plan.expected_steps

    def _step(self, look: bool) -> None:
        """One step; it is looked at, and learned from if it is right, or the other way round."""
        begin = self.observer.clock
        state, plan = self.state, self.plan
        factor = state.schedule.factor(state.step) * state.slower
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["base"] * factor
        shown = state.step < EVERY_STEP or state.step % 10 == 9
        numbers = self._gradients()
        self._unseen.append((state.step, numbers))
        if self.looks_later:
            loss, norm = numbers
            update(self.optimisers, skip=~(loss.isfinite() & norm.isfinite() & (loss <= state.limit)))
            if shown or look:
                self._look()
        elif self._look():
            update(self.optimisers)
        else:
            self.model.zero_grad(set_to_none=True)
        if shown or not self.looks_later:  # whatever was looked at in between: a resumed run has the same limits
            state.limit = state.expected.limit
        state.step += 1
        self._unseen_steps += 1
        self._unseen_seconds += self.observer.clock - begin
        if not self._unseen:
            past = RECENT if self.seconds_per_step else 0.0
            taken = self._unseen_seconds / self._unseen_steps
            self.seconds_per_step = past * self.seconds_per_step + (1 - past) * taken
            self._unseen_steps, self._unseen_seconds = 0, 0.0
        if shown:
            loss_seen, norm_seen = self._seen
            self.observer.stepped(
                state,
                {
                    "loss": loss_seen,
                    "learning_rate": plan.learning_rate * factor,
                    "gradient_norm": norm_seen,
                    "tokens_per_second": plan.batch_tokens / self.seconds_per_step,
                },
            )

    def _gradients(self) -> Tensor:
        """The loss and the norm of a step's gradients (2,), scaled so that they are numbers of their type.

        P. Micikevicius et al. 2018, arXiv:1710.03740.
        """
        state = self.state
        numbers = self._gradients_that_fit()
        if self.plan.dtype == "float16":
            while state.scale > 1.0 and numbers[0].isfinite() and not numbers[1].isfinite():
                self.model.zero_grad(set_to_none=True)
                state.scale, state.scale_fits = state.scale / 2, 0
                numbers = self._gradients_that_fit()
            state.scale_fits += 1
            if state.scale_fits == GROWS_AFTER:
                state.scale, state.scale_fits = state.scale * 2, 0
        return numbers

    def _gradients_that_fit(self) -> Tensor:
        """The loss and the norm of a step's gradients (2,), with as many rows at once as the memory takes."""
        state = self.state
        batch = Batch(*self.batch(state.step))
        while True:
            if self.plan.dropout or self.plan.token_dropout:  # what is left out is a function of the seed and the step
                torch.manual_seed(self.plan.seed << 32 | state.step)
            rows = state.micro_rows or self.plan.micro_rows
            try:
                return torch.stack(gradients(self.network, self.plan, batch, rows, self.group, state.scale))
            except (RuntimeError, MemoryError) as error:
                at_an_end = rows == 1 and state.recompute
                if at_an_end or self.group.size > 1 or not is_out_of_memory(error):
                    raise  # in a group all begin again, with fewer rows
            # Outside of the handler: the error holds on to what was being computed.
            free_memory(self.model)
            if rows == 1:
                state.recompute = self.model.model.recompute = True
            else:
                state.micro_rows = rows // 2
            self.observer.memory_was_full(state)

    def _look(self) -> bool:
        """Look at the steps that were not looked at yet; whether the last is to be learned from. Raises Diverged."""
        right = True
        unseen = [(step, *numbers.tolist()) for step, numbers in self._unseen]
        self._unseen.clear()
        for step, loss, norm in unseen:
            right = self._is_right(step, loss, norm)
            self._seen = loss, norm
        return right

    def _is_right(self, step: int, loss: float, norm: float) -> bool:
        """Whether to learn from a step; False for a batch to leave out. Raises Diverged."""
        state = self.state
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise Diverged
        if loss > state.limit:
            state.left_out += 1
            state.left_out_in_a_row += 1
            if state.left_out_in_a_row > MOST_LEFT_OUT:
                raise Diverged
            self.observer.left_out(state, step + 1, loss)
            return False
        state.expected.learn(loss)
        state.left_out_in_a_row = 0
        return True

    def _evaluation_due(self) -> bool:
        state, plan = self.state, self.plan
        if state.step == state.last_evaluated:
            return False
        if plan.eval_every:
            return state.step % plan.eval_every == 0
        due = self._evaluations_by(state.elapsed)
        if due <= state.evaluations or state.elapsed < self._rests_until:
            return False
        state.evaluations = due
        return True

    def _evaluations_by(self, elapsed: float) -> int:
        """How many the plan's time calls for until then; a part that was prolonged counts from its beginning."""
        if not self.plan.time:
            return 0
        begin = self.state.schedule.begin_elapsed
        return int((elapsed - begin) * self.plan.evaluations / (self.plan.time - begin)) + 1

    def _evaluate_unless_done(self) -> None:
        if self.state.step and self.state.last_evaluated != self.state.step:
            self._evaluate(keep=False)  # which comes next anyway

    def _evaluate(self, keep: bool = True) -> None:
        state, begin = self.state, self.observer.clock
        self.model.eval()
        score = self.observer.evaluate(state)
        state.last_evaluated = state.step
        if state.step and (score is None or state.lowest is None or score < state.lowest):
            state.lowest, state.stale = score, 0
        elif state.step:
            state.stale += 1
        if state.step and (score is None or state.best is None or score < state.best):
            state.best, state.best_step = score, state.step
            saving = self.observer.clock
            self.observer.improved(state.step, score)
            self._saving_seconds = self.observer.clock - saving
        self.observer.evaluated(state, score)
        self.model.train()
        seen = self.observer.clock
        since = seen - self._last_checkpoint
        (cheap,) = self.group.first([float(self._checkpoint_seconds < CHECKPOINT_SHARE * since)])
        if keep and state.best_step == state.step > 0 and cheap:
            self._checkpoint()
        if time := self.plan.time:  # where it takes longer than was thought, it is done less often
            ending = seen - begin + self._checkpoint_seconds + self._saving_seconds
            taken, ending = self.group.first([self.observer.clock - begin, ending])
            self._ending = ending if state.step else 0.0
            part = time - state.schedule.begin_elapsed
            self._rests_until = state.elapsed + min(taken / EVALUATION_SHARE, part / FEWEST)

    def _learns_no_more(self) -> bool:
        """Whether to end; when the held-out text is learnt no further at the full rate, the rate falls first."""
        state, plan = self.state, self.plan
        if not plan.patience or state.stale < plan.patience:
            return False
        schedule = state.schedule
        if schedule.decay_start is not None and state.step >= schedule.decay_start:
            return True
        (remaining,) = self.group.first([float(self.remaining_steps())])
        schedule.begin_decay(state.step, min(int(remaining), max(1, round(EARLY_DECAY * state.step))))
        self._compare_anew()
        self.ended_early = True
        return False

    def _agree(self) -> tuple[bool, bool]:
        """Set the time that has gone; whether to stop and whether to keep a checkpoint: the same in all processes."""
        first = self.group.rank == 0  # its clock counts
        elapsed, stop, due = self.group.sum(
            [
                (self.observer.clock - self._begin) * first,
                float(self.observer.stop_requested()),
                float(self._checkpoint_due() and first),
            ]
        )
        self.state.elapsed = elapsed
        return stop > 0, due > 0

    def _checkpoint_due(self) -> bool:
        plan = self.plan
        since = self.observer.clock - self._last_checkpoint
        if plan.checkpoint_every is None:
            return since >= max(CHECKPOINT_EVERY, self._checkpoint_seconds / CHECKPOINT_SHARE)
        return since >= plan.checkpoint_every

    def _checkpoint(self) -> None:
        begin = self.observer.clock
        self.state.elapsed = begin - self._begin
        self.observer.checkpoint(self.state_dict(), self.state.step)
        self._last_checkpoint = self.observer.clock
        self._checkpoint_seconds = self._last_checkpoint - begin


def initialise(model: GPT, plan: Plan, tokens: np.ndarray[Any, Any] | None = None) -> None:
    """Give a model on the CPU the weights of the plan's seed; its embedding what the text knows."""
    model.initialise(torch.Generator().manual_seed(plan.seed))
    if tokens is not None:
        embedding = model.model.embed_tokens.weight
        vectors = word_vectors(tokens, len(embedding), embedding.shape[1], plan.seed)
        with torch.no_grad():
            embedding.copy_(torch.where(vectors.any(dim=1, keepdim=True), vectors, embedding))
        give_back_memory()  # counting the text took more than steps will
