"""The keys at the bottom, in as many lines as they need: none is cut off where the terminal is narrow."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import HorizontalGroup
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey


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
        lines: list[list[Widget]] = [[]]
        room = width
        for key in super().compose():
            assert isinstance(key, FooterKey)
            needed = cell_len(f" {key.key_display}  {key.description}")
            if lines[-1] and needed > room:
                lines.append([])
                room = width
            lines[-1].append(key)
            room -= needed
        for line in lines:
            yield HorizontalGroup(*line)

    def on_resize(self) -> None:
        """Break the lines anew."""
        if self.app.size.width != self._width:
            self.call_after_refresh(self.recompose)
