"""The line above the footer, on every tab: what is at work now."""

from __future__ import annotations

from typing import Any

from textual.widgets import Static

from ...core.language import gettext as _
from ...core.options import format_duration
from ...trainer.jobs import LIVE, kind_word, state_word


class StatusLine(Static):
    """Running jobs in words; drops words where the terminal is narrow."""

    DEFAULT_CSS = "StatusLine { height: 1; background: $panel; color: $text; padding: 0 1; }"

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._jobs: list[dict[str, Any]] = []

    def show(self, jobs: list[dict[str, Any]]) -> None:
        """Show these jobs, of which those that run are of interest."""
        self._jobs = jobs
        self._write()

    def on_resize(self) -> None:
        """Fit the new width."""
        self._write()

    def _write(self) -> None:
        running = [job for job in self._jobs if job["state"] in LIVE]
        text = "  │  ".join(job_line(job) for job in running) if running else _("No job is running.")
        if len(running) == 1 and len(text) > self.size.width - 2:
            text = job_line(running[0], short=True)
        if text != self.content:
            self.update(text)


def job_line(job: dict[str, Any], short: bool = False) -> str:
    """A running job in words."""
    parts = [f"● {kind_word(job['kind'])} {job['target']} {job['progress']:.0%}"]
    if job["state"] != "running":
        parts.append(state_word(job["state"]))
    if "loss" in job:
        parts.append(_("loss {loss:.3f}").format(loss=job["loss"]))
        if not short:
            parts.append(_("{rate:,.0f} tokens/s").format(rate=job["tokens_per_second"]))
    elif job.get("message") and not short:
        parts.append(job["message"])
    if job.get("eta_s") is not None:
        parts.append(_("{time} left").format(time=format_duration(job["eta_s"])))
    return " · ".join(parts)
