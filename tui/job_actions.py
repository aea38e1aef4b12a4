"""What can be done with the job that is marked in a list."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from textual import work

from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.store import DAMAGED
from ..trainer.jobs import LIVE, RESUMABLE, Job
from ..trainer.resuming import resume
from .log_screen import LogScreen

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from .app import NewleafApp

    Base = DOMNode
else:
    Base = object


def is_possible_in(action: str, state: str | None) -> bool:
    """Whether an action makes sense for a job in this state; None: no job is marked."""
    if action == "stop":
        return state in ("queued", "running")
    if action == "pause":
        return state in ("queued", "running")
    if action == "unpause":
        return state == "stopped"
    if action == "resume":
        return state in RESUMABLE
    if action == "remove":
        return state is not None and state not in LIVE
    return action != "log" or state is not None


def has_checkpoint(name: str) -> bool:
    """Whether the job of this name has one; not when it was removed since the last look."""
    try:
        return Job.open(name).has_checkpoint
    except DAMAGED:
        return False


class JobActions(Base):
    """Mix-in for what has such a list; it says which one is marked."""

    def marked(self) -> str | None:
        """The name of the job that is marked."""
        raise NotImplementedError

    @property
    def _newleaf(self) -> NewleafApp:
        return cast("NewleafApp", self.app)

    def with_marked(self, act: Callable[[Job], Any]) -> None:
        """Do something with the job; what goes wrong is said."""
        if name := self.marked():
            try:
                act(Job.open(name))
            except UserError as error:
                self._newleaf.say(str(error), error=True)

    def action_stop(self) -> None:
        """Stop it, with all its work kept."""
        self.with_marked(lambda job: job.stop())

    def action_pause(self) -> None:
        """Stop a training to go on with it later."""
        self.with_marked(lambda job: job.pause())

    def action_unpause(self) -> None:
        """Go on with it, by the same key."""
        self.resume_marked()

    def action_resume(self) -> None:
        """Go on with it."""
        self.resume_marked()

    @work(exit_on_error=False)
    async def resume_marked(self) -> None:
        """In a thread: the checkpoint is read whole before."""
        if name := self.marked():
            try:
                await asyncio.to_thread(lambda: resume(Job.open(name)))
            except UserError as error:
                self._newleaf.say(str(error), error=True)

    def action_log(self) -> None:
        """Show what its process said."""
        if name := self.marked():
            self.app.push_screen(LogScreen(name))

    @work(exit_on_error=False)
    async def action_remove(self) -> None:
        """Delete it; what it has made stays."""
        name = self.marked()
        question = _("Delete job {name} with its checkpoints? What it has made stays.").format(name=name)
        if name and await self._newleaf.confirm(question):
            self.with_marked(lambda job: job.remove())
