"""The dialog that lets a training go on: longer, from an earlier checkpoint, with other GPUs or machines."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from textual.app import ComposeResult
from textual.widgets import Input, Static

from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import OptionsBase
from ..trainer.checkpoints import list_steps
from ..trainer.jobs import Job
from ..trainer.resuming import ResumeOptions, prospect, resume
from .command_dialog import CommandDialog, row


def checkpoints_of(job: str) -> list[str]:
    """The steps of which a training has checkpoints, the newest first, and "best" where that of the best step is there.

    Raises UserError for a job that is gone.
    """
    found = Job.open(job)
    steps = list_steps(found.path / "checkpoints")
    return [str(step) for step in steps] + (["best"] if found.status().get("best_step") in steps else [])


class ResumeDialog(CommandDialog):
    """Asks from where a training goes on, how much longer, and on what."""

    options = ResumeOptions
    start_word = N_("Resume")
    unset = N_("as before")

    def __init__(self, job: str, more: str = "", origin: str = ""):
        """`more` time and the checkpoint `origin` stand there at first."""
        super().__init__()
        self.job, self._more, self._origin = job, more, origin

    def heading(self) -> str:
        return _("Go on with {name}").format(name=self.job)

    def compose_head(self) -> ComposeResult:
        steps, job = checkpoints_of(self.job), Job.open(self.job)
        hint = _("Checkpoints: {steps}. Those after the chosen one are removed.")
        text = hint.format(steps=", ".join(steps)) if steps else _("There is no checkpoint yet: it begins anew.")
        if not steps and job.state == "finished":
            text = prospect(job).obstacle or text
        yield Static(text, classes="hint", markup=False)
        yield row(_("from"), Input(self._origin, placeholder=_("the newest checkpoint"), compact=True, id="origin"))

    def start_values(self) -> dict[str, str]:
        return {"time": self._more} if self._more else {}

    def origin(self) -> str:
        """The checkpoint that was named; nothing for the newest."""
        return self.query_one("#origin", Input).value.strip()

    def words(self) -> list[str]:
        return ["newleaf", "job", "resume", self.job, *(["--from", self.origin()] if self.origin() else [])]

    def beginning(self, options: OptionsBase) -> Callable[[], object]:
        how = cast("ResumeOptions", options)
        job = Job.open(self.job)
        return partial(resume, job, how.time, how.steps, origin=self.origin() or None, where=how.where())
