"""Records packed into rows, side by side where they are short; in a row none sees another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .batches import Batch, TokenBatches


@dataclass(frozen=True)
class Examples:
    """Records in tokens, one after the other: `ends` (R,) say where each ends, `learnt` (N,) what is learnt of them."""

    tokens: np.ndarray[Any, Any]
    learnt: np.ndarray[Any, Any]
    ends: np.ndarray[Any, Any]

    @property
    def lengths(self) -> np.ndarray[Any, Any]:
        """Tokens of each record."""
        return np.diff(self.ends, prepend=0)

    def one(self, index: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """A record: its tokens, and which are learnt."""
        some = slice(int(self.ends[index - 1]) if index else 0, int(self.ends[index]))
        return self.tokens[some], self.learnt[some]


def pack(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Which of some lengths, each at most `room`, share a row of so much room: each goes where it just fits.

    Best fit decreasing, a method of bin packing (Johnson 1973). The same lengths give the same rows.
    """
    rows: list[list[int]] = []
    with_room: dict[int, list[int]] = {}  # rows by the room that is left
    open_rooms = 0  # bit n: there is a row with a room of n
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        length = int(lengths[index])
        fitting = open_rooms >> length
        if fitting:
            left = length + (fitting & -fitting).bit_length() - 1
            row = with_room[left].pop()
            if not with_room[left]:
                open_rooms &= ~(1 << left)
            rows[row].append(index)
            left -= length
        else:
            row, left = len(rows), room - length
            rows.append([index])
        with_room.setdefault(left, []).append(row)
        open_rooms |= 1 << left
    return rows


class PackedBatches:
    """Rows of packed records, in an order of its own in each epoch; and rows of other text, if there is some.

    What stands before the answers counts `prompt_weight`; `others` counts as `share` of all that is learnt. What a
    step learns from is a function of the seed and the step.
    """

    def __init__(
        self,
        examples: Examples,
        context: int,
        rows: int,
        seed: int,
        others: TokenBatches | None = None,
        share: float = 0.0,
        prompt_weight: float = 0.0,
    ):
        self.examples, self.context, self.seed, self.prompt_weight = examples, context, seed, prompt_weight
        self.others, self.share = others, share
        self.packed = pack(list(examples.lengths - 1), context)
        self.rows = min(rows, len(self.packed))
        self.steps_per_epoch = len(self.packed) // self.rows
        self._epoch = -1
        self._order = np.zeros(0, dtype=np.int64)

    def batch(self, step: int) -> Batch:
        """What a step learns from."""
        epoch, index = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._order = np.random.default_rng([self.seed, epoch]).permutation(len(self.packed))
            self._epoch = epoch
        found = self._of(self._order[index * self.rows : (index + 1) * self.rows])
        return found if self.others is None else self._with_others(found, self.others.batch(step))

    def all(self) -> Iterator[Batch]:
        """Every record once, in the order of the rows."""
        for begin in range(0, len(self.packed), self.rows):
            yield self._of(np.arange(begin, min(begin + self.rows, len(self.packed))))

    def _of(self, chosen: np.ndarray[Any, Any]) -> Batch:
        shape = (len(chosen), self.context)
        tokens, targets, segments = (np.zeros(shape, dtype=np.int64) for _each in range(3))
        counts = np.zeros(shape, dtype=np.float32)
        for row, number in enumerate(chosen):
            begin = 0
            for segment, example in enumerate(self.packed[number], 1):
                text, learnt = self.examples.one(example)
                end = begin + len(text) - 1
                tokens[row, begin:end], targets[row, begin:end] = text[:-1], text[1:]
                counts[row, begin:end] = np.where(learnt[1:], 1.0, self.prompt_weight)
                segments[row, begin:end] = segment
                begin = end
        return Batch(
            torch.from_numpy(tokens),
            torch.from_numpy(targets),
            torch.from_numpy(counts),
            torch.from_numpy(segments),
        )

    def _with_others(self, records: Batch, text: Batch) -> Batch:
        each = records.weight * self.share / (1 - self.share) / text.targets.numel()
        assert records.counts is not None and records.segments is not None
        return Batch(
            torch.cat([records.tokens, text.tokens]),
            torch.cat([records.targets, text.targets]),
            torch.cat([records.counts, torch.full(text.targets.shape, each)]),
            torch.cat([records.segments, torch.zeros_like(text.targets)]),
        )
