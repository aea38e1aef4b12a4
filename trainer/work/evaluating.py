"""The job that measures a model: bits per byte on a corpus, or the scores of a task on records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...core import store
from ...core.corpus.store import Corpus
from ...core.errors import UserError
from ...core.language import gettext as _
from ...core.model.store import ModelInfo
from ...core.tasks.all import task_of
from ...core.tasks.data.options import DataOptions
from ..evaluation_options import EvaluationOptions
from ..jobs import Job, create
from ..reporter import Reporter


def submit(
    model: str,
    data: Sequence[str],
    task: str | None = None,
    options: EvaluationOptions | None = None,
    data_options: DataOptions | None = None,
) -> Job:
    """Start to measure a model on a corpus by its name, or on the records in files. Raises UserError.

    Without a task it is the only one that the model was taught.
    """
    info = ModelInfo.open(model)
    options = options or EvaluationOptions()
    if task is None and len(data) == 1 and data[0] in store.names("corpora") and not Path(data[0]).exists():
        Corpus.open(data[0])
        inputs: dict[str, Any] = {"model": model, "corpus": data[0]}
    else:
        if task is None:
            if len(info.taught) != 1:
                raise UserError(_("Say what the records in {path} are: --task NAME").format(path=", ".join(data)))
            (task,) = info.taught
        inputs = {
            "model": model,
            "task": task_of(task).name,
            "data": [str(Path(path).absolute()) for path in data],
            "data_options": (data_options or DataOptions()).at_any_place().as_dict(),
        }
    return create("evaluate", model, inputs, options.as_dict())


def run(job: Job, reporter: Reporter) -> None:
    """Do it, in the job's process."""
    from ..evaluating import evaluate  # with torch

    evaluate(job, reporter)
