"""What cleaning did, counted: tallies of several processes add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .dropped import Dropped

EXAMPLES = 5  # of each step, the first ones
SNIPPET = 160  # characters of an example
BEFORE_CHANGE = 40  # characters of it that stand before the change


@dataclass(frozen=True)
class Example:
    """What a step did to one text: snippets around the first change; a dropped text has a reason, and no `after`."""

    source: str
    before: str
    after: str = ""
    reason: str = ""  # a key of dropped.REASONS


@dataclass
class StepTally:
    """What one step did."""

    changed: int = 0  # texts
    dropped: Counter[str] = field(default_factory=Counter)  # texts, by the reason
    characters: int = 0  # that were in the texts before the step and are not after it
    examples: list[Example] = field(default_factory=list)

    def add_change(self, before: str, after: str, source: str, again: bool = False) -> None:
        """Count a text that the step changed; `again` when it had changed it before."""
        self.changed += not again
        self.characters += (Counter(before) - Counter(after)).total()
        if len(self.examples) < EXAMPLES and not again:
            self.examples.append(Example(source, *around_change(before, after)))

    def add_drop(self, text: str, reason: str, source: str) -> None:
        """Count a text that the step left out."""
        self.dropped[reason] += 1
        self.characters += len(text)
        if len(self.examples) < EXAMPLES:
            self.examples.append(Example(source, text[:SNIPPET], reason=reason))

    def merge(self, other: StepTally) -> None:
        """Add what `other` counted, after this one."""
        self.changed += other.changed
        self.dropped.update(other.dropped)
        self.characters += other.characters
        self.examples = (self.examples + other.examples)[:EXAMPLES]


@dataclass
class Tally:
    """What all steps did, by their names; a step that did nothing is there too."""

    texts: int = 0  # that were looked at
    kept: int = 0
    characters_before: int = 0
    characters_after: int = 0
    steps: dict[str, StepTally] = field(default_factory=dict)

    def merge(self, other: Tally) -> None:
        """Add what `other` counted: of the texts that came after this one's."""
        self.texts += other.texts
        self.kept += other.kept
        self.characters_before += other.characters_before
        self.characters_after += other.characters_after
        for name, step in other.steps.items():
            self.steps.setdefault(name, StepTally()).merge(step)

    def as_dict(self) -> dict[str, Any]:
        """All of it, as JSON can hold it."""
        return {
            "texts": self.texts,
            "kept": self.kept,
            "characters_before": self.characters_before,
            "characters_after": self.characters_after,
            "steps": {
                name: {
                    "changed": step.changed,
                    "dropped": dict(step.dropped),
                    "characters": step.characters,
                    "examples": [vars(example) for example in step.examples],
                }
                for name, step in self.steps.items()
            },
        }


def around_change(before: str, after: str | Dropped) -> tuple[str, str]:
    """The places of both texts where they first differ, at most SNIPPET characters each."""
    if isinstance(after, Dropped):
        return before[:SNIPPET], ""
    low, high = 0, min(len(before), len(after))
    while low < high:  # the length of the common beginning, by halves: comparing is fast, a loop over characters is not
        middle = (low + high + 1) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle - 1
    start = max(0, low - BEFORE_CHANGE)
    return before[start : start + SNIPPET], after[start : start + SNIPPET]
