"""The job that writes a model as a file for other programs."""

from __future__ import annotations

from pathlib import Path

from ...core.errors import UserError
from ...core.language import gettext as _
from ...core.model.store import ModelInfo
from ...core.options import format_size
from ..export_options import ExportOptions
from ..jobs import Job, create
from ..reporter import Reporter


def submit(model: str, path: str | Path, options: ExportOptions | None = None) -> Job:
    """Start to write a model to the file `path`. Raises UserError, before anything is made, for what cannot work."""
    ModelInfo.open(model)
    place = check_place(path)
    if place.exists():
        raise UserError(_("{path} exists already: name another file.").format(path=place))
    return create("export", model, {"path": str(place)}, (options or ExportOptions()).as_dict())


def check_place(path: str | Path) -> Path:
    """The path as others will see it. Raises UserError where no file can be written."""
    place = Path(path).expanduser().absolute()
    if not str(path).strip() or place.is_dir() or not place.parent.is_dir():
        raise UserError(_("{path} cannot be written: name a file in a folder that is there.").format(path=path))
    return place


def run(job: Job, reporter: Reporter) -> None:
    """Do it, in the job's process."""
    from ...core.formats.gguf_export import export_gguf

    path = Path(job.spec["inputs"]["path"])
    export_gguf(ModelInfo.open(job.target), path, job.spec["options"]["type"], reporter)
    said = _("Wrote {path}: {size}.").format(path=path, size=format_size(path.stat().st_size))
    reporter.result = {"message": said}
    reporter.message(said)
