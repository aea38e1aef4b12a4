"""How high the learning rate is at each step: warm-up, a stable part, a straight line down to zero.

(Warm-up, stable, decay: Hu et al. 2024, arXiv:2404.06395; the line to zero: Bergsma et al. 2025, arXiv:2502.15938.)
A training of N steps knows its end. A training of T seconds learns its end on the way: until the decay begins the last
step is an estimate, from then on it is fixed, and moved only when the machine's speed changes much.
"""

from __future__ import annotations

from dataclasses import dataclass

DECAY = 0.5  # the share of the training in which the rate falls
TOLERANCE = 0.05  # how far the end may be off before the line is drawn anew


@dataclass
class Schedule:
    """The factor on all learning rates, 0 to 1."""

    warmup: int  # steps
    decay_start: int | None = None  # the step at which the line down begins; None: not yet
    decay_from: float = 1.0  # the factor there
    end: int | None = None  # the step at which it is zero
    begin: int = 0  # the step at which it rises: later in a training that is prolonged
    begin_elapsed: float = 0.0  # seconds; likewise

    @classmethod
    def of_steps(cls, steps: int, warmup: int, begin: int = 0, begin_elapsed: float = 0.0, at: int = 0) -> Schedule:
        """For a training that ends after `steps`, and is `at` a step before which the rate did not fall."""
        decay_start = max(at, steps - max(1, round(DECAY * (steps - begin))))
        return cls(warmup, decay_start=decay_start, end=steps, begin=begin, begin_elapsed=begin_elapsed)

    def factor(self, step: int) -> float:
        """The factor at `step`, counted from 0."""
        rising = min(1.0, (step - self.begin + 1) / (self.warmup + 1))
        if self.decay_start is None or self.end is None or step < self.decay_start:
            return rising
        falling = self.decay_from * (self.end - step) / (self.end - self.decay_start)
        return min(rising, max(0.0, falling))

    def is_over(self, step: int) -> bool:
        """Whether the training ends before `step`."""
        return self.end is not None and step >= self.end

    def begin_decay(self, step: int, remaining: int) -> None:
        """Go down to zero within `remaining` steps from now."""
        self.decay_from = self.factor(step) if self.decay_start is not None else 1.0
        self.decay_start, self.end = step, step + max(1, remaining)

    def keep_time(self, step: int, elapsed: float, time: float, seconds_per_step: float) -> None:
        """Set the end so that a training of `time` seconds ends with it; call it before each step."""
        remaining = round((time - elapsed) / seconds_per_step) if seconds_per_step else 1
        if self.decay_start is None:
            if elapsed >= time - DECAY * (time - self.begin_elapsed):
                self.begin_decay(step, remaining)
        elif self.end is not None and step < self.end:
            planned = self.end - step
            if abs(remaining - planned) > max(2.0, TOLERANCE * planned):
                self.begin_decay(step, remaining)
