"""What was written so far."""

from __future__ import annotations

from textual.widgets import TextArea

from .texts import set_text

FULL = 200_000  # characters; older ones leave the screen


class Transcript(TextArea):
    """A text that grows at its end. Who reads further up is left there."""

    def append(self, text: str, follow: bool = False) -> None:
        """Add `text`, and show it, unless something else is being read; with `follow` in any case."""
        follow = follow or self.scroll_offset.y >= self.max_scroll_y - 1
        if len(self.text) > FULL:
            set_text(self, self.text[-FULL // 2 :])
        if text:
            self.insert(text, self.document.end, maintain_selection_offset=True)
            if follow:
                self.scroll_end(animate=False)

    def show_from(self, line: int) -> None:
        """Show what begins at `line`, from its beginning where it is longer than the screen."""
        place = (min(line, self.document.end[0]), 0)
        top = self.wrapped_document.location_to_offset(place).y
        self.call_after_refresh(lambda: self.scroll_to(y=min(top, self.max_scroll_y), animate=False))
