"""How the steps of a plan are done fastest on this machine, found by doing some: rows at once, compiled or not."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.model.gpt import GPT
from .batches import Batch
from .group import Network
from .machine import now
from .memory import free_memory, is_out_of_memory, memory_is_full
from .optimisers import build
from .plan import LARGEST_MICRO_BATCH, Plan, Trial, even_rows
from .step import gradients, update

SMALLEST_MICRO_BATCH = 1024  # tokens
SHARE = 0.02  # of the time, for trying how many rows at once are fastest
CLEARLY = 0.97  # of the time: what so little faster is, is noise
COMPILED_FIRST = 20.0  # seconds that it takes to compile, about
GAIN = 1.15  # how many times as fast compiled layers are, about: where it is not yet known
STEPS, LONG = 3, 0.5  # so often a step is timed, if not so many seconds have passed


def try_steps(model: GPT, plan: Plan, compiling: str, known: Trial | None, say: Callable[[str], None]) -> Trial:
    """Do steps of the plan with a model whose weights do not matter; what is `known` of them is not tried again.

    `compiling` is "on", "off" or "auto": then it is tried if the plan's time can win by it. Raises UserError where it
    is "on" and cannot be, and where no step fits into the memory; and what `say` raises.
    """
    model.train()
    if known is None:
        say(_("trying how many rows at once are fastest"))
        rows, seconds = _fastest_rows(model, plan)
        known = Trial(rows, seconds, _update_seconds(model, plan))
    if compiling == "off" or (compiling == "auto" and (1 - 1 / GAIN) * plan.expected_seconds < COMPILED_FIRST):
        return known
    say(_("compiling the network, to see what it gives"))
    rows = even_rows(plan.rows, known.micro_rows)  # as many as in the training: they are part of what is compiled
    plain = _token_seconds(model, plan, rows)
    model.model.compile_layers()
    try:
        _gradients(model, plan, rows)
    except Exception as error:  # whatever a compiler can say, or that there is none
        if compiling == "on":
            reason = str(error).strip().partition("\n")[0]
            raise UserError(
                _("The network cannot be compiled here: {reason}. Train with --compile off.").format(reason=reason)
            ) from error
        return replace(known, compiled=1.0)
    return replace(known, compiled=round(plain / _token_seconds(model, plan, rows), 4))


def _update_seconds(model: GPT, plan: Plan) -> float:
    """Of the optimisers."""
    optimisers = build(Network(model), plan)
    taken = []
    for _step in range(2):  # the first makes their memory
        _gradients(model, plan, 1)
        begin = now(plan.device)
        update(optimisers)
        taken.append(now(plan.device) - begin)
    return taken[-1]


def _fastest_rows(model: GPT, plan: Plan) -> tuple[int, float]:
    """The number of rows, and the seconds of a token with it."""
    most = min(plan.rows, max(1, LARGEST_MICRO_BATCH // plan.context))
    rows = max(1, min(most, SMALLEST_MICRO_BATCH // plan.context))
    begin, best = time.perf_counter(), _seconds_unless_full(model, plan, rows)
    while math.isinf(best):
        if rows > 1:
            rows //= 2
        elif not model.model.recompute:
            model.model.recompute = True
        else:
            raise memory_is_full()
        most = rows
        best = _seconds_unless_full(model, plan, rows)
    best_rows = rows
    while rows < most:
        used = time.perf_counter() - begin
        if 3 * used > SHARE * plan.expected_seconds:  # the next takes twice as long as all before
            break
        rows = min(2 * rows, most)
        seconds = _seconds_unless_full(model, plan, rows)
        if math.isinf(seconds):
            break
        if seconds < CLEARLY * best:
            best_rows, best = rows, seconds
    return best_rows, best


def _seconds_unless_full(model: GPT, plan: Plan, rows: int) -> float:
    """Of a token; infinite where the memory does not take so many rows."""
    try:
        return _token_seconds(model, plan, rows)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    free_memory(model)
    return math.inf


def _token_seconds(model: GPT, plan: Plan, rows: int) -> float:
    """Of a token, forward and backward, with so many rows at once."""
    _gradients(model, plan, rows)
    taken = []
    for _step in range(STEPS):
        begin = now(plan.device)
        _gradients(model, plan, rows)
        taken.append(now(plan.device) - begin)
        if sum(taken) > LONG:
            break
    return min(taken) / (rows * plan.context)


def _gradients(model: GPT, plan: Plan, rows: int) -> None:
    block = torch.randint(plan.model_config.vocab_size, (rows, plan.context + 1))
    gradients(Network(model), plan, Batch(block[:, :-1], block[:, 1:]), rows)
    if plan.device != "cpu":
        torch.accelerator.synchronize()
