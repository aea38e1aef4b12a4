"""The card of the four steps from nothing to a model that writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from textual.widgets import Static

from ...core.language import gettext as _
from ..first_steps import Step, steps

DONE, NEXT, AT_WORK = "✓", "▶", "●"


class StepsCard(Static):
    """Ticks what is done, marks what is next, and names the key for it."""

    DEFAULT_CSS = "StepsCard { height: auto; padding: 0 0 1 0; }"

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._shown: list[Step] | None = None

    def show(self, jobs: Sequence[dict[str, Any]]) -> None:
        """The steps as they are with these jobs."""
        found = steps(jobs)
        if found != self._shown:
            self._shown = found
            self.update(card(found))


def card(found: Sequence[Step]) -> Table:
    """The steps below each other: a sign, the step, its key, what the key does."""
    table = Table.grid(padding=(0, 1))
    for _column in range(3):
        table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")  # where there are no spaces, as in Chinese
    keys = [
        [("t", _("sample text: Python's documentation")), ("a", _("your own text, or paste its path"))],
        [("t", _("learns which pieces are common"))],
        [("t", _("learns from the text for 5 minutes"))],
        [("F5", _("lets it write"))],
    ]
    following = next((number for number, step in enumerate(found) if not step.done), len(found))
    for number, (word, lines) in enumerate(zip(words(), keys, strict=True)):
        step = found[number] if number < len(found) else None
        sign, style = (NEXT, "bold") if number == following else ("", "")
        if step and step.done:
            sign, style, lines = DONE, "", [("", _("done: {name}").format(name=step.made) if step.made else _("done"))]
        elif step and step.share is not None:
            sign, lines = AT_WORK, [("", _("at work: {share:.0%}").format(share=step.share))]
        for line, (key, text) in enumerate(lines):
            first = line == 0
            table.add_row(sign if first else "", f"{number + 1} {word}" if first else "", key, text, style=style)
    return table


def words() -> tuple[str, str, str, str]:
    """What the steps are called, short."""
    return _("Text"), _("Tokenizer"), _("Model"), _("Writing")
