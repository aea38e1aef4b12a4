"""When the memory of a device is full."""

from __future__ import annotations

import torch

from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.model.gpt import GPT


def is_out_of_memory(error: BaseException) -> bool:
    """Whether there was no memory left, on the GPU or on the CPU, whose error has no class of its own."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def memory_is_full() -> UserError:
    """What to say where nothing smaller is left to try."""
    return UserError(_("The memory is full. Choose a smaller --size or --context."))


def free_memory(model: GPT) -> None:
    """Give back what a step that ran out of memory had taken; call it outside of the error's handler."""
    model.zero_grad(set_to_none=True)
    if model.device.type == "cuda":
        torch.cuda.empty_cache()
