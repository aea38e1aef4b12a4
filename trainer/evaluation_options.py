"""What a person can say about an evaluation. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.language import N_
from ..core.options import OptionsBase, option


@dataclass(frozen=True)
class EvaluationOptions(OptionsBase):
    """How a model is measured."""

    records: int | None = option(
        None, N_("Measure on so many records; on all that are held out without it."), minimum=1, metavar="N"
    )
    everything: bool = option(False, N_("Measure on all records, not only on those that are held out."))
    beams: int | None = option(
        None, N_("How many beginnings are looked at side by side; as when the task is used without it."), minimum=1
    )
    device: str = option("auto", N_("What computes."), choices=("auto", "cpu", "cuda", "mps"))
    seed: int = option(1, N_("Of the intervals: the same seed gives the same."), minimum=0, maximum=2**31 - 1)
