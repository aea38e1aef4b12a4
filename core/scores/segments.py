"""Words of a script without spaces: pieces of a unigram model of the texts themselves (Kudo 2018, arXiv:1804.10959)."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

PIECES = 8_000
LEAST = 2_000  # characters of text below which each character is a word


class Segments:
    """Cuts runs of characters into words, or into single characters where there was too little to learn from."""

    def __init__(self, processor: SentencePieceProcessor | None = None):
        self._processor = processor

    @classmethod
    def learn(cls, runs: Iterable[str], pieces: int = PIECES) -> Segments:
        """From runs of characters without spaces."""
        texts = list(runs)
        if sum(map(len, texts)) < LEAST:
            return cls()
        from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

        model = io.BytesIO()
        SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=model,
            vocab_size=pieces,
            hard_vocab_limit=False,
            character_coverage=1.0,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            num_threads=1,
            minloglevel=2,
        )
        return cls(SentencePieceProcessor(model_proto=model.getvalue()))

    def cut(self, run: str) -> list[str]:
        """The words of a run, one after the other."""
        return list(run) if self._processor is None else self._processor.encode(run, out_type=str)
