"""A text in a text area."""

from __future__ import annotations

from textual.widgets import TextArea


def set_text(area: TextArea, text: str) -> None:
    """Show `text`. Textual 8.2 does not draw a new text anew that has as many lines as the one before."""
    area.text = text
    area.refresh()
