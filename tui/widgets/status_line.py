"""The line above the footer, on every tab: what is at work now."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from textual.widgets import Static

from ...core.language import gettext as _
from ...core.language import ngettext
from ...core.options import format_duration
from ...trainer.jobs import LIVE, job_word, kind_word, share_text
from .devices import load_text


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
        text = status_text(running, self.size.width - 2) if running else _("No job is running.")
        if text != self.content:
            self.update(text, layout=False)  # a layout draws the whole screen anew


def status_text(jobs: list[dict[str, Any]], width: int) -> str:
    """The live jobs side by side, with as many words as fit into `width` cells; if need be only how many there are.

    Those that wait are counted behind those that run. The least important words go first, and none is cut in half, but
    for the only one that is left.
    """
    running = [job for job in jobs if job["state"] != "queued"] or jobs
    waiting = len(jobs) - len(running)
    counted = ngettext("{number} waits", "{number} wait", waiting).format(number=waiting)
    for end in (f"  │  {counted}", "") if waiting else ("",):
        for words in range(MOST, 0, -1):
            text = "  │  ".join(job_line(job, words) for job in running) + end
            if cell_len(text) <= width:
                return text
    if len(running) == 1:
        (job,) = running
        for text in (f"● {job['target']} {share_text(job)}".rstrip(), f"● {share_text(job) or job['target']}"):
            if cell_len(text) <= width:
                return text
        return text
    if all(job["state"] == "queued" for job in running):
        text = _("● {number} jobs wait").format(number=len(running))
    else:
        text = _("● {number} jobs are running").format(number=len(running))
    return text if cell_len(text) <= width else f"● {len(running)}"


MOST = 5  # words about a job


def job_line(job: dict[str, Any], words: int = MOST) -> str:
    """A running job, in the `words` that matter most."""
    share = f"● {kind_word(job['kind'])} {job['target']} {share_text(job)}".rstrip()
    left = _("{time} left").format(time=format_duration(job["eta_s"])) if job.get("eta_s") is not None else ""
    state = "" if job["state"] == "running" else job_word(job)
    if "loss" in job:
        loss = _("loss {loss:.3f}").format(loss=job["loss"])
        rate = _("{rate:,.0f} tokens/s").format(rate=job["tokens_per_second"])
        load = load_text(job["machine"]) if job.get("machine") else ""
        by_weight = [word for word in (share, loss, left, load, rate) if word]
        in_order = [share, state, loss, rate, left, load]
    else:
        message = job.get("message") or ""
        by_weight, in_order = [share, left, message], [share, state, message, left]
    shown = {state, *by_weight[:words]}
    return " · ".join(part for part in in_order if part and part in shown)
