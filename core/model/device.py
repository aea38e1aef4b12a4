"""The device that a model is on."""

from __future__ import annotations

import torch

from ..errors import UserError
from ..language import gettext as _


def choose_device(device: str) -> str:
    """The device to work on; "auto" is a GPU where there is one. Raises UserError for one that is not here."""
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return next(name for name, here in present.items() if here)
    if not present[device]:
        text = _("This machine has no {device} device that PyTorch can use. It has: {present}.")
        there = ", ".join(name for name, here in present.items() if here)
        raise UserError(text.format(device=device, present=there))
    return device


def writing_dtype(device: str) -> torch.dtype:
    """What weights are kept in to write: bfloat16 where the GPU is fast at it, else float32."""
    if device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32
