"""Which text a step learns from: a function of the seed and the step's number. A resumed run needs no memory of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..core.model.gpt import LeftOut
from ..core.model.loss import Candidates
from .candidates import CandidateSampler, sampler_of
from .plan import Plan


class Batch(NamedTuple):
    """What a step learns from: tokens, and for each the one that follows, (rows, context) each, int64.

    `counts` say how much each target counts, where not all do alike; `segments` number the texts of each row, where it
    has several that do not see each other. `candidates` are the pieces that the loss is computed over, where they are
    not all: the same for all rows of a step. `left_out` is what is not seen.
    """

    tokens: Tensor
    targets: Tensor
    counts: Tensor | None = None
    segments: Tensor | None = None
    candidates: Candidates | None = None
    left_out: LeftOut | None = None

    def rows(self, some: slice) -> Batch:
        """Some of the rows."""
        return self._of_rows(lambda tensor: tensor[some])

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        return self._all(lambda tensor: tensor.to(device, non_blocking=True))

    def pinned(self) -> Batch:
        """The same in memory from which it goes to a GPU beside its work."""
        return self._all(Tensor.pin_memory)

    def _of_rows(self, change: Callable[[Tensor], Tensor]) -> Batch:
        def changed(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else change(tensor)

        return self._replace(
            tokens=change(self.tokens),
            targets=change(self.targets),
            counts=changed(self.counts),
            segments=changed(self.segments),
            left_out=self.left_out and LeftOut(*map(changed, self.left_out)),
        )

    def _all(self, change: Callable[[Tensor], Tensor]) -> Batch:
        candidates = self.candidates and Candidates(*map(change, self.candidates))
        return self._of_rows(change)._replace(candidates=candidates)

    @property
    def weight(self) -> float:
        """How much all targets count together."""
        return float(self.targets.numel()) if self.counts is None else float(self.counts.double().sum())


class TokenBatches:
    """Rows of `context` tokens from one long array, and for each token the one that follows.

    An epoch cuts the array into windows, from a start that differs each time, and goes through them in an order of its
    own: every window once before any comes again.
    """

    def __init__(
        self,
        tokens: np.ndarray[Any, Any],
        context: int,
        rows: int,
        seed: int,
        sampler: CandidateSampler | None = None,
    ):
        self.tokens, self.context, self.rows, self.seed = tokens, context, rows, seed
        self.windows = (len(tokens) - context) // context  # so many fit from whatever start
        assert self.windows >= rows, (self.windows, rows)
        self.steps_per_epoch = self.windows // rows
        self._sampler = sampler
        self._epoch = -1
        self._starts = np.zeros(0, dtype=np.int64)

    def batch(self, step: int) -> Batch:
        """What a step learns from."""
        epoch, index = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            random = np.random.default_rng([self.seed, epoch])
            offset = random.integers(self.context)
            self._starts = offset + random.permutation(self.windows) * self.context
            self._epoch = epoch
        starts = self._starts[index * self.rows : (index + 1) * self.rows]
        block = torch.from_numpy(self.tokens[starts[:, None] + np.arange(self.context + 1)].astype(np.int64))
        return _of_block(block, self._sampler, step)


def made_up_batch(plan: Plan) -> Batch:
    """A step of tokens that are about as frequent as those of a text, to see how fast the plan's steps are."""
    pieces = np.arange(plan.model_config.vocab_size)
    text = np.repeat(pieces, len(pieces) // (pieces + 1))  # as G. Zipf found
    random = np.random.default_rng(plan.seed)
    block = torch.from_numpy(random.choice(text, (plan.rows, plan.context + 1)))
    return _of_block(block, sampler_of(plan, text), 0)


def _of_block(block: Tensor, sampler: CandidateSampler | None, step: int) -> Batch:
    """Of (rows, context + 1) tokens in a row."""
    targets = block[:, 1:]
    candidates = None if sampler is None else sampler.draw(targets.numpy(), step)
    return Batch(block[:, :-1], targets, candidates=candidates)


class Prefetched:
    """Batches of which the next one is read while this one is learnt from: a disk or a GPU never waits for it."""

    def __init__(self, batch: Callable[[int], Batch], pin: bool = False):
        self._batch, self._pin = batch, pin
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._next: tuple[int, Future[Batch]] | None = None

    def batch(self, step: int) -> Batch:
        """As the batches that it reads from."""
        known = self._next[1] if self._next and self._next[0] == step else self._thread.submit(self._read, step)
        found = known.result()
        self._next = step + 1, self._thread.submit(self._read, step + 1)
        return found

    def _read(self, step: int) -> Batch:
        found = self._batch(step)
        return found.pinned() if self._pin else found
