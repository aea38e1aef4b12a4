"""What happened in a training, from its events: series to draw, samples to read. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class History:
    """Feed it the events of a job, in their order, as they come."""

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)  # nats a token, one for each of `steps`
    bits: list[float] = field(default_factory=list)  # bits per byte of the text trained on, about; likewise
    evaluation_steps: list[int] = field(default_factory=list)
    evaluations: list[float] = field(default_factory=list)  # bits per byte of held-out text
    final: float | None = None  # of all held-out text, at the end; the others are of a part of it
    samples: list[tuple[int, str]] = field(default_factory=list)  # step, what was asked and the text
    messages: list[str] = field(default_factory=list)

    def feed(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take in more events. What a killed process did after its last checkpoint gives way to what is done again."""
        for event in events:
            kind = event.get("kind")
            if kind == "step":
                self.steps.append(event["step"])
                self.losses.append(event["loss"])
                self.bits.append(event["bits_per_byte"])
            elif kind == "eval" and event.get("final"):
                self.final = event["bits_per_byte"]
            elif kind == "eval":
                self.evaluation_steps.append(event["step"])
                self.evaluations.append(event["bits_per_byte"])
            elif kind == "sample":
                self.samples.append((event["step"], event.get("prompt", "") + event["text"]))
            elif kind == "message":
                self.messages.append(event["text"])
            elif kind == "resume":
                self._forget_after(event["step"])

    def _forget_after(self, step: int) -> None:
        kept = sum(number <= step for number in self.steps)
        for series in (self.steps, self.losses, self.bits):
            del series[kept:]
        # A measurement before the first step, or at the step of the checkpoint, is made again or was made before it.
        kept = sum(number <= step for number in self.evaluation_steps)
        del self.evaluation_steps[kept:], self.evaluations[kept:]
        self.samples = [sample for sample in self.samples if sample[0] <= step]

    @property
    def best(self) -> float | None:
        """The bits per byte of held-out text: at the end, or the lowest so far."""
        return min(self.evaluations, default=None) if self.final is None else self.final
