"""The title of the terminal's window or tab: seen also where the app is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..trainer.jobs import LIVE, kind_word, state_word

KEEP, GIVE_BACK = "\x1b[22;2t", "\x1b[23;2t"  # xterm's stack of titles


def title_text(jobs: Sequence[Mapping[str, Any]], ended: Mapping[str, Any] | None) -> str:
    """How far the newest job is that runs; else how the one ended that ended last; else the app's name alone."""
    running = next((job for job in jobs if job["state"] in LIVE), None)
    if running:
        return f"{running['progress']:.0%} {kind_word(running['kind'])} {running['target']} - newleaf"
    if ended:
        return f"{kind_word(ended['kind'])} {ended['target']} {state_word(ended['state'])} - newleaf"
    return "newleaf"


def title_sequence(title: str) -> str:
    """What tells the terminal its title."""
    return f"\x1b]2;{''.join(sign for sign in title if sign.isprintable())}\x07"
