"""What a training found besides its score, in words. Imports neither numpy nor torch: the app says it too."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from ..core.language import gettext as _
from ..core.sentences import join_sentences
from .history import History


def folds_text(scores: Sequence[float]) -> str:
    """What a cross-validation found: the bits per byte of each fold, mean and spread."""
    return _(
        "{folds} folds: {mean:.4f} bits per byte, standard deviation {spread:.4f}, from {low:.4f} to {high:.4f}."
    ).format(
        folds=len(scores),
        mean=statistics.fmean(scores),
        spread=statistics.stdev(scores),
        low=min(scores),
        high=max(scores),
    )


def forgotten_text(corpus: str, before: float, after: float) -> str:
    """What learning something new did to what the model knew: its bits per byte of the corpus that it learnt before."""
    text = _("On {corpus}, learnt before: {before:.4f} bits per byte before this training, {after:.4f} after it.")
    change = after / before - 1
    verdict = _("{change:.1%} was forgotten.").format(change=change) if change > 0 else _("Nothing was forgotten.")
    return join_sentences([text.format(corpus=corpus, before=before, after=after), verdict])


def outcome(found: History) -> list[str]:
    """Each as a sentence, as far as there is anything."""
    said = [folds_text(found.folds)] if found.folds else []
    return said + ([forgotten_text(*found.forgotten)] if found.forgotten else [])
