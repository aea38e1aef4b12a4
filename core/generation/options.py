"""What a person can say about how a model writes. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from ..language import N_
from ..language import gettext as _
from ..options import OptionsBase, option


@dataclass(frozen=True)
class GenerationOptions(OptionsBase):
    """How a model goes on from a prompt."""

    temperature: float = option(
        0.8, N_("How freely to choose: 0 takes the likeliest token always, 1 follows the model."), minimum=0, maximum=10
    )
    top_k: int = option(0, N_("Choose among this many likeliest tokens; 0 for no limit."), minimum=0)
    top_p: float = option(
        0.95, N_("Choose among the likeliest tokens that together have this probability."), minimum=0.001, maximum=1
    )
    min_p: float = option(
        0.0, N_("Leave out tokens below this share of the likeliest one's probability."), minimum=0, maximum=1
    )
    repetition_penalty: float = option(
        1.0, N_("Make tokens that were there before less likely: 1 not at all, 1.2 strongly."), minimum=0.01, maximum=10
    )
    seed: int | None = option(
        None, N_("The same seed writes the same text; without one it is drawn."), minimum=0, maximum=2**63 - 1
    )
    max_tokens: int = option(200, N_("Stop after this many tokens."), minimum=1, maximum=1_000_000)
    stop: list[str] = option([], N_("End before this text; may be given several times."), metavar="TEXT")

    def problems(self) -> list[str]:
        if any(not isinstance(text, str) or not text for text in self.stop):
            return [_("--stop must not be empty.")]
        return []
