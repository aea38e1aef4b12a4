"""What happened in a training, from its events: series to draw, samples to read. Imports no torch."""

from __future__ import annotations

import contextlib
import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

DAMAGE = (KeyError, TypeError, ValueError, OverflowError, AttributeError)  # what a damaged event raises in its reader


@dataclass
class History:
    """Feed it the events of a job, in their order, as they come."""

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)  # nats a token, one for each of `steps`
    bits: list[float] = field(default_factory=list)  # bits per byte of the text trained on, about; likewise
    learning_rates: list[float] = field(default_factory=list)  # likewise
    gradient_norms: list[float] = field(default_factory=list)  # likewise
    rates: list[float] = field(default_factory=list)  # tokens per second; likewise
    minutes: list[float] = field(default_factory=list)  # of work: not those between a stop and a resume; likewise
    evaluation_steps: list[int] = field(default_factory=list)
    evaluation_minutes: list[float] = field(default_factory=list)
    evaluations: list[float] = field(default_factory=list)  # bits per byte of held-out text
    final: float | None = None  # of all held-out text, at the end; the others are of a part of it
    samples: list[tuple[int, str]] = field(default_factory=list)  # step, what was asked and the text
    messages: list[str] = field(default_factory=list)
    folds: list[float] = field(default_factory=list)  # bits per byte of each, when a cross-validation has measured all
    forgotten: tuple[str, float, float] | None = None  # the corpus learnt before, its bits per byte before and after
    begin: int = 0  # the step after which the rate rises: later than the first in a training that was prolonged
    _begun: float | None = None  # when it would have begun had it never been stopped, in seconds since 1970
    _last: float = 0.0  # when the last event was
    _measured_folds: list[float] = field(default_factory=list)  # those that are measured so far

    def feed(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take in more events. What a killed process did after its last checkpoint gives way to what is done again.

        A damaged one is passed over: the file may have been on a disk that was full, or in somebody's editor.
        """
        for event in events:
            with contextlib.suppress(*DAMAGE):
                self._take(event)

    def _take(self, event: Mapping[str, Any]) -> None:
        kind = event.get("kind")
        if kind == "resume":
            self._forget_after(int(event["step"]))
            self.begin = int(event.get("begin", self.begin))
            self.final = None  # it goes on, and has another end
        minutes = self._minutes(event)
        if kind == "step":
            step, values = int(event["step"]), [float(event[name]) for name in ("loss", "bits_per_byte")]
            values += [
                float(event.get(name, math.nan)) for name in ("learning_rate", "gradient_norm", "tokens_per_second")
            ]
            self.steps.append(step)
            for series, value in zip(self._of_steps(), [*values, minutes], strict=True):
                series.append(value)
        elif kind == "eval" and event.get("final"):
            self.final = float(event["bits_per_byte"])
        elif kind == "eval":
            step, bits = int(event["step"]), float(event["bits_per_byte"])
            self.evaluation_steps.append(step)
            self.evaluation_minutes.append(minutes)
            self.evaluations.append(bits)
        elif kind == "sample":
            self.samples.append((int(event["step"]), f"{event.get('prompt', '')}{event['text']}"))
        elif kind == "message":
            self.messages.append(str(event["text"]))
        elif kind == "fold":
            self._measured_folds.append(float(event["bits_per_byte"]))
            self.folds = self._measured_folds if len(self._measured_folds) == event["folds"] else []
        elif kind == "forgotten":
            self.forgotten = str(event["corpus"]), float(event["before"]), float(event["after"])

    def _minutes(self, event: Mapping[str, Any]) -> float:
        """When it was, in minutes of work: by the training's clock, or, where an old one says nothing of it, by that of
        the machine. With a resume that goes on from the last step that is left.
        """
        if "elapsed" in event:
            return round(float(event["elapsed"]) / 60, 4)
        now = float(event.get("t", self._last))
        if self._begun is None:
            if event.get("kind") == "message":  # of the line that it waited in, it may be
                return 0.0
            self._begun = now
        if event.get("kind") == "resume":
            self._begun = now - 60 * (self.minutes[-1] if self.minutes else 0.0)
        self._last = now
        return round((now - self._begun) / 60, 4)

    def _forget_after(self, step: int) -> None:
        kept = sum(number <= step for number in self.steps)
        del self.steps[kept:]
        for series in self._of_steps():
            del series[kept:]
        # A measurement before the first step, or at the step of the checkpoint, is made again or was made before it.
        kept = sum(number <= step for number in self.evaluation_steps)
        del self.evaluation_steps[kept:], self.evaluation_minutes[kept:], self.evaluations[kept:]
        self.samples = [sample for sample in self.samples if sample[0] <= step]

    def last_part(self) -> History:
        """Its steps and measurements since the rate rose last: those before it have lower losses, as it had fallen."""
        step, evaluation = bisect_right(self.steps, self.begin), bisect_right(self.evaluation_steps, self.begin)
        return replace(
            self,
            steps=self.steps[step:],
            losses=self.losses[step:],
            bits=self.bits[step:],
            evaluation_steps=self.evaluation_steps[evaluation:],
            evaluations=self.evaluations[evaluation:],
        )

    def _of_steps(self) -> tuple[list[float], ...]:
        return (
            self.losses,
            self.bits,
            self.learning_rates,
            self.gradient_norms,
            self.rates,
            self.minutes,
        )  # in this order

    @property
    def best(self) -> float | None:
        """The bits per byte of held-out text: at the end, or the lowest so far."""
        return min(self.evaluations, default=None) if self.final is None else self.final
