"""What was found when a model's answers were scored: the figures, what it mistakes for what, its worst answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..language import N_, ngettext
from ..language import gettext as _
from ..sections import Section, with_content

# The score that says how well a task goes. Chat has none: a good reply need not be like the one in the record.
MAIN_SCORES = {"classify": "accuracy", "qa": "f1", "summary": "rouge_l", "translate": "chrf"}
NAMES = {
    "accuracy": N_("accuracy"),
    "macro_f1": N_("macro F1"),
    "calibration_error": N_("calibration error"),
    "f1": N_("F1 of words"),
    "exact_match": N_("exact match"),
    "rouge_1": "ROUGE-1",
    "rouge_2": "ROUGE-2",
    "rouge_l": "ROUGE-L",
    "chrf": "chrF",
    "bleu": "BLEU",
}
BASELINES = {
    "majority": N_("Baseline: the commonest label, for every text."),
    "lead": N_("Baseline: the beginning of the document, as long as a summary is on average."),
    "sentence": N_("Baseline: the sentence or line of the text that has the telling words of the question."),
    "nearest": N_("Baseline: what was answered to the most similar question learnt from."),
    "dictionary": N_("Baseline: word by word, with a dictionary learnt from the same translations."),
}
SHOWN = 5  # mistakes
LABELS = 20  # that are shown
CUT = 200  # characters of a text that is shown


@dataclass(frozen=True)
class Score:
    """A figure from 0 to 1, the interval in which it lies for other such records, and what a simple method gets.

    `part` says which records it is of, where it is not of all: "en-zh" for those translated from English to Chinese.
    """

    name: str
    value: float
    low: float
    high: float
    baseline: float | None = None
    baseline_name: str = ""
    part: str = ""

    @property
    def title(self) -> str:
        """Its name for people."""
        name = _(NAMES[self.name])
        return f"{name} {self.part}" if self.part else name


@dataclass(frozen=True)
class Evaluation:
    """All that was found. A mistake has record (its number), score, input, right and answer; the worst comes first."""

    task: str
    records: int
    scores: list[Score]
    mistakes: list[dict[str, Any]] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)  # label, precision, recall, f1, records
    confusions: list[dict[str, Any]] = field(default_factory=list)  # right, given, records

    @property
    def main(self) -> Score | None:
        """The score that says how well the task goes."""
        return self.score(MAIN_SCORES.get(self.task, ""))

    def score(self, name: str, part: str = "") -> Score | None:
        """The score of this name."""
        return next((score for score in self.scores if (score.name, score.part) == (name, part)), None)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Evaluation:
        """From what as_dict gave."""
        return cls(**{**data, "scores": [Score(**score) for score in data["scores"]]})

    def sections(self) -> list[Section]:
        """For a screen or a terminal; scores go from 0 to 100 there, as papers have them."""
        return with_content([self._figures(), self._labels(), self._confusions(), self._mistakes()])

    def _figures(self) -> Section:
        title = ngettext("Scores of {records:,} record", "Scores of {records:,} records", self.records)
        section = Section(title.format(records=self.records))
        compared = any(score.baseline is not None for score in self.scores)
        head = ["", _("of 100"), _("95 % interval")]
        section.table = [[*head, _("baseline")] if compared else head]
        for score in self.scores:
            row = [score.title, _hundredths(score.value), f"{_hundredths(score.low)} - {_hundredths(score.high)}"]
            if compared:
                row.append("" if score.baseline is None else _hundredths(score.baseline))
            section.table.append(row)
        baselines = dict.fromkeys(score.baseline_name for score in self.scores if score.baseline_name)
        section.lines = [_(BASELINES[name]) for name in baselines]
        if self.score("calibration_error"):
            section.lines.append(
                _("The calibration error is better the lower: at 0 the model is right as often as it expects.")
            )
        return section

    def _labels(self) -> Section:
        section = Section(_("Labels"))
        if self.labels:
            section.table = [["", _("records"), _("precision"), _("recall"), "F1"]] + [
                [
                    _short(row["label"]),
                    f"{row['records']:,}",
                    *(_hundredths(row[name]) for name in ("precision", "recall", "f1")),
                ]
                for row in self.labels[:LABELS]
            ]
            more = len(self.labels) - LABELS
            if more > 0:
                section.lines.append(
                    ngettext("{number:,} more label", "{number:,} more labels", more).format(number=more)
                )
        return section

    def _confusions(self) -> Section:
        lines = []
        for row in self.confusions[:SHOWN]:
            times = row["records"]
            words = ngettext(
                "{right} taken for {given}: {times:,} time", "{right} taken for {given}: {times:,} times", times
            )
            given = _short(row["given"]) or _("nothing")
            lines.append(words.format(right=_short(row["right"]), given=given, times=times))
        return Section(_("What it mistakes for what"), lines=lines)

    def _mistakes(self) -> Section:
        section = Section(_("Worst answers"))
        for mistake in self.mistakes[:SHOWN]:
            if section.lines:
                section.lines.append("")
            section.lines += [
                _short(mistake["input"]),
                _("right: {text}").format(text=_short(mistake["right"])),
                _("answered: {text}").format(text=_short(mistake["answer"]) or _("nothing")),
            ]
        return section


def _hundredths(value: float) -> str:
    return f"{100 * value:.1f}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= CUT else f"{line[: CUT - 1]}…"
