"""The job that serves models over HTTP until somebody stops it."""

from __future__ import annotations

import asyncio

from ...core.engine.serving import ServeOptions
from ...core.language import gettext as _
from ...core.language import ngettext
from ...core.model.loading import LoadOptions
from ...core.model.store import ModelInfo
from ...core.progress import Cancelled
from ..jobs import Job, create
from ..reporter import Reporter

ALL = "models"  # what the job of all of them is called


def submit(model: str | None, options: ServeOptions, load: LoadOptions | None = None) -> Job:
    """Start to serve a model, or with None all. Raises UserError for a model that there is not."""
    if model:
        ModelInfo.open(model)
    kept = {"model": model, "load": (load or LoadOptions()).as_dict()}
    return create("serve", model or ALL, kept, options.as_dict())


def run(job: Job, reporter: Reporter) -> None:
    """Do it, in the job's process."""
    from ...core.engine.front import address_of, listening, serve

    options, inputs = ServeOptions.from_mapping(job.spec["options"]), job.spec["inputs"]
    load = LoadOptions.from_mapping(inputs["load"])
    with listening(options) as listener:
        address = address_of(listener, options)

        def ended() -> bool:
            return reporter.stop_requested

        def count(requests: int) -> None:
            told = ngettext("{address}  {requests:,} request", "{address}  {requests:,} requests", requests)
            reporter.update(message=told.format(address=address, requests=requests))

        def begun() -> None:
            reporter.message(_("Serving at {address}").format(address=address))

        if inputs["model"]:
            reporter.update(message=_("Reading the model {name} ...").format(name=inputs["model"]))
        asyncio.run(serve(listener, options, inputs["model"], load, begun, ended, count))
    raise Cancelled
