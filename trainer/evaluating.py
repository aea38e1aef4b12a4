"""Measuring a model: on a corpus, or at a task beside what a simple method answers; into `evaluation.json`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.corpus.store import Corpus
from ..core.errors import UserError
from ..core.files import write_json
from ..core.generation.generate import Writer
from ..core.language import gettext as _
from ..core.model.loading import LoadOptions
from ..core.model.store import ModelInfo
from ..core.progress import Progress, part
from ..core.scores.scoring import score_records
from ..core.tasks.all import task_of
from ..core.tasks.base import Record, Task
from ..core.tasks.data.options import DataOptions
from ..core.tasks.data.splitting import read_split
from ..core.tasks.solving import solve
from ..core.tokenizer.token_files import encode_corpus
from .evaluation import bits_per_byte
from .evaluation_options import EvaluationOptions
from .jobs import Job
from .records import shuffled
from .reporter import Reporter

FILE = "evaluation.json"


def evaluate(job: Job, reporter: Reporter) -> None:
    """Do what the job says."""
    options, inputs = EvaluationOptions.from_mapping(job.spec["options"]), job.spec["inputs"]
    reporter.update(message=_("reading the model"))
    writer = Writer.open(inputs["model"], LoadOptions(device=options.device), lambda: reporter.stop_requested)
    if "corpus" in inputs:
        found = _on_corpus(writer, inputs["model"], Corpus.open(inputs["corpus"]), reporter)
    else:
        found = _on_records(writer, job, options, reporter)
    write_json(job.path / FILE, {"format": 1, "model": inputs["model"], **found})
    reporter.result = {"evaluation": FILE, "message": found["verdict"]}


def _on_corpus(writer: Writer, name: str, corpus: Corpus, progress: Progress) -> dict[str, Any]:
    files = encode_corpus(corpus, writer.tokenizer, f"model-{name}", progress)
    tokens = files.tokens("val")
    if len(tokens) < 2:
        raise UserError(_("{corpus} has no held-out text to measure on.").format(corpus=corpus.name))
    progress(0.5, 1.0, _("measuring"))
    score = bits_per_byte(writer.model, tokens, writer.tokenizer.byte_lengths)
    verdict = _("{bits:.4f} bits per byte of held-out text.").format(bits=score or 0.0)
    return {"corpus": corpus.name, "bits_per_byte": score, "tokens": len(tokens), "verdict": verdict}


def _on_records(writer: Writer, job: Job, options: EvaluationOptions, progress: Progress) -> dict[str, Any]:
    inputs = job.spec["inputs"]
    task, info = task_of(inputs["task"]), ModelInfo.open(inputs["model"])
    progress(0.0, 1.0, _("reading records"))
    training, held_out, data = read_split(task, inputs["data"], DataOptions.from_mapping(inputs["data_options"]))
    records = shuffled(data.records if options.everything else held_out, options.seed)[: options.records]
    about = _about(task, info, records, training)
    values = {} if options.beams is None else {"beams": options.beams}
    begin = time.monotonic()
    answers = _answers(writer, task, records, about, values, progress)
    seconds = time.monotonic() - begin
    progress(0.97, 1.0, _("scoring"))
    evaluation = score_records(task.name, records, answers, training, options.seed)
    main = evaluation.main
    return {
        "task": task.name,
        "data": inputs["data"],
        "evaluation": evaluation.as_dict(),
        "taught": task.name in info.taught,
        "seconds_a_record": round(seconds / max(1, len(records)), 4),
        "problems": data.problems_in_all,
        "verdict": f"{task.title}: {main.name} {main.value:.3f}" if main else task.title,
    }


def _about(task: Task, info: ModelInfo, records: list[Any], training: list[Any]) -> Mapping[str, Any]:
    """What the model remembers of the task; where it was not taught it, what the records say, such as the labels."""
    return info.taught.get(task.name) or {**task.about([*training, *records]), "taught": False}


def _answers(
    writer: Writer,
    task: Task,
    records: Sequence[Record],
    about: Mapping[str, Any],
    values: Mapping[str, Any],
    say: Progress,
) -> list[dict[str, Any]]:
    these = part(say, 0.02, 0.97)

    def answering(done: float, total: float, message: str = "", **metrics: float) -> None:
        these(done, total, _("{done:,} of {total:,} records answered").format(done=int(done), total=int(total)))

    return solve(writer, task, records, about, values, answering)
