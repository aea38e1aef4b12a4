"""The keys at the bottom, in two lines where they need them: none is cut off where the terminal is narrow."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import HorizontalGroup
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

MOST = 2  # lines; what does not fit is in the help, whose key is always there


class Keys(Footer):
    """Textual's footer, which would have one line and scroll."""

    DEFAULT_CSS = """
    Keys { layout: vertical; height: auto; }
    Keys HorizontalGroup { height: 1; }
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._width = 0

    def compose(self) -> ComposeResult:
        self._width = width = self.app.size.width
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]
        while len(lines := _lines(keys, width)) > MOST and len(keys) > 1:
            keys.remove(next(key for key in reversed(keys) if not key.action.endswith("help")))
        for line in lines:
            yield HorizontalGroup(*line)

    def on_resize(self) -> None:
        """Break the lines anew."""
        if self.app.size.width != self._width:
            self.call_after_refresh(self.recompose)


def _lines(keys: list[FooterKey], width: int) -> list[list[FooterKey]]:
    """The keys, as many in a line as fit."""
    lines: list[list[FooterKey]] = [[]]
    room = width
    for key in keys:
        needed = cell_len(f" {key.key_display}  {key.description}")
        if lines[-1] and needed > room:
            lines.append([])
            room = width
        lines[-1].append(key)
        room -= needed
    return lines
