"""Cross-validation: how well do models know documents that they have not seen, whichever those are?

The documents, held-out ones too, are dealt into folds. For each fold a model learns from all others and is measured on
it. The scores' mean is what to expect of text like this, their spread how far that is to be trusted. None of these
models is kept: what the training makes is trained after them, with the corpus's own held-out text.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import UserError
from ..core.files import read_object, write_json
from ..core.language import gettext as _
from .jobs import FOLDS
from .plan import SMALLEST_CORPUS, check_documents

Tokens = np.ndarray[Any, Any]
MOST_TOKENS = 200_000_000  # that are dealt in memory


def deal(
    tokens: Sequence[np.ndarray[Any, Any]], ends: frozenset[int], folds: int, seed: int
) -> list[np.ndarray[Any, Any]]:
    """The tokens of each fold: documents, which end with one of `ends`, in a random order, dealt one by one."""
    if sum(map(len, tokens)) > MOST_TOKENS:
        raise UserError(
            _("--folds is for small corpora; this one has more than {most:,} tokens.").format(most=MOST_TOKENS)
        )
    whole = np.concatenate(tokens)
    borders = np.flatnonzero(np.isin(whole, sorted(ends))) + 1
    documents = [part for part in np.split(whole, borders) if len(part)]
    check_documents(len(documents), folds)
    order = np.random.default_rng([seed, folds]).permutation(len(documents))
    return [np.concatenate([documents[index] for index in order[fold::folds]]) for fold in range(folds)]


def check_folds(dealt: Sequence[Tokens], context: int) -> None:
    """Raise UserError where too little is left to train on without one of the folds."""
    left, folds = sum(map(len, dealt)) - max(map(len, dealt)), len(dealt)
    if left < SMALLEST_CORPUS:
        raise UserError(
            _(
                "--folds {folds}: without the fold with the most text {left:,} tokens are left to train on, and "
                "{least:,} are needed at least. Import its long documents in parts, or leave --folds out."
            ).format(folds=folds, left=left, least=SMALLEST_CORPUS)
        )
    if left < 2 * context:  # the windows' start differs
        raise UserError(
            _(
                "--folds {folds}: without the fold with the most text {left:,} tokens are left to train on, too few "
                "for a context of {context:,}. Choose a --context of {most:,} at most."
            ).format(folds=folds, left=left, context=context, most=left // 2)
        )


class Scores:
    """What was found so far, in the job's folder: a resumed job goes on with the next fold."""

    def __init__(self, folder: Path):
        self.path = folder / FOLDS
        self.found: list[float] = read_object(self.path, "scores")["scores"] if self.path.exists() else []

    def add(self, score: float) -> None:
        """Keep the bits per byte of one more fold."""
        self.found.append(score)
        write_json(self.path, {"scores": self.found})

    def as_dict(self) -> dict[str, Any]:
        """For the model's newleaf.json."""
        return {
            "scores": [round(score, 5) for score in self.found],
            "mean": round(statistics.fmean(self.found), 5),
            "deviation": round(statistics.stdev(self.found), 5),
        }
