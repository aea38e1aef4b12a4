"""What a person can say about a fine-tuning. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import option
from .options import TrainOptions

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


RANK, MIX_SHARE = 16, 0.2  # where nothing is said


@dataclass(frozen=True)
class FineTuneOptions(TrainOptions):
    """How a model is taught a task: as it is trained, with its own size, and what only records need."""

    without: ClassVar[frozenset[str]] = frozenset({"size", "folds", "prompt"})

    lora: bool = option(
        False, N_("Train small matrices beside the weights (LoRA) and not the weights: less memory, and faster.")
    )
    rank: int = option(RANK, N_("With --lora: how many rows these matrices have."), minimum=1, maximum=4096)
    alpha: float | None = option(
        None, N_("With --lora: what they add is scaled by this, divided by the rank. Twice the rank without it.")
    )
    targets: list[str] = option(
        [],
        N_("With --lora: which weights have such matrices beside them, such as q_proj,v_proj; all without it."),
        kind="codes",
        metavar="NAME",
    )
    adapter: bool = option(
        False, N_("With --lora: keep them by themselves too, in the folder adapter, as PEFT reads them.")
    )
    prompt_weight: float = option(
        0.0,
        N_("How much the words before an answer count in what is learnt, beside those of the answer, which count 1."),
        minimum=0,
        maximum=1,
    )
    mix: str | None = option(
        None, N_("Go on learning from this corpus beside, against forgetting it."), metavar="CORPUS"
    )
    mix_share: float = option(
        MIX_SHARE, N_("With --mix: how much of what is learnt comes from the corpus."), minimum=0.01, maximum=0.9
    )
    scored: int | None = option(
        None,
        N_("How many held-out records are answered at each measurement; as many as the time allows without it."),
        minimum=1,
        metavar="N",
    )

    @property
    def scale(self) -> float:
        """What LoRA's matrices add is scaled by this, divided by the rank."""
        return self.alpha or 2.0 * self.rank

    def problems(self) -> list[str]:
        found = super().problems()
        if unknown := [target for target in self.targets if target not in TARGETS]:
            found.append(
                _("--targets has {names}; there are: {known}.").format(
                    names=", ".join(unknown), known=", ".join(TARGETS)
                )
            )
        of_lora = self.adapter, self.targets, self.alpha is not None, self.rank != RANK
        if not self.lora and any(of_lora):
            found.append(_("--rank, --alpha, --adapter and --targets go with --lora."))
        if self.mix is None and self.mix_share != MIX_SHARE:
            found.append(_("--mix-share goes with --mix."))
        if self.lora and self.shard == "on":
            found.append(_("--lora trains little: it is not shared out. Leave --shard on out."))
        return found
