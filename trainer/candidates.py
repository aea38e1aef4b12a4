"""A loss over some of the vocabulary: for a small model most of the work of a step is what it says of pieces that do
not come.

All targets of a step, the frequent pieces, and of the others a sample: the rare pieces that are not in the text have
so little of the probability that few of them tell how much. Each rank of frequency has its share of the sample, and the
others are drawn alike, so the sum over the vocabulary is right on average. What a step draws is a function of the seed,
its number and its text: the same after a resume, however many rows are computed at once, in whichever process.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from ..core.model.loss import MULTIPLE, Candidates
from .excerpt import excerpt
from .plan import FREQUENT, SAMPLED, Plan


def sampler_of(plan: Plan, tokens: np.ndarray[Any, Any]) -> CandidateSampler | None:
    """For a training on these tokens; None where its loss is over the whole vocabulary."""
    return CandidateSampler(excerpt(tokens), plan.model_config.vocab_size, plan.seed) if plan.sampled_softmax else None


class CandidateSampler:
    """Draws for each step of a training on `tokens` (N,), or on as many as tell how frequent each piece is."""

    def __init__(self, tokens: np.ndarray[Any, Any], vocab_size: int, seed: int):
        counts = np.bincount(tokens, minlength=vocab_size)
        self._by_frequency = np.argsort(-counts, kind="stable")
        self._frequent, self._sampled = int(FREQUENT * vocab_size), int(SAMPLED * vocab_size)
        self._seed = seed

    def draw(self, targets: np.ndarray[Any, Any], step: int) -> Candidates:
        """What a step with these targets computes its loss over."""
        needed = np.zeros(len(self._by_frequency), dtype=bool)
        needed[targets] = True
        needed = needed[self._by_frequency]
        needed[: self._frequent] = True
        certain, others = needed.nonzero()[0], (~needed).nonzero()[0]
        least = len(certain) + self._sampled
        number = min(self._sampled + -least % MULTIPLE, len(others))
        stride = len(others) / number if number else 1.0
        start = np.random.default_rng([self._seed, step, 1]).random()
        drawn = others[((np.arange(number) + start) * stride).astype(np.int64).clip(max=len(others) - 1)]
        pieces = self._by_frequency[np.concatenate([certain, drawn])]
        places = np.zeros(len(needed), dtype=np.int64)
        places[pieces] = np.arange(len(pieces))
        log_counts = np.zeros(len(pieces), dtype=np.float32)
        log_counts[len(certain) :] = math.log(stride)
        return Candidates(*map(torch.from_numpy, (pieces, places, log_counts)))
