"""All steps of cleaning that the options ask for, one after the other, and what they did."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator

from .dropped import Dropped
from .look import ANYTHING
from .options import CleaningOptions
from .steps import STEPS
from .tally import StepTally, Tally


class Cleaner:
    """Cleans one text after the other and keeps a tally.

    What one step repairs can lay bare what an earlier one is for, so the steps that rewrite are repeated until nothing
    changes: a text that was cleaned is clean. The steps that judge (quality, languages) see a text once.
    """

    def __init__(self, options: CleaningOptions | None = None) -> None:
        options = options or CleaningOptions()
        self._steps = [
            (step.name, step.judges, step.bit, step.make(options)) for step in STEPS if options.is_on(step.name)
        ]
        # What `look` sees in a text in which there is something to do.
        self.bits = functools.reduce(operator.or_, (bit for _name, _judges, bit, _function in self._steps), 0)
        self.tally = Tally(steps={name: StepTally() for name, *_rest in self._steps})

    def pass_over(self, texts: int, characters: int) -> None:
        """Count texts in which there is nothing to do, and the characters of them all."""
        self.tally.texts += texts
        self.tally.characters_before += characters

    def keep(self, texts: int, characters: int) -> None:
        """Count those of them that are not blank."""
        self.tally.kept += texts
        self.tally.characters_after += characters

    def clean(self, text: str, source: str = "", seen: int = ANYTHING) -> str | None:
        """The cleaned text, or None where it is left out. A blank text is None too.

        `seen` is what `look` saw in it; steps that have nothing to do then are passed over.
        """
        tally = self.tally
        self.pass_over(1, len(text))
        if not seen & self.bits and text and not text.isspace():
            self.keep(1, len(text))
            return text
        changed: set[str] = set()
        cleaned: str | Dropped = text
        for name, before, cleaned in self._changes(text, seen):
            if isinstance(cleaned, Dropped):
                tally.steps[name].add_drop(before, cleaned.reason, source)
                return None
            tally.steps[name].add_change(before, cleaned, source, again=name in changed)
            changed.add(name)
        if isinstance(cleaned, Dropped) or not cleaned or cleaned.isspace():
            return None
        self.keep(1, len(cleaned))
        return cleaned

    def explain(self, text: str) -> list[tuple[str, str, str | Dropped]]:
        """What the steps do to `text`: (step, before, after) for each that changes it, in order. Counts nothing."""
        return list(self._changes(text))

    def _changes(self, text: str, seen: int = ANYTHING) -> Iterator[tuple[str, str, str | Dropped]]:
        again = False
        while True:
            start = text
            for name, judges, bit, function in self._steps:
                if (judges and again) or not seen & bit:
                    continue
                cleaned = function(text)
                if cleaned is text or cleaned == text:
                    continue
                if isinstance(cleaned, str) and not cleaned.strip() and text.strip():
                    cleaned = Dropped("empty")
                yield name, text, cleaned
                if isinstance(cleaned, Dropped):
                    return
                text, seen = cleaned, ANYTHING
            if text == start:
                return
            again = True
