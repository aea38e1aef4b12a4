"""What is measured of the answers to each task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import answers as short
from .bootstrap import Indices, Statistic, interval, mean_of
from .classification import Labelled, calibration_error
from .records import Record, direction, right_ones
from .rouge import NAMES, rouge
from .translation import bleu, bleu_counts, chrf, chrf_counts

Key = tuple[str, str]  # the name of a score, and which records it is of: "" for all


@dataclass(frozen=True)
class Measure:
    """A score as a function of records, and those that it is of."""

    statistic: Statistic
    records: Indices

    @property
    def value(self) -> float:
        """The score."""
        return self.statistic(self.records)

    def interval(self, resamples: int, seed: int) -> tuple[float, float]:
        """Between what it lies for other records."""
        return interval(lambda chosen: self.statistic(self.records[chosen]), len(self.records), resamples, seed=seed)


@dataclass
class Measured:
    """All that is measured of some answers, and how good each is."""

    measures: dict[Key, Measure]
    quality: Sequence[float]
    certainty: Sequence[float] | None = None  # of each answer; of wrong ones the surest is the worst
    more: dict[str, Any] = field(default_factory=dict)  # fields of an Evaluation


def _of_all(statistics: Mapping[str, Statistic], records: int) -> dict[Key, Measure]:
    return {(name, ""): Measure(statistic, np.arange(records)) for name, statistic in statistics.items()}


def _means(values: Mapping[str, Sequence[float]], main: str) -> Measured:
    means = {name: mean_of(numbers) for name, numbers in values.items()}
    return Measured(_of_all(means, len(values[main])), values[main])


def _texts(answers: Sequence[Record]) -> list[str]:
    return [str(answer["text"]) for answer in answers]


def measure_labels(records: Sequence[Record], answers: Sequence[Record]) -> Measured:
    """Accuracy and macro F1; and the calibration error, where all answers have probabilities."""
    given = [str(answer["label"]) for answer in answers]
    labelled = Labelled.of([str(record["label"]) for record in records], given)
    correct = (labelled.right == labelled.given).astype(np.float64)
    statistics: dict[str, Statistic] = {"accuracy": labelled.accuracy, "macro_f1": labelled.macro_f1}
    certainty = None
    if all(answer.get("probabilities") for answer in answers):
        certainty = [float(answer["probabilities"].get(label, 0)) for answer, label in zip(answers, given, strict=True)]
        sure = np.array(certainty)
        statistics["calibration_error"] = lambda chosen: calibration_error(sure[chosen], correct[chosen])
    more = {"labels": labelled.table(), "confusions": labelled.confusions()}
    return Measured(_of_all(statistics, len(records)), correct.tolist(), certainty, more)


def measure_short_answers(records: Sequence[Record], answers: Sequence[Record]) -> Measured:
    """F1 of words and exact match."""
    pairs = [(text, right_ones("qa", record)) for text, record in zip(_texts(answers), records, strict=True)]
    return _means(
        {"f1": [short.f1(*pair) for pair in pairs], "exact_match": [short.exact_match(*pair) for pair in pairs]}, "f1"
    )


def measure_summaries(records: Sequence[Record], answers: Sequence[Record]) -> Measured:
    """ROUGE."""
    return _rouge([right_ones("summary", record)[0] for record in records], answers)


def measure_replies(records: Sequence[Record], answers: Sequence[Record]) -> Measured:
    """ROUGE, for want of better."""
    return _rouge([right_ones("chat", record)[0] for record in records], answers)


def _rouge(references: Sequence[str], answers: Sequence[Record]) -> Measured:
    found = [rouge(text, reference) for text, reference in zip(_texts(answers), references, strict=True)]
    return _means({name: [each[name] for each in found] for name in NAMES}, "rouge_l")


def measure_translations(records: Sequence[Record], answers: Sequence[Record]) -> Measured:
    """chrF and BLEU, over all and for each pair of languages."""
    texts, references = _texts(answers), [right_ones("translate", record)[0] for record in records]
    directions = [direction(record) for record in records]
    characters = chrf_counts(texts, references)
    words = bleu_counts(texts, references, [target for _source, target in directions])
    statistics: dict[str, Statistic] = {
        "chrf": lambda chosen: chrf(characters[chosen]),
        "bleu": lambda chosen: bleu(words[chosen]),
    }
    measures = _of_all(statistics, len(records))
    if len(set(directions)) > 1:
        for one in dict.fromkeys(directions):
            numbers = np.array([number for number, other in enumerate(directions) if other == one])
            for name, statistic in statistics.items():
                measures[name, "-".join(one)] = Measure(statistic, numbers)
    return Measured(measures, [chrf(row[None, :]) for row in characters])


MEASURES: dict[str, Callable[[Sequence[Record], Sequence[Record]], Measured]] = {
    "classify": measure_labels,
    "qa": measure_short_answers,
    "summary": measure_summaries,
    "translate": measure_translations,
    "chat": measure_replies,
}
