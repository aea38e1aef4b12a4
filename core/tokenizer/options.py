"""What a person can say about a tokenizer to train."""

from __future__ import annotations

from dataclasses import dataclass

from ..language import N_
from ..options import OptionsBase, option

TYPES = ("bpe", "unigram", "char", "word")


@dataclass(frozen=True)
class TokenizerOptions(OptionsBase):
    """How a tokenizer is trained."""

    vocab_size: int = option(
        8000,
        N_("How many pieces. Fewer make a smaller model, more make shorter texts."),
        minimum=300,
        maximum=1_000_000,
    )
    type: str = option(
        "bpe",
        N_("How pieces are found: bpe (merge what stands together often), unigram, char, word."),
        choices=TYPES,
    )
    character_coverage: float = option(
        0.9995,
        N_("The share of the text whose characters get a piece of their own; rarer ones are spelled in bytes."),
        minimum=0.98,
        maximum=1.0,
    )
