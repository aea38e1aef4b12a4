"""What a person can say about a training. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import OptionsBase, option

DEFAULT_TIME = 600.0
SIZE_NAMES = ("nano", "micro", "mini", "small", "base")


@dataclass(frozen=True)
class TrainOptions(OptionsBase):
    """How a model is trained. What is left open, the plan settles."""

    time: float | None = option(
        None,
        N_("How long to train, as 90s, 20m or 8h; the rest follows. 10m when neither this nor --steps is given."),
        minimum=1,
        kind="duration",
        metavar="TIME",
    )
    steps: int | None = option(None, N_("Train exactly this many steps."), minimum=1, maximum=100_000_000)
    size: str | None = option(None, N_("How large the model is."), choices=SIZE_NAMES)
    context: int | None = option(
        None, N_("How many tokens the model sees at once."), minimum=16, maximum=65_536, metavar="TOKENS"
    )
    batch_tokens: int | None = option(
        None, N_("How many tokens a step learns from."), minimum=16, maximum=100_000_000, metavar="TOKENS"
    )
    learning_rate: float | None = option(
        None, N_("The rate of the matrices' optimiser at its highest."), minimum=1e-8, maximum=10, metavar="RATE"
    )
    optimizer: str = option(
        "auto", N_("muon (AdamW for what is no matrix), or adamw for all."), choices=("auto", "muon", "adamw")
    )
    weight_decay: float = option(0.1, N_("How strongly matrices are pulled towards zero."), minimum=0, maximum=10)
    seed: int = option(1, N_("The same seed gives the same training."), minimum=0, maximum=2**31 - 1)
    eval_every: int | None = option(
        None, N_("Steps between two measurements on held-out text."), minimum=1, metavar="STEPS"
    )
    checkpoint_every: float = option(
        60.0,
        N_("Time between two checkpoints: what a kill can cost at most."),
        minimum=0,
        maximum=86_400,
        kind="duration",
        metavar="TIME",
    )
    patience: int = option(
        6, N_("End early after this many measurements without progress; 0 for never."), minimum=0, maximum=10_000
    )
    device: str = option("auto", N_("Where to train."), choices=("auto", "cpu", "cuda", "mps"))
    dtype: str = option(
        "auto",
        N_("The type of the multiplications; auto takes the faster one."),
        choices=("auto", "float32", "bfloat16"),
    )
    prompt: str = option("", N_("What the samples on the way go on from."), metavar="TEXT")

    def problems(self) -> list[str]:
        if self.time is not None and self.steps is not None:
            return [_("--time and --steps exclude each other: give one.")]
        return []
