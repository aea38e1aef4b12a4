"""How much is sent to the terminal: over a slow line fewer frames, looks and pieces of text. No Textual is imported."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """The line to the terminal."""

    frames: int  # a second, at most; Textual reads TEXTUAL_FPS when it is imported
    look: float  # seconds between two looks at the jobs, and so between two drawings of their charts
    follow: float  # seconds between two looks at the charts or the log that fill a screen
    beat: float  # seconds between two pieces of an answer
    motion: bool  # whether the terminal tells each move of the mouse, and not only what is pressed and drawn


FAST = Link(frames=60, look=0.5, follow=1.0, beat=0.1, motion=True)
SLOW = Link(frames=10, look=2.0, follow=3.0, beat=0.4, motion=False)

# Of xterm's ways to tell of the mouse: the moves with a button held down, and not all; and none of it any more.
PRESSES, NO_PRESSES = "\x1b[?1003l\x1b[?1002h", "\x1b[?1002l"


def link_of(wish: str, environment: Mapping[str, str] = os.environ) -> Link:
    """The line: "fast", "slow", or "auto", for which SSH is slow."""
    slow = wish == "slow" or (wish == "auto" and bool(environment.get("SSH_CONNECTION")))
    return SLOW if slow else FAST


def link_to(app: object) -> Link:
    """The line of an app; of one that knows nothing of lines, a fast one."""
    link = getattr(app, "link", FAST)
    return link if isinstance(link, Link) else FAST
