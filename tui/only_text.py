"""What the terminal is given is text and Textual's own control sequences: never a control character of somebody's text.

A file that is previewed, and a model that writes, may hold ESC, and with it set the clipboard or the title of the
terminal, or answer in the person's name. Textual hands such characters on as they are.
"""

from __future__ import annotations

import re

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

# All of them count as no cell wide, so a line keeps its width without them. The last ones turn the reading direction.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class OnlyText(LineFilter):
    """Takes control characters out of every line of every widget, just before it is drawn."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without them."""
        if not any(CONTROL.search(segment.text) for segment in segments):
            return segments
        return [Segment(CONTROL.sub("", text), style, control) for text, style, control in segments]


def visible(text: str) -> str:
    """`text` on one line, with a sign for each character that cannot be seen."""
    return CONTROL.sub(_sign, text.replace("\n", "⏎").replace("\t", "⇥").replace(" ", "·"))


def _sign(match: re.Match[str]) -> str:
    number = ord(match[0])
    return chr(0x2400 + number) if number < 32 else "␡" if number == 127 else "\ufffd"
