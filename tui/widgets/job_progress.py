"""A line about the job of one kind that runs now, or that has just failed."""

from __future__ import annotations

from typing import Any

from textual.widgets import Static

from ...core.language import gettext as _
from ...core.options import format_duration, format_size
from ...trainer.jobs import LIVE, failure_text, kind_word
from .bar import bar

WIDTH = 20


class JobProgress(Static):
    """Progress, time left, and what to press to stop it; on failure the sentence; else hidden."""

    DEFAULT_CSS = "JobProgress { height: auto; max-height: 4; display: none; padding: 0 0 1 0; }"

    def __init__(self, kind: str):
        super().__init__("", markup=False)
        self.kind = kind

    def show(self, jobs: list[dict[str, Any]]) -> None:
        """Choose among these jobs, the newest first."""
        newest = next((job for job in jobs if job["kind"] == self.kind), None)
        text = ""
        if newest and newest["state"] in LIVE:
            text = progress_text(newest)
        elif newest and newest["state"] in ("failed", "lost"):
            text = failure_text(newest["target"], newest)
        if text != self.content:
            self.update(text)
            self.display = bool(text)


def progress_text(job: dict[str, Any]) -> str:
    """A bar, in characters, with words."""
    parts = [
        f"{kind_word(job['kind'])} {job['target']}",
        f"{bar(job['progress'], WIDTH)} {job['progress']:.0%}",
        job.get("message", ""),
    ]
    if job.get("bytes_per_second"):
        parts.append(_("{size}/s").format(size=format_size(job["bytes_per_second"])))
    if job.get("eta_s") is not None:
        parts.append(_("{time} left").format(time=format_duration(job["eta_s"])))
    return "  ".join(filter(None, parts)) + "\n" + _("x stops it.")
