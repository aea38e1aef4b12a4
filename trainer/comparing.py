"""Several trainings side by side: what came of each, and how each was set. What differs comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..core.files import read_object
from ..core.language import gettext as _
from ..core.options import OptionField, fields, format_duration
from ..core.store import DAMAGED
from ..core.tasks.all import TASKS
from .finetune_options import FineTuneOptions
from .history import History
from .jobs import Job, job_word
from .options import TrainOptions

MISSING = "-"
OPEN = (None, "auto")  # what leaves an option to the plan


@dataclass(frozen=True)
class Row:
    """One thing about each of the trainings."""

    label: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether it is not the same of all."""
        return len(set(self.values)) > 1


def compare(jobs: Sequence[Job], histories: Sequence[History] | None = None) -> list[Row]:
    """A row for each result and setting, those that differ before those that do not. Raises UserError.

    `histories` are what is known already of the jobs' events; without them they are read.
    """
    columns = []
    for number, job in enumerate(jobs):
        history = histories[number] if histories else _history(job)
        columns.append({**_results(job, history), **_settings(job)})
    labels = list(dict.fromkeys(label for column in columns for label in column))
    rows = [Row(label, tuple(column.get(label) or MISSING for column in columns)) for label in labels]
    return sorted((row for row in rows if set(row.values) != {MISSING}), key=lambda row: not row.differs)


def _history(job: Job) -> History:
    history = History()
    history.feed(job.events()[0])
    return history


def _results(job: Job, history: History) -> dict[str, str]:
    status = job.status()
    held_out = _("held-out answers, bits per byte") if job.kind == "finetune" else _("held out, bits per byte")
    best = history.best if history.best is not None else status.get("bits_per_byte")
    scores = {name: value for name, value in status.get("scores", {}).items() if name in TASKS}
    return {
        _("state"): job_word(status),
        held_out: "" if best is None else f"{best:.4f}",
        **{f"{TASKS[name].title}, {TASKS[name].main_score}": f"{value:.4f}" for name, value in scores.items()},
        _("loss"): f"{status['loss']:.4f}" if "loss" in status else "",
        _("steps done"): f"{status['step']:,}" if "step" in status else "",
        _("time of work"): format_duration(60 * history.minutes[-1]) if history.minutes else "",
        _("tokens/s"): f"{status['tokens_per_second']:,.0f}" if "tokens_per_second" in status else "",
    }


def _settings(job: Job) -> dict[str, str]:
    inputs, options, plan, status = job.spec["inputs"], job.spec["options"], _plan(job), job.status()
    passes = plan.get("passes")
    if passes is not None and status.get("step") and plan.get("train_tokens"):  # that were made, of what was planned
        passes = status["step"] * plan["batch_tokens"] / plan["train_tokens"]
    config = plan.get("config", {})
    found = {
        _("corpus"): inputs.get("corpus"),
        _("tokenizer"): inputs.get("tokenizer") or job.tokenizer,
        _("start from"): inputs.get("from"),
        _("tasks"): ", ".join(str(task) for task, _paths in inputs.get("data", [])),
        _("parameters"): f"{plan['parameters']:,}" if "parameters" in plan else "",
        _("layers"): config.get("num_layers"),
        _("width"): config.get("hidden_size"),
        _("vocabulary"): f"{config['vocab_size']:,}" if config else "",
        _("passes over the text"): "" if passes is None else f"{passes:.2f}",
    }
    for field in fields(FineTuneOptions if job.kind == "finetune" else TrainOptions):
        value = options.get(field.name, field.default)
        if value in OPEN:
            value = plan.get(field.name, config.get(field.name, value))
        found[field.flag.removeprefix("--")] = _shown(field, value)
    return {label: "" if value is None else str(value) for label, value in found.items()}


def _plan(job: Job) -> dict[str, Any]:
    try:
        return read_object(job.path / "plan.json")
    except DAMAGED:  # it is not made yet
        return {}


def _shown(field: OptionField, value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool) or (isinstance(value, int | float) and field.type in (int, float)):
        return field.show(value)
    return str(value)
