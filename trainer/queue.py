"""One training at a time on a device; the others wait in line, each in a process of its own, and can be moved in it.

There is nobody who calls them up: a waiting job looks whether it is the first in line, and takes the lock of the
device, which is free as soon as the process that had it is gone, however it went.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from ..core.errors import UserError
from ..core.files import FolderLock, read_object, write_json
from ..core.home import folder, make_private
from ..core.language import gettext as _
from ..core.progress import Cancelled
from .jobs import Job, list_jobs
from .reporter import Reporter

KINDS = ("train", "finetune")  # that need a device for themselves
LOOK = 0.5  # seconds between two looks
TURN = "turn.json"


def device_of(job: Job) -> str:
    """The device that a job will use, as far as can be told without PyTorch: "cpu" or "gpu"."""
    asked = job.spec["options"].get("device", "auto")
    there = sys.platform == "darwin" or Path("/dev/nvidiactl").exists() or Path("/dev/kfd").exists()
    return "gpu" if asked in ("cuda", "mps") or (asked == "auto" and there) else "cpu"


def waiting(device: str) -> list[Job]:
    """The jobs that wait for a device, the next one first."""
    jobs = [job for job in list_jobs() if job.kind in KINDS and device_of(job) == device and job.state == "queued"]
    return sorted(jobs, key=_turn)


def _turn(job: Job) -> float:
    try:
        return float(read_object(job.path / TURN, "turn")["turn"])
    except (FileNotFoundError, UserError):
        return float(job.spec["created"])


def wait_for_turn(job: Job, reporter: Reporter) -> FolderLock:
    """Come back when the device is this job's, for as long as its process lives. Raises Cancelled."""
    device = device_of(job)
    lock = FolderLock(make_private(folder("devices") / device))
    told = False
    while True:
        before = [other.name for other in waiting(device) if other.name != job.name and _turn(other) < _turn(job)]
        if not before and lock.acquire(patience=0):
            break
        if reporter.stop_requested:
            reporter.update(message="")  # it waits no more
            raise Cancelled
        text = _("waits until the device is free: {number} before it").format(number=len(before) + 1)
        reporter.update(state="queued", message=text)
        if not told:
            told = True
            reporter.message(_("Another training runs. This one waits, and starts by itself."))
        time.sleep(LOOK)
    reporter.begin()
    return lock


def move(job: Job, place: int) -> list[Job]:
    """Make a waiting job the `place`-th in line, counted from 1; the line. Raises UserError when it does not wait."""
    line = waiting(device_of(job))
    others = [other for other in line if other.name != job.name]
    if len(others) == len(line):
        raise UserError(_("Job {name} does not wait for its turn.").format(name=job.name))
    place = max(1, min(place, len(line)))
    line = [*others[: place - 1], job, *others[place - 1 :]]
    first = min(_turn(each) for each in line)
    for index, each in enumerate(line):
        write_json(each.path / TURN, {"turn": first + index * 1e-3})
    return line
