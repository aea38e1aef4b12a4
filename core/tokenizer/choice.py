"""The vocabulary size that `auto` takes: where a model that is likely for the text works least for each byte of it.

More pieces make a text shorter, so that the layers run less often for each byte of it. But each piece costs a row of
the embedding, which every step multiplies with to choose among the pieces. With L layers of width d, a vocabulary of V
pieces of which each stands for b(V) bytes of held-out text, the work for a byte is proportional to

    cost(V) = (12 * L * d^2 + V * d) / b(V)

12 * d^2 are the weights of a layer's matrices, V * d those of the embedding. The sizes that are compared are powers of
two and the most that the text supports. `choose` takes the largest whose cost is at most `NEAR` times the lowest:
where the work is about the same, a model with longer pieces sees farther back. L and d follow the size of the text
(`SHAPES`), and there is a piece for each `BYTES_A_PIECE` bytes of text at most: the embedding of one that is seldom
seen is not learnt. Of the books in docs/recipe.md the rule takes the sizes that trained best: 4,096 for English, 8,192
for Chinese.

BPE, characters and words find their pieces one after the other: the first V of a large vocabulary are the vocabulary of
size V, so all sizes are measured after learning once. What unigram would cost is measured with BPE. All characters that
are to have a piece stay in each size, which rules sizes out; where they fill more than half of the one that is taken,
it is learnt again without the rarest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..formats.sentencepiece_model import truncated
from ..language import gettext as _
from ..language import sentences
from ..progress import part
from .learning import characters, learn
from .options import TokenizerOptions
from .report import measured
from .sample import Sample
from .sentencepiece import SentencePieceTokenizer

# Up to so many bytes of text, a model of so many layers and such a width is likely.
SHAPES = ((20e6, 4, 256), (1e9, 6, 384), (float("inf"), 12, 768))
BYTES_A_PIECE = 200
NEAR = 1.05
SMALLEST, LARGEST = 512, 32_768


def choose(
    sample: Sample, options: TokenizerOptions, held_out: Sequence[str], remarks: list[str]
) -> tuple[bytes, dict[str, Any]]:
    """The content of `tokenizer.model` at the best size, and why: the report's "choice"."""
    progress = sample.progress
    total = sample.corpus.manifest.train.bytes
    largest = min(LARGEST, max(SMALLEST, _power_of_two(total // BYTES_A_PIECE)))
    largest = max(largest, 2 * options.fixed_pieces)
    measured_with = replace(options, type="bpe") if options.type == "unigram" else options
    if options.type == "unigram":
        sample.progress = part(progress, 0, 0.6)
    model = learn(sample, measured_with, largest, remarks)
    layers, width = next((layers, width) for most, layers, width in SHAPES if total <= most)
    body = 12 * layers * width**2
    candidates = []
    for vocab_size in _sizes(SentencePieceTokenizer(model).vocab_size):
        try:
            smaller = SentencePieceTokenizer(truncated(model, vocab_size))
        except ValueError:  # the characters alone are more
            continue
        rate = max(1e-3, measured(smaller, held_out)["bytes_per_token"])
        embedding = vocab_size * width
        candidates.append(
            {
                "vocab_size": vocab_size,
                "bytes_per_token": rate,
                "embedding_parameters": embedding,
                "embedding_share": round(embedding / (body + embedding), 4),
                "cost": (body + embedding) / rate,
            }
        )
    lowest = min(candidate["cost"] for candidate in candidates)
    for candidate in candidates:
        candidate["cost"] = round(candidate["cost"] / lowest, 4) if lowest else 1.0  # in multiples of the lowest
    best = [candidate for candidate in candidates if candidate["cost"] <= NEAR][-1]
    vocab_size = int(best["vocab_size"])
    if options.type == "unigram" or options.is_crowded(characters(model), vocab_size):
        sample.progress = part(progress, 0.6, 1)
        model = learn(sample, options, vocab_size, remarks)
        sample.progress = progress
    else:
        model = truncated(model, vocab_size)
    choice = {"layers": layers, "width": width, "measured_with": measured_with.type, "candidates": candidates}
    return model, {**choice, "reason": _reason(candidates, best, layers, width)}


def _reason(candidates: list[dict[str, Any]], best: dict[str, Any], layers: int, width: int) -> str:
    if len(candidates) == 1:
        return _("{size:,} pieces: the text supports no other size.").format(size=best["vocab_size"])
    words = _(
        "{size:,} pieces: with fewer or more a model of {layers} layers of width {width} would work more for a byte of "
        "text, or see less far; the embedding is {share:.0%} of the model."
    ).format(size=best["vocab_size"], layers=layers, width=width, share=best["embedding_share"])
    if best is candidates[-1]:
        words = sentences(words, _("More text would support more pieces."))
    return words


def _sizes(largest: int) -> list[int]:
    """The powers of two up to the largest that was found, and that one."""
    sizes = [1 << power for power in range(SMALLEST.bit_length() - 1, largest.bit_length())]
    return sorted({*(size for size in sizes if size < largest), largest})


def _power_of_two(number: int) -> int:
    return 1 << max(4, number.bit_length() - 1)
