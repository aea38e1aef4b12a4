"""Copying from a terminal that may be far away: OSC 52, which it passes on to the clipboard, and a file besides."""

from __future__ import annotations

import base64
import contextlib
import os
from pathlib import Path

from ..core.errors import UserError
from ..core.files import write_atomic
from ..core.home import home

MOST = 74_994  # bytes of a sequence that terminals take, hterm among them; xterm takes more
SCREEN = 768  # bytes that GNU screen hands on in one piece
FILE = "copied.txt"


def fits(text: str) -> bool:
    """Whether terminals take a text of this length."""
    return len(text.encode("utf-8", "replace")) * 4 // 3 + 4 <= MOST


def wrapped(text: str) -> str:
    """What tells the terminal around tmux or screen, where the app runs in one of them; else nothing."""
    plain = f"\x1b]52;c;{base64.b64encode(text.encode('utf-8', 'replace')).decode()}\x07"
    if os.environ.get("TMUX"):  # it takes the plain one with `set-clipboard on`, this one with `allow-passthrough on`
        return f"\x1bPtmux;\x1b{plain}\x1b\\"
    if os.environ.get("STY"):
        parts = [plain[begin : begin + SCREEN] for begin in range(0, len(plain), SCREEN)]
        return "".join(f"\x1bP{part}\x1b\\" for part in parts)
    return ""


def keep(text: str) -> Path | None:
    """The file that has the text that was copied last; None where it cannot be written."""
    with contextlib.suppress(OSError, UserError):
        path = home() / FILE
        write_atomic(path, text.encode("utf-8", "replace"), durable=False)
        return path
    return None
