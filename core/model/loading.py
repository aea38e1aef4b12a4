"""What a person can say about how a model is loaded to be used, and what it takes. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UserError
from ..language import N_
from ..language import gettext as _
from ..memory import available_memory
from ..options import OptionsBase, format_size, option
from .config import GPTConfig

QUANTIZATIONS = ("none", "int8")
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class LoadOptions(OptionsBase):
    """How a model is loaded."""

    device: str = option("auto", N_("What computes: a GPU where there is one, or else the CPU."), choices=DEVICES)
    quantize: str = option(
        "none",
        N_("Keep each weight in a byte (int8): three times as fast on a CPU, and nearly as good."),
        choices=QUANTIZATIONS,
    )


def weight_bytes(config: GPTConfig, quantize: str = "none", size: int = 4) -> int:
    """Memory for a model's weights, where a number takes `size` bytes."""
    if quantize == "none":
        return config.parameters * size
    return config.vocab_size * config.hidden_size * size + config.matrix_parameters


def check_memory(config: GPTConfig, options: LoadOptions, name: str) -> None:
    """Raises UserError for a model that this machine's memory has no room for: loading it would end other programs."""
    needed, free = weight_bytes(config, options.quantize), available_memory()
    largest = max((rows * columns for _name, (rows, columns) in _matrices(config)), default=0) * 4
    if free is not None and needed + 2 * largest > free:
        raise UserError(
            _("The model {name} needs {size} of memory, and {free} are free. Close other programs{advice}.").format(
                name=name,
                size=format_size(needed + 2 * largest),
                free=format_size(free),
                advice="" if options.quantize == "int8" else _(", or load it with --quantize int8"),
            )
        )


def _matrices(config: GPTConfig) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, shape) for name, shape in config.tensors() if len(shape) == 2]
