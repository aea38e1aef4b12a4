"""Which weights of a model can have an adapter as PEFT knows it. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection

from ..errors import UserError
from ..language import gettext as _
from .config import GPTConfig


def check_adapter(config: GPTConfig, targets: Collection[str]) -> None:
    """Raises UserError where PEFT cannot have LoRA's matrices beside the weights of these names."""
    if config.architecture == "gpt2" and {"q_proj", "k_proj", "v_proj"} & {*targets}:
        raise UserError(
            _("GPT-2 keeps queries, keys and values in one weight: with --adapter give --targets {names}.").format(
                names="o_proj,up_proj,down_proj"
            )
        )
