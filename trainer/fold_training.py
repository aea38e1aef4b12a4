"""The training of one fold of a cross-validation: its model is measured and forgotten."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ..core.language import gettext as _
from ..core.model.gpt import GPT
from .batches import TokenBatches
from .candidates import sampler_of
from .checkpoints import load_newest, save_checkpoint
from .evaluation import HeldOut
from .loop import Loop, State

if TYPE_CHECKING:
    from .training import Training


class FoldTraining:
    """What the loop tells of one fold; what goes wrong is said as in the training that it belongs to."""

    def __init__(
        self, training: Training, model: GPT, tokens: np.ndarray[Any, Any], held_out: np.ndarray[Any, Any], name: str
    ):
        self.training, self.model, self.name = training, model, name
        self.plan = training.plan
        self.measured = HeldOut(held_out, training.tokenizer.byte_lengths, self.plan)
        self.folder = training.job.path / f"fold-{name.partition('/')[0]}"
        rows, sampler = min(self.plan.rows, self._rows(tokens)), sampler_of(self.plan, tokens)
        self.batches = TokenBatches(tokens, self.plan.context, rows, self.plan.seed, sampler)
        self.best: dict[str, Tensor] | None = None

    def _rows(self, tokens: np.ndarray[Any, Any]) -> int:
        return max(1, (len(tokens) - self.plan.context) // self.plan.context)

    def run(self, initial: Callable[[GPT], None]) -> float | None:
        """Bits per byte of the fold's documents with the best weights; None when a stop is wanted."""
        checkpoint = self.last_checkpoint()
        if checkpoint is not None:
            self.best = checkpoint.pop("best")
        self.loop = Loop(self.model, self.plan, self.batches.batch, self, initial, checkpoint=checkpoint)
        if not self.loop.run():
            return None
        if self.best is not None:
            self.model.load_state_dict(self.best)
        score = self.measured.measure_at_end(self.loop)
        shutil.rmtree(self.folder, ignore_errors=True)
        return score

    @property
    def clock(self) -> float:
        """As the training."""
        return self.training.clock

    def stepped(self, state: State, metrics: dict[str, float]) -> None:
        """Show where it is."""
        total = state.step + self.loop.remaining_steps()
        index = int(self.name.partition("/")[0])
        left = self.training.seconds_left(state, self.loop)
        whole = self.plan.time or self.training.seconds_a_step(state, self.loop) * total
        self.training.reporter.update(
            progress=self.training.progress(state, total, before=index - 1),
            eta_s=round(left + (self.training.options.trainings - index) * whole, 1),
            message=_("fold {fold}: step {step:,} of {total:,}").format(fold=self.name, step=state.step, total=total),
            loss=round(metrics["loss"], 4),
            tokens_per_second=round(metrics["tokens_per_second"], 1),
        )

    def evaluate(self, state: State) -> float | None:
        """On a part of the fold."""
        return self.measured.measure_some(self.loop)

    def improved(self, step: int, score: float | None) -> None:
        """Keep the weights in memory."""
        self.best = {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def evaluated(self, state: State, score: float | None) -> None:
        """Nothing to say."""

    def checkpoint(self, state: dict[str, Any], step: int) -> None:
        """In a folder of the fold's own, with the best weights so far, of which there is no model's folder."""
        self.training.with_room(lambda: save_checkpoint(self.folder, step, {**state, "best": self.best}))

    def last_checkpoint(self) -> dict[str, Any] | None:
        """The newest of this fold."""
        return load_newest(self.folder)[0]

    def stop_requested(self) -> bool:
        """As the training."""
        return self.training.stop_requested()

    def went_back(self, state: State, from_step: int) -> None:
        """As the training."""
        self.training.went_back(state, from_step)

    def left_out(self, state: State, step: int, loss: float) -> None:
        """As the training."""
        self.training.left_out(state, step, loss)

    def memory_was_full(self, state: State) -> None:
        """As the training."""
        self.training.memory_was_full(state)
