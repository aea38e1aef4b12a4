"""All jobs, of whatever kind: what runs, what waits, what has ended and how."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import format_duration
from ..trainer.jobs import LIVE, job_word, kind_word, place_text, share_text
from ..trainer.queue import KINDS as QUEUED
from .job_actions import JobActions, is_possible_in
from .kept import place_of
from .widgets.footer import Keys
from .words import Translated

SIGNS = {"running": "●", "queued": "○", "stopping": "◐", "stopped": "◼", "finished": "✓", "failed": "✗", "lost": "✗"}
MOST = 30  # cells of a name or kind


class JobsScreen(JobActions, Translated, ModalScreen[None]):
    """A line for each job, the newest first; below, what there is to say of the marked one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", N_("Pause"), id="jobs.pause"),
        Binding("p", "unpause", show=False, id="jobs.unpause"),
        Binding("s", "stop", N_("Stop"), id="jobs.stop"),
        Binding("r", "resume", N_("Resume"), id="jobs.resume"),
        Binding("l", "log", N_("Log"), id="jobs.log"),
        Binding("d", "remove", N_("Delete"), id="jobs.remove"),
        Binding("escape,f9", "dismiss", N_("Close"), id="jobs.close", key_display="esc"),
    ]
    DEFAULT_CSS = """
    JobsScreen { background: $surface; layout: vertical; }
    JobsScreen .title { padding: 0 1; }
    JobsScreen #about { height: auto; max-height: 6; padding: 0 1; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._jobs: list[dict[str, Any]] = []

    def compose(self) -> ComposeResult:
        yield Static(_("Jobs"), classes="title", markup=False)
        yield OptionList(markup=False)
        yield Static("", id="about", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """Look whenever a job has changed."""
        self.watch(self.app, "jobs", self._show)
        self.query_one(OptionList).focus()

    def _show(self, jobs: list[dict[str, Any]]) -> None:
        entries = self.query_one(OptionList)
        same = [job["name"] for job in jobs] == [job["name"] for job in self._jobs]
        marked = self.marked()
        self._jobs = jobs
        lines = job_lines(jobs, max(20, self.size.width - 2))
        if same and len(lines) == entries.option_count:
            for number, line in enumerate(lines):
                entries.replace_option_prompt_at_index(number, Content(line))
        else:
            before = entries.highlighted
            entries.clear_options()
            entries.add_options(Option(Content(line)) for line in lines)
            entries.highlighted = place_of(marked, [job["name"] for job in jobs], before)
        self._tell()

    def on_resize(self) -> None:
        """Fit the lines to the new width."""
        self.call_after_refresh(lambda: self._show(self._jobs))

    def marked(self) -> str | None:
        index = self.query_one(OptionList).highlighted
        return self._jobs[index]["name"] if index is not None and index < len(self._jobs) else None

    @on(OptionList.OptionHighlighted)
    def _tell(self) -> None:
        job = next((job for job in self._jobs if job["name"] == self.marked()), None)
        about = self.query_one("#about", Static)
        if job is None:
            about.update(_("There is no job yet."))
        else:
            said = job.get("error") or place_text(job)
            about.update("\n".join(filter(None, [job["name"], said])))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's question."""
        if not self.query(OptionList):
            return False
        job = next((job for job in self._jobs if job["name"] == self.marked()), None)
        if action in ("pause", "unpause") and job and job["kind"] not in QUEUED:
            return False
        return is_possible_in(action, job["state"] if job else None)


def job_lines(jobs: list[dict[str, Any]], width: int) -> list[str]:
    """A line for each: sign, kind, name, state, how far, time left, when it began; what has no room is left out."""
    rows = [
        [
            f"{SIGNS.get(job['state'], ' ')} {kind_word(job['kind'])}",
            str(job["target"]),
            job_word(job),
            share_text(job),
            _("{time} left").format(time=format_duration(job["eta_s"])) if _has_time(job) else "",
            time.strftime("%Y-%m-%d %H:%M", time.localtime(job["created"])),
        ]
        for job in jobs
    ]
    widths = [min(MOST, max((cell_len(row[column]) for row in rows), default=0)) for column in range(6)]
    columns: list[int] = []
    for column in range(6):
        if sum(widths[each] + 2 for each in [*columns, column]) - 2 <= width or column < 2:
            columns.append(column)
    return ["  ".join(set_cell_size(row[column], widths[column]) for column in columns).rstrip() for row in rows]


def _has_time(job: dict[str, Any]) -> bool:
    return job["state"] in LIVE and job.get("eta_s") is not None
