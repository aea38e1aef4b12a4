"""What is kept, as the app shows it: one damaged folder must not hide the others, nor end the app."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from ..core import store
from ..core.home import folder
from ..core.language import gettext as _
from ..core.store import DAMAGED
from ..trainer.jobs import LIVE, RESUMABLE, Job
from .keyed import keyed

if TYPE_CHECKING:
    from textual.dom import DOMNode

# The kinds of jobs that make what is kept.
MAKERS = {"corpora": ("import",), "tokenizers": ("tokenizer",), "models": ("train", "finetune", "model")}


@dataclass(frozen=True)
class Entry:
    """A line of a list."""

    name: str
    created: float
    detail: str


def entries(kind: str, describe: Callable[[str], tuple[float, str]]) -> list[Entry]:
    """All of `kind`, by name; `describe` gives when it was made and a word about it."""
    found = []
    for name in store.names(kind):
        try:
            found.append(Entry(name, *describe(name)))
        except DAMAGED:
            found.append(Entry(name, 0.0, _("damaged")))
    return found


def damaged_text(node: DOMNode, name: str) -> str:
    """What stands where the details of a damaged one would be."""
    return keyed(node, _("{name} is damaged and cannot be read. Press  d  to delete it.")).format(name=name)


def free_name(kind: str, wanted: str) -> str:
    """`wanted`, or with a number behind it where there is one already, or a job that is making it."""
    taken = set(store.names(kind))
    names = chain([wanted], (f"{wanted}-{number}" for number in count(2)))
    return next(name for name in names if name not in taken and not _is_being_made(kind, name))


def _is_being_made(kind: str, name: str) -> bool:
    """Whether a job would stand in the way of another one that makes this, or lose its work to it."""
    for maker in MAKERS.get(kind, ()):
        with contextlib.suppress(*DAMAGED):  # above all: there is none
            job = Job.open(f"{maker}-{name}")
            if (state := job.state) in LIVE or (state in RESUMABLE and job.has_work):
                return True
    return False


def place_of(marked: object, names: Sequence[object], before: int | None) -> int | None:
    """Which of the names of a list that changed to mark: the same as before; where it is gone, what has its place."""
    if marked in names:
        return names.index(marked)
    return min(before or 0, len(names) - 1) if names else None


class JobWatch:
    """The jobs as they are now. Those that have ended are read once, so that many cost little."""

    def __init__(self) -> None:
        self._ended: dict[tuple[str, int], dict[str, Any]] = {}

    def look(self) -> list[dict[str, Any]]:
        """Their summaries, the newest first; one that cannot be read is left out."""
        found, ended, jobs = [], {}, folder("jobs")
        for name in store.names("jobs"):
            try:
                key = (name, (jobs / name / "status.json").stat().st_mtime_ns)
                summary = self._ended.get(key) or Job.open(name).summary()
                if summary["state"] not in LIVE and summary["state"] != "lost":
                    ended[key] = summary
                found.append(summary)
            except DAMAGED:  # damaged, or removed since the look at the folder
                continue
        self._ended = ended
        return sorted(found, key=lambda job: -float(job["created"]))
