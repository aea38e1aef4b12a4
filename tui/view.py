"""What the four tabs have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.containers import Vertical
from textual.widgets import OptionList, TabPane, TextArea
from textual.worker import Worker

from ..trainer.jobs import LIVE
from .widgets.texts import set_text
from .words import Translated

if TYPE_CHECKING:
    from .app import NewleafApp


class View(Translated, Vertical):
    """The content of a tab."""

    heading = ""
    tab = ""  # the name of its tab
    # What a view that takes the place of this one knows too, beside the draft, the marked lines and what was written.
    CARRIED: ClassVar[tuple[str, ...]] = ()

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

    def focus_on(self, selector: str) -> None:
        """Give a widget the focus at once: a key that is waiting already is meant for it."""
        widget = self.query_one(selector)
        with self.app.prevent(TabPane.Focused):  # which comes late, and would bring back a tab that was left since
            self.screen.set_focus(widget)
        if self.screen.focused is not widget:  # it cannot have it yet
            widget.focus()

    def writing(self) -> Worker[Any] | None:
        """The worker that writes an answer here, if one does."""
        mine = (worker for worker in self.app.workers if worker.node is self and worker.group == "writing")
        return next((worker for worker in mine if worker.is_running), None)

    def carry(self) -> dict[str, Any]:
        """What is shown here and in no draft, for a view that takes the place of this one."""
        marked = {each.id: each.highlighted for each in self.query(OptionList) if each.id}
        written = {each.id: each.text for each in self.query(TextArea) if each.id and each.read_only}
        known = {name: getattr(self, name) for name in self.CARRIED}
        return {"marked": marked, "written": written, "known": known}

    def take_up(self, carried: dict[str, Any]) -> None:
        """Show what another one carried."""
        for name, value in carried["known"].items():
            setattr(self, name, value)
        for id_, text in carried["written"].items():
            for area in self.query(f"#{id_}").results(TextArea):
                set_text(area, text)
                area.move_cursor(area.document.end)
        for id_, line in carried["marked"].items():
            for entries in self.query(f"#{id_}").results(OptionList):
                if line is not None and line < entries.option_count:
                    entries.highlighted = line

    def draft(self) -> dict[str, Any]:
        """What was typed here and shall not be lost."""
        return {}
