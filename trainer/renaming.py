"""Another name for a model that nothing is at work on."""

from __future__ import annotations

from ..core import store
from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.model.card import write_card
from .jobs import LIVE, list_jobs

USERS = ("train", "finetune", "evaluate", "export", "model", "serve")  # kinds of jobs that make a model, or need one


def rename_model(name: str, new: str) -> None:
    """Give a model another name. Raises UserError, also while a job makes or needs it."""
    path = store.find("models", name)
    for job in list_jobs():
        needed = job.spec["inputs"]
        if name in (job.target, needed.get("from"), needed.get("model")) and job.kind in USERS and job.state in LIVE:
            raise UserError(
                _("Job {job} is at work on model {name}: wait for its end.").format(job=job.name, name=name)
            )
    store.rename("models", name, new)
    if (path.with_name(new) / "newleaf.json").exists():
        write_card(path.with_name(new), new)
