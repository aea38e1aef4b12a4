"""Translations: chrF (Popović 2015) and BLEU (Papineni et al. 2002), as sacrebleu computes them (Post 2018,
arXiv:1804.08771), of a whole set of records.

Both are ratios of counts, so what is kept of a record are its counts, a row of whole numbers: those of any records are
added up to score them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

Counts = np.ndarray[Any, np.dtype[np.int64]]
_TOKENIZERS = {"zh": "zh", "ja": "char"}  # the tokenizer that sacrebleu has for Japanese needs MeCab


def chrf_counts(translations: Sequence[str], references: Sequence[str]) -> Counts:
    """A row for each translation: how many n-grams of 1 to 6 characters it, the reference and both have."""
    return np.array(_chrf()._extract_corpus_statistics(translations, [references]), dtype=np.int64)


def chrf(counts: Counts) -> float:
    """The chrF2 of the records whose counts these are, from 0 to 1."""
    return _chrf()._compute_score_from_stats(counts.sum(axis=0).tolist()).score / 100


def bleu_counts(translations: Sequence[str], references: Sequence[str], languages: Sequence[str]) -> Counts:
    """A row for each translation, into the language of this code: both lengths, and how many n-grams of 1 to 4 words
    are right, and are there."""
    rows = [
        _bleu(_TOKENIZERS.get(_language(language), "13a"))._extract_corpus_statistics([translation], [[reference]])[0]
        for translation, reference, language in zip(translations, references, languages, strict=True)
    ]
    return np.array(rows, dtype=np.int64)


def bleu(counts: Counts) -> float:
    """The BLEU of the records whose counts these are, from 0 to 1."""
    score = _bleu("13a")._compute_score_from_stats(counts.sum(axis=0).tolist()).score / 100
    return min(1.0, score)  # of identical texts the logarithms make a little more


def _language(code: str) -> str:
    """The language of a code that may have a country or a script too: zh of zh-TW."""
    return code.lower().replace("_", "-").partition("-")[0]


@cache
def _chrf() -> CHRF:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


@cache
def _bleu(tokenizer: str) -> BLEU:
    from sacrebleu.metrics.bleu import BLEU

    # The effective order matters only where no translation has four words: then shorter n-grams are enough.
    return BLEU(tokenize=tokenizer, force=True, effective_order=True)
