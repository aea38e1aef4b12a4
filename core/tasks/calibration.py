"""Probabilities of labels that are as right as they say: one number that divides a model's log-probabilities.

Guo et al. 2017, arXiv:1706.04599.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..scores.classification import temperature as fitted
from .base import Record
from .labels import Labels

if TYPE_CHECKING:
    from ..generation.generate import Writer


def temperature(writer: Writer, about: Mapping[str, Any], records: Sequence[Record]) -> float:
    """The temperature for a model and its labels, from records with their right labels."""
    labels = Labels.of(writer, {**about, "temperature": 1.0})
    known = [record for record in records if record["label"] in labels.names]
    logprobs = labels.logprobs([str(record["text"]) for record in known])
    right = [labels.names.index(record["label"]) for record in known]
    return float(fitted(logprobs.log_softmax(-1).numpy(), right))
