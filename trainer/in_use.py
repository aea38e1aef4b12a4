"""What is not taken away while a job is at work on it."""

from __future__ import annotations

from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from .jobs import LIVE, Job, list_jobs

WORDS = {
    "corpora": N_("Job {job} is at work on corpus {name}: wait for its end."),
    "tokenizers": N_("Job {job} is at work on tokenizer {name}: wait for its end."),
    "models": N_("Job {job} is at work on model {name}: wait for its end."),
}
OF_TARGET = {  # kinds of jobs that make it, or need that of which they have the name
    "corpora": ("import",),
    "tokenizers": ("tokenizer",),
    "models": ("train", "finetune", "evaluate", "export", "model", "serve"),
}
INPUTS = {
    "corpora": ("corpus", "old_corpus", "mix"),
    "tokenizers": ("tokenizer",),
    "models": ("from", "model"),
}


def check_unused(kind: str, name: str) -> None:
    """Raises UserError while a job that runs, or waits, needs or makes a corpus, a tokenizer or a model."""
    for job in list_jobs():
        if job.state in LIVE and name in _needed(job, kind):
            raise UserError(_(WORDS[kind]).format(job=job.name, name=name))


def _needed(job: Job, kind: str) -> set[str | None]:
    told = {**job.spec["inputs"], "mix": job.spec["options"].get("mix")}
    found = {told.get(key) for key in INPUTS[kind]}
    if kind == "corpora":
        found.update(told.get("corpora", ()))  # that are merged
    if job.kind in OF_TARGET[kind]:
        found.add(job.target)
    if kind == "tokenizers" and job.trains:
        found.add(job.tokenizer)
    return found
