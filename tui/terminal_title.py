"""The title of the terminal's window or tab: seen also where the app is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..trainer.jobs import ENDLESS, LIVE, kind_word, share_text, state_word

KEEP, GIVE_BACK = "\x1b[22;2t", "\x1b[23;2t"  # xterm's stack of titles


def title_text(jobs: Sequence[Mapping[str, Any]], ended: Mapping[str, Any] | None) -> str:
    """How far the newest job is that runs; else how the one ended that ended last; else the app's name alone."""
    running = [job for job in jobs if job["state"] in LIVE]
    running.sort(key=lambda job: job["kind"] in ENDLESS)  # those that have an end first
    if running:
        return f"{share_text(running[0])} {kind_word(running[0]['kind'])} {running[0]['target']} - newleaf".lstrip()
    if ended:
        return f"{kind_word(ended['kind'])} {ended['target']} {state_word(ended['state'])} - newleaf"
    return "newleaf"


def title_sequence(title: str) -> str:
    """What tells the terminal its title."""
    return f"\x1b]2;{''.join(sign for sign in title if sign.isprintable())}\x07"
