"""What the four tabs have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual.containers import Vertical

from ..trainer.jobs import LIVE
from .words import Translated

if TYPE_CHECKING:
    from .app import NewleafApp


class View(Translated, Vertical):
    """The content of a tab."""

    heading = ""
    tab = ""  # the name of its tab

    def __init__(self) -> None:
        super().__init__(classes="view")

    @property
    def newleaf(self) -> NewleafApp:
        """The app, with its own attributes."""
        return cast("NewleafApp", self.app)

    def on_mount(self) -> None:
        """Look whenever a job has changed."""
        self.watch(self.app, "jobs", self.jobs_changed)

    def jobs_changed(self, jobs: list[dict[str, Any]]) -> None:
        """The jobs are these now."""

    def is_possible(self, action: str) -> bool:
        """Whether an action makes sense now; one that does not is not shown."""
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's question."""
        return self.is_possible(action)

    def runs(self, kind: str) -> bool:
        """Whether a job of this kind runs."""
        return any(job["kind"] == kind and job["state"] in LIVE for job in self.newleaf.jobs)

    def take_focus(self) -> None:
        """The tab was opened."""

    def draft(self) -> dict[str, Any]:
        """What was typed here and shall not be lost."""
        return {}
