"""What went on while the app was closed: the jobs as they were seen last, and as they are now."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.language import gettext as _
from ..core.language import labelled
from ..core.options import format_duration
from ..trainer.jobs import LIVE, failure_text, kind_word, state_word

LONG = 60.0  # seconds: who was away for less knows that a training went on
_KINDS = {"state": str, "step": int, "bits_per_byte": float}  # what is kept of a job
AGAIN = 60.0  # seconds after which jobs that merely went on are written down again


def seen(jobs: Sequence[Mapping[str, Any]], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The jobs as they are now, to be kept; `before` is what was kept last, and comes back while little has changed."""
    now = {job["name"]: {key: job[key] for key in _KINDS if key in job} for job in jobs}
    kept = _jobs(before)
    states = {name: each.get("state") for name, each in kept.items()} if before else None
    same = states == {name: each["state"] for name, each in now.items()}
    if before and same and (now == kept or time.time() - _time(before, 0.0) < AGAIN):
        return dict(before)
    return {"time": round(time.time(), 1), "jobs": now}


def away_lines(before: Mapping[str, Any] | None, jobs: Sequence[Mapping[str, Any]], now: float) -> list[str]:
    """A sentence for each job that has gone on, ended or failed since, also where it began since; none where there is
    nothing to say.
    """
    if not before:
        return []
    kept = _jobs(before)
    gone = max(0.0, now - _time(before, now))
    found = []
    for job in jobs:
        was = kept.get(job["name"])
        if was is None and job["state"] not in LIVE and job.get("created", 0.0) > _time(before, math.inf):
            was = {"state": "queued"}  # it began while nobody looked
        if was is None or was.get("state") not in LIVE:
            continue
        if job["state"] in LIVE:
            if gone >= LONG and job.get("step", 0) > was.get("step", 0):
                found.append(labelled(_name(job), _progress(was, job)))
        elif job.get("error"):
            found.append(failure_text(_name(job), job))
        else:
            found.append(", ".join(filter(None, [labelled(_name(job), state_word(job["state"])), _progress(was, job)])))
    if not found:
        return []
    return [_("While you were away ({time}):").format(time=format_duration(gone)), *found]


def _jobs(before: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """What was kept of each job. The file may hold anything."""
    kept = before.get("jobs") if before else None
    if not isinstance(kept, dict):
        return {}
    return {
        name: {key: each[key] for key, kind in _KINDS.items() if isinstance(each.get(key), kind)}
        for name, each in kept.items()
        if isinstance(each, dict)
    }


def _time(before: Mapping[str, Any], otherwise: float) -> float:
    kept = before.get("time")
    return float(kept) if isinstance(kept, int | float) else otherwise


def _name(job: Mapping[str, Any]) -> str:
    return f"{kind_word(job['kind'])} {job['target']}"


def _progress(was: Mapping[str, Any], job: Mapping[str, Any]) -> str:
    parts = []
    if "step" in job:
        parts.append(_("step {before:,} to {now:,}").format(before=was.get("step", 0), now=job["step"]))
    if "bits_per_byte" in job:
        before, now = was.get("bits_per_byte"), f"{job['bits_per_byte']:.3f}"
        words = _("{before} to {now} bits per byte") if before is not None else _("{now} bits per byte")
        parts.append(words.format(before=f"{before or 0:.3f}", now=now))
    return ", ".join(parts)
