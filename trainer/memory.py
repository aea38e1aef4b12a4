"""Memory that steps use again, and what to do when that of a device is full."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

import torch

from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.model import layer_pass
from ..core.model.gpt import GPT

KEEP = {-4: 0, -1: -1, -2: 64 << 20}  # glibc's M_MMAP_MAX, M_TRIM_THRESHOLD and M_TOP_PAD, from its malloc.h


def keep_memory() -> None:
    """Have this process keep memory that is freed, where its C library is glibc.

    Each step frees and takes the same tensors. As it comes, glibc gives those of some MB back to the system each time,
    which hands them out again page by page and filled with zeros: 5 to 15 % of a step on a CPU. Nor does Python look
    for garbage among all that was imported, again and again.
    """
    gc.collect()
    gc.freeze()
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for setting, value in KEEP.items():
            mallopt(setting, value)


def give_back_memory() -> None:
    """Give the system what is freed by now, though memory is kept otherwise: what was needed once is not again."""
    layer_pass.forget()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether there was no memory left, on the GPU or on the CPU, whose error has no class of its own."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def memory_is_full() -> UserError:
    """What to say where nothing smaller is left to try."""
    return UserError(_("The memory is full. Choose a smaller --size or --context."))


def free_memory(model: GPT) -> None:
    """Give back what a step that ran out of memory had taken; call it outside of the error's handler."""
    model.zero_grad(set_to_none=True)
    layer_pass.forget()
    if model.device.type == "cuda":
        torch.cuda.empty_cache()
