"""How the steps of a plan are done fastest on this machine, found by doing some: rows at once, compiled or not."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.model.gpt import GPT
from .batches import made_up_batch
from .group import Network
from .machine import seconds_of
from .memory import free_memory, is_out_of_memory, memory_is_full
from .optimisers import build
from .plan import LARGEST_MICRO_BATCH, Plan, Trial, even_rows
from .step import autocast, gradients, update

SMALLEST_MICRO_BATCH = 1024  # tokens
SHARE = 0.02  # of the time, for trying how many rows at once are fastest
CLEARLY = 0.97  # of the time: what so little faster is, is noise
COMPILED_FIRST = 20.0  # seconds that it takes to compile, about
GAIN = 1.15  # how many times as fast compiled layers are, about: where it is not yet known
STEPS, LONG = 3, 0.5  # so often a step is timed, if not so many seconds have passed
VERY_LONG = 2.0  # seconds: who takes so long is not done again
SMALL_GRADIENT = 1e-3  # to see how long an update takes
TURNS = 6  # so often it is timed with compiled layers and without


def try_steps(model: GPT, plan: Plan, compiling: str, known: Trial | None, say: Callable[[str], None]) -> Trial:
    """Do steps of the plan with a model whose weights do not matter; what is `known` of them is not tried again.

    `compiling` is "on", "off" or "auto": then it is tried if the plan's time can win by it, and not all is in C anyway.
    Raises UserError where it is "on" and cannot be, and where no step fits into the memory; and what `say` raises.
    """
    tries = _Tries(model.train(), plan)
    if known is None:
        say(_("trying how many rows at once are fastest"))
        rows, seconds = tries.fastest_rows()
        known = Trial(rows, seconds, tries.update_seconds())
    if compiling == "off" or (compiling == "auto" and (1 - 1 / GAIN) * plan.expected_seconds < COMPILED_FIRST):
        return known
    rows = even_rows(plan.rows, known.micro_rows)  # as many as in the training: they are part of what is compiled
    if compiling == "auto" and tries.needs_no_compiler(rows):
        return replace(known, compiled=1.0)
    say(_("compiling the network, to see what it gives"))
    model.model.compile_layers()
    try:
        tries.gradients(rows)
    except Exception as error:  # whatever a compiler can say, or that there is none
        if compiling == "on":
            reason = str(error).strip().partition("\n")[0]
            raise UserError(
                _("The network cannot be compiled here: {reason}. Train with --compile off.").format(reason=reason)
            ) from error
        return replace(known, compiled=1.0)
    return replace(known, compiled=round(tries.gain_of_compiled(rows), 4))


class _Tries:
    """Parts of steps of a plan, on a text that is made up."""

    def __init__(self, model: GPT, plan: Plan):
        self.model, self.plan, self.batch = model, plan, made_up_batch(plan)

    def needs_no_compiler(self, rows: int) -> bool:
        """Whether all that could be compiled is in C already."""
        with autocast(self.plan.device, self.plan.dtype):
            return self.model.model.needs_no_compiler(rows, self.plan.context)

    def update_seconds(self) -> float:
        """Of the optimisers."""
        optimisers = build(Network(self.model), self.plan)

        def step() -> float:
            for parameter in self.model.parameters():
                parameter.grad = torch.full_like(parameter, SMALL_GRADIENT)
            return self._timed(lambda: update(optimisers))

        step()  # makes their memory
        return statistics.median(_times(step))

    def fastest_rows(self) -> tuple[int, float]:
        """The number of rows, and the seconds that a token usually takes with it: a training is not always as fast as
        it can be.
        """
        plan = self.plan
        most = min(plan.rows, max(1, LARGEST_MICRO_BATCH // plan.context))
        rows = max(1, min(most, SMALLEST_MICRO_BATCH // plan.context))
        begin, best = time.perf_counter(), self._times_unless_full(rows)
        while not best:
            if rows > 1:
                rows //= 2
            elif not self.model.model.recompute:
                self.model.model.recompute = True
            else:
                raise memory_is_full()
            most = rows
            best = self._times_unless_full(rows)
        best_rows = rows
        while rows < most:
            used = time.perf_counter() - begin
            if 3 * used > SHARE * plan.expected_seconds:  # the next takes twice as long as all before
                break
            rows = min(2 * rows, most)
            taken = self._times_unless_full(rows)
            if not taken:
                break
            if min(taken) < CLEARLY * min(best):
                best_rows, best = rows, taken
        return best_rows, statistics.median(best)

    def _times_unless_full(self, rows: int) -> list[float]:
        """Seconds of a token, forward and backward, with so many rows at once; none where the memory is full."""
        try:
            first = self._of_gradients(rows)
            if first > VERY_LONG:  # what comes with a first time is little of it
                return [first / (rows * self.plan.context)]
            return [seconds / (rows * self.plan.context) for seconds in _times(lambda: self._of_gradients(rows))]
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        free_memory(self.model)
        return []

    def gain_of_compiled(self, rows: int) -> float:
        """How many times as fast the network is with compiled layers, by turns: all is slow now and then."""
        layers = self.model.model.compiled
        with_them: list[float] = []
        without: list[float] = []
        while len(without) < TURNS and sum(without) <= LONG * TURNS / 2:
            for used, taken in ((layers, with_them), ((), without)):
                self.model.model.compiled = used
                taken.append(self._of_gradients(rows))
        self.model.model.compiled = layers
        return min(without) / min(with_them)

    def _of_gradients(self, rows: int) -> float:
        return self._timed(lambda: self.gradients(rows))

    def _timed(self, work: Callable[[], None]) -> float:
        return seconds_of(work, self.plan.device)

    def gradients(self, rows: int) -> None:
        """Of so many rows."""
        gradients(Network(self.model), self.plan, self.batch.rows(slice(rows)), rows)
        if self.plan.device != "cpu":
            torch.accelerator.synchronize()


def _times(seconds: Callable[[], float]) -> list[float]:
    """Of some steps."""
    taken: list[float] = []
    while len(taken) < STEPS and sum(taken) <= LONG:
        taken.append(seconds())
    return taken
