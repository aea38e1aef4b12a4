"""The answers to the records of a task, scored: the one function that an evaluation calls.

Records and answers are mappings:

    classify    {"text", "label"}                                             {"label", "probabilities": {label: p}}
    qa          {"question", "context", "answer"}                             {"text"}
    summary     {"document", "summary"}                                       {"text"}
    translate   {"source", "target", "source_language", "target_language"}    {"text"}
    chat        {"messages": [{"role", "content"}, ...]}, the reply last      {"text"}

A context may be empty; probabilities may be absent. Where several answers to a question are right, "answers" has all
of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import UserError
from ..language import gettext as _
from .bootstrap import RESAMPLES
from .measures import MEASURES, Measured
from .records import Record, asked, right_ones
from .report import Evaluation, Score
from .simple_answers import SIMPLE

MISTAKES = 100  # that are kept


def score_records(
    task: str,
    records: Sequence[Record],
    answers: Sequence[Record],
    training: Iterable[Record] | None = None,
    seed: int = 1,
    mistakes: int = MISTAKES,
    resamples: int = RESAMPLES,
) -> Evaluation:
    """Everything that can be said of these answers, beside those of a simple method that learns from `training`.

    Raises UserError where there is no record.
    """
    assert len(records) == len(answers)
    if not records:
        raise UserError(_("There is no record to score. Choose data with at least one."))
    measured = MEASURES[task](records, answers)
    simple = SIMPLE[task](records, list(training or ()))
    method, baselines = "", {}
    if simple is not None:
        method, simple_answers = simple
        measures = MEASURES[task](records, simple_answers).measures
        baselines = {key: measure.value for key, measure in measures.items()}
    scores = []
    for (name, part), measure in measured.measures.items():
        low, high = measure.interval(resamples, seed)
        baseline = baselines.get((name, part))
        scores.append(Score(name, measure.value, low, high, baseline, "" if baseline is None else method, part))
    worst = _worst(task, records, answers, measured, mistakes)
    return Evaluation(task, len(records), scores, worst, **measured.more)


def _worst(
    task: str, records: Sequence[Record], answers: Sequence[Record], measured: Measured, most: int
) -> list[dict[str, Any]]:
    quality, certainty = measured.quality, measured.certainty
    wrong = [number for number, good in enumerate(quality) if good < 1]
    wrong.sort(key=lambda number: (quality[number], -certainty[number] if certainty else 0))
    return [
        {
            "record": number,
            "score": round(quality[number], 4),
            "input": asked(task, records[number]),
            "right": " / ".join(right_ones(task, records[number])),
            "answer": str(answers[number]["label" if task == "classify" else "text"]),
        }
        for number in wrong[:most]
    ]
