"""What jobs do: a module a kind, with a function to submit the job and one, `run`, that its process calls."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..jobs import Job
    from ..reporter import Reporter

_MODULES = {
    "import": "importing",
    "tokenizer": "tokenizing",
    "train": "training",
    "finetune": "finetuning",
    "evaluate": "evaluating",
    "export": "exporting",
    "model": "model_importing",
    "serve": "serving",
}


def do(job: Job, reporter: Reporter) -> None:
    """Do what the job says, in this process."""
    import_module(f".{_MODULES[job.kind]}", __package__).run(job, reporter)
