"""What a person can say about a training. Imports no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import OptionsBase, option

DEFAULT_TIME = 600.0
YEAR = 31_536_000  # seconds
MOST_STEPS = 100_000_000
MOST_GPUS = 1_024
SIZE_NAMES = ("nano", "micro", "mini", "small", "base")


@dataclass(frozen=True)
class OldCorpusOptions(OptionsBase):
    """Of what begins with a model; not of the training itself, which is the same."""

    old_corpus: str | None = option(
        None, N_("Measure on it what the model forgets; without, on what it was trained on."), metavar="CORPUS"
    )


@dataclass(frozen=True)
class TrainOptions(OptionsBase):
    """How a model is trained. What is left open, the plan settles."""

    time: float | None = option(
        None,
        N_("How long to train, as 90s, 20m or 8h; the rest follows. 10m when neither this nor --steps is given."),
        minimum=1,
        maximum=YEAR,
        kind="duration",
        metavar="TIME",
    )
    steps: int | None = option(
        None, N_("Train so many steps, or fewer where nothing more is learnt."), minimum=1, maximum=MOST_STEPS
    )
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
        "auto",
        N_("muon (AdamW for what is no matrix), or one for all: adamw, adam, sgd."),
        choices=("auto", "muon", "adamw", "adam", "sgd"),
    )
    weight_decay: float | None = option(
        None,
        N_(
            "How strongly matrices are pulled towards zero beside their updates. 0.1, more where a small text is read "
            "again and again; with adam and sgd 0."
        ),
        minimum=0,
        maximum=10,
    )
    l1: float = option(
        0.0, N_("A penalty on the matrices: this times the sum of their values' sizes."), minimum=0, maximum=10
    )
    l2: float = option(
        0.0, N_("A penalty on the matrices: half of this times the sum of their squares."), minimum=0, maximum=10
    )
    dropout: float | None = option(
        None,
        N_(
            "The share of the network that is left out in each step, against learning by heart; without it as many "
            "passes over the text call for."
        ),
        minimum=0,
        maximum=0.9,
    )
    token_dropout: float | None = option(
        None,
        N_("The share of the tokens that a step does not see, against learning by heart; likewise."),
        minimum=0,
        maximum=0.9,
    )
    seed: int = option(1, N_("The same seed gives the same training."), minimum=0, maximum=2**31 - 1)
    eval_every: int | None = option(
        None,
        N_("Steps between two measurements on held-out text."),
        minimum=1,
        maximum=MOST_STEPS,
        metavar="STEPS",
    )
    checkpoint_every: float | None = option(
        None,
        N_(
            "Time between two checkpoints: what a kill can cost at most. "
            "Without it a minute, or so long that writing them takes no more than 2 %."
        ),
        minimum=0,
        maximum=86_400,
        kind="duration",
        metavar="TIME",
    )
    keep_every: int | None = option(
        None,
        N_("Keep a checkpoint each so many steps, beside the last two and the best."),
        minimum=1,
        maximum=MOST_STEPS,
        metavar="STEPS",
    )
    checkpoint_space: float = option(
        20.0,
        N_("Gigabytes that checkpoints may take; the last two always stay."),
        minimum=0,
        maximum=1_000_000,
        metavar="GB",
    )
    patience: int = option(
        6, N_("End early after this many measurements without progress; 0 for never."), minimum=0, maximum=10_000
    )
    device: str = option("auto", N_("Where to train."), choices=("auto", "cpu", "cuda", "mps"))
    folds: int | None = option(
        None,
        N_("Measure by cross-validation: train so many times, each time with other documents held out."),
        minimum=2,
        maximum=100,
        metavar="N",
    )
    gpus: str | None = option(
        None, N_("How many GPUs of this machine to use, or all; with --device cpu so many processes."), metavar="N"
    )
    nodes: int = option(1, N_("How many machines train together; start the same on each."), minimum=1, maximum=1_000)
    rendezvous: str | None = option(
        None, N_("Where they meet: a name or address of one of them, and a free port."), metavar="HOST:PORT"
    )
    shard: str = option(
        "auto",
        N_(
            "Of several processes each keeps a share of the model (on) or all of it (off); "
            "auto shares out a model that does not fit."
        ),
        choices=("auto", "on", "off"),
    )
    dtype: str = option(
        "auto",
        N_("The type of the multiplications; auto takes the faster one."),
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    compile: str = option(
        "auto",
        N_("Compile the network, which takes time and makes steps faster; auto tries where that can pay."),
        choices=("auto", "on", "off"),
    )
    sampled_softmax: str = option(
        "auto",
        N_(
            "In training compute the loss over a step's own pieces, the frequent ones and a sample of the rest; auto "
            "where all would be much of the work of a CPU."
        ),
        choices=("auto", "on", "off"),
    )
    track: str | None = option(
        None,
        N_("Mirror the figures to this tracker, on this machine."),
        choices=("tensorboard", "wandb", "mlflow", "trackio"),
    )
    prompt: str = option("", N_("What the samples on the way go on from."), metavar="TEXT")

    @property
    def trainings(self) -> int:
        """How many there are one after the other: one for each fold, and that of the model itself."""
        return (self.folds or 0) + 1

    def problems(self) -> list[str]:
        found = []
        if self.time is not None and self.steps is not None:
            found.append(_("--time and --steps exclude each other: give one."))
        if self.folds and self.time is not None and self.time < 2 * self.trainings:
            text = _("--folds {folds} makes {trainings} trainings: they need a --time of {seconds}s or more.")
            least = 2 * self.trainings
            found.append(text.format(folds=self.folds, trainings=self.trainings, seconds=least))
        if self.context and self.batch_tokens and self.batch_tokens < self.context:
            found.append(
                _(
                    "--batch-tokens is {tokens:,} and --context {context:,}: a step has at least one context. "
                    "Make --batch-tokens larger or --context smaller."
                ).format(tokens=self.batch_tokens, context=self.context)
            )
        if self.gpus not in (None, "all") and not (self.gpus.isdecimal() and 1 <= int(self.gpus) <= MOST_GPUS):
            text = _("--gpus is {value}: it must be a number from 1 to {most:,}, or all.")
            found.append(text.format(value=self.gpus, most=MOST_GPUS))
        if self.folds and (self.gpus not in (None, "1") or self.nodes > 1):
            found.append(_("--folds is for small corpora, on one device: leave --gpus and --nodes out."))
        if self.nodes > 1 and not self.rendezvous:
            found.append(_("--nodes needs the place where the machines meet: --rendezvous HOST:PORT"))
        if self.rendezvous:
            place = re.fullmatch(r"(?:[^\s:]+|\[[0-9a-fA-F:]+\]):([0-9]{1,5})", self.rendezvous)
            if not place or not 0 < int(place[1]) < 1 << 16:
                text = _("--rendezvous is {value}: it must be HOST:PORT, the port from 1 to 65535.")
                found.append(text.format(value=self.rendezvous))
        return found
