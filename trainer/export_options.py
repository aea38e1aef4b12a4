"""What a person can say about a file that a model is written to. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.language import N_
from ..core.options import OptionsBase, option


@dataclass(frozen=True)
class ExportOptions(OptionsBase):
    """How a model is written as a file."""

    format: str = option("gguf", N_("The kind of file."), choices=("gguf",))
    type: str = option(
        "f32",
        N_("How numbers are kept: f32 loses nothing, f16 takes half the room, q8_0 a quarter."),
        choices=("f32", "f16", "q8_0"),
    )
