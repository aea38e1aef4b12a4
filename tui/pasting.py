"""What is pasted, and how much of it a field takes: millions of characters would hold up every key."""

from __future__ import annotations

from textual.widget import Widget
from textual.widgets import Input, TextArea

from ..core.language import gettext as _

OF_A_LINE = 20_000  # characters that a field of one line takes at once
OF_A_TEXT = 100_000  # likewise, one of many lines


def refusal(field: Widget | None, text: str) -> str:
    """What is said of a paste that is too long for the field in focus; nothing of one that it takes."""
    most = OF_A_LINE if isinstance(field, Input) else OF_A_TEXT if isinstance(field, TextArea) else None
    if most is None or len(text) <= most:
        return ""
    return _(
        "The pasted text has {number:,} characters, and this field takes {most:,}. Put it into a file, and give "
        "the file."
    ).format(number=len(text), most=most)
