"""What a training will come to, before it begins: bits per byte of held-out text, with a range. Imports no torch.

The form is that of Hoffmann et al. 2022 (arXiv:2203.15556): a loss falls with powers of the model's size and of the
text that it has seen, towards a rest. Text that is seen again counts less (Muennighoff et al. 2023, arXiv:2305.16264).
The scale is the text's own: what bzip2 makes of it. The constants are fitted to our own measurements, which
docs/recipe.md lists.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from ..core.corpus.density import density
from ..core.corpus.store import Corpus

SIZE_POWER, TEXT_POWER = 0.34, 0.35  # 0.34 and 0.28 with Hoffmann et al.
REST, OF_SIZE, OF_TEXT = 0.393, 5.98, 56.7
REPEATS = 3.0  # passes after the first until text that is seen again is worth little; Muennighoff et al. have 15
SCALE = 1.045  # texts differ: English was 4.5 % below what the constants say with it, Chinese up to 6 % above
RANGE = 0.08  # of the expected value, to each side, from as much text on as
FAR = 2e6  # bytes; with less it is wider
# What an embedding that begins with the text is worth: so much of the text, and so many bytes, of any; and the most.
HEAD_START, OF_ANY, MOST_OF_IT = 0.7, 1e5, 6e5
FIRST, FIRST_SIZE, FIRST_POWER = 0.13, 4e5, 0.4  # what first steps come to above the form, by size
FIRST_STEPS = 25  # until a third of that is left


@dataclass(frozen=True)
class Text:
    """What is known of a training text."""

    bytes: int
    compressed_bits: float  # that bzip2 needs for each of them
    characters: int = 100  # different ones

    @classmethod
    def of(cls, corpus: Corpus) -> Self:
        """Of a corpus."""
        return cls(corpus.manifest.train.bytes, *density(corpus))


def fresh_bytes(text_bytes: float, passes: float) -> float:
    """The bytes of new text that teach as much as `passes` over `text_bytes`."""
    if passes <= 1:
        return text_bytes * passes
    return text_bytes * (1 + REPEATS * (1 - math.exp(-(passes - 1) / REPEATS)))


def expected_range(text: Text, parameters: int, passes: float, steps: int) -> tuple[float, float, float]:
    """What to expect, and the least and the most; above all of a training that sees little, where the form is too high.

    Sizes are compared without the head start, which they have in common.
    """
    seen = max(1.0, fresh_bytes(text.bytes, passes))
    bits = _bits(text, parameters, seen + min(HEAD_START * text.bytes + OF_ANY, MOST_OF_IT))
    bits *= 1 + FIRST * (parameters / FIRST_SIZE) ** FIRST_POWER * math.exp(-steps / FIRST_STEPS)
    share = min(0.5, RANGE * max(1.0, (FAR / seen) ** TEXT_POWER))
    return bits, bits * (1 - share), bits * (1 + share)


def expected_bits(text: Text, parameters: int, passes: float) -> float:
    """Bits per byte of held-out text, for a model with so many parameters in its layers, after so many passes."""
    return _bits(text, parameters, max(1.0, fresh_bytes(text.bytes, passes)))


def _bits(text: Text, parameters: int, seen: float) -> float:
    return SCALE * text.compressed_bits * (REST + OF_SIZE * parameters**-SIZE_POWER + OF_TEXT * seen**-TEXT_POWER)
