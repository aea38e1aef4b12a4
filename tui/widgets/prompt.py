"""Where a person writes to a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.message import Message
from textual.widgets import TextArea

from .texts import set_text


class PromptArea(TextArea):
    """A text to write: Enter sends it, Ctrl+J begins a new line, ↑ and ↓ bring back what was sent before."""

    class Sent(Message):
        """The prompt is ready."""

    TAKEN = ("enter", "ctrl+j", "up", "down")  # keys that it looks at before Textual does

    sent_before: Callable[[], Sequence[str]] = staticmethod(tuple)  # the newest first
    _place = -1  # in it; -1: what is being written
    _own = ""  # what was being written before

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            self._place = -1
            self._taken(event)
            self.post_message(self.Sent())
        elif event.key == "ctrl+j":
            self._taken(event)
            self.insert("\n")
        elif event.key in ("up", "down"):
            self._taken(event)
            if not self._go(1 if event.key == "up" else -1):
                self.action_cursor_up() if event.key == "up" else self.action_cursor_down()
        else:
            await super()._on_key(event)

    def _taken(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()

    def _go(self, by: int) -> bool:
        """Show what was sent before or after that; False where the key is the text's own."""
        row = self.cursor_location[0]
        if (row > 0) if by > 0 else (row < self.document.line_count - 1):
            return False
        sent = self.sent_before()
        if self._place >= len(sent) or (self._place >= 0 and self.text != sent[self._place]):
            self._place = -1  # it was changed: a text of one's own again
        place = self._place + by
        if not -1 <= place < len(sent):
            return False
        if self._place == -1:
            self._own = self.text
        self._place = place
        set_text(self, self._own if place == -1 else sent[place])
        self.move_cursor((0, 0) if by > 0 else self.document.end)
        return True
