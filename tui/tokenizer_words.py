"""What the tab for tokenizers says: of one, of two compared, and where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text

from ..core import store
from ..core.language import gettext as _
from ..core.language import ngettext
from ..core.sections import Section
from ..core.store import DAMAGED
from ..core.tokenizer.store import TokenizerInfo
from ..core.tokenizer.telling import comparison_sections, headline, sections
from .kept import damaged_text
from .keyed import keyed
from .only_text import visible

if TYPE_CHECKING:
    from textual.dom import DOMNode


def nothing_yet(node: DOMNode, at_work: bool = False) -> str:
    """What a person reads who has no tokenizer; nothing to press while the first one is `at_work`."""
    if at_work:
        return _("A tokenizer cuts text into pieces that a model can count.")
    if store.names("corpora"):
        return "\n".join(
            [
                _("A tokenizer cuts text into pieces that a model can count."),
                "",
                keyed(node, _("Press  t  to train one now, as is usual."), "first.tokenizer"),
                keyed(node, _("Press  n  to choose how.")),
                keyed(node, _("Press  i  to import one from elsewhere.")),
            ]
        )
    return "\n".join(
        [
            _("A tokenizer learns from a corpus, and there is none yet."),
            "",
            keyed(node, _("Press  t  to take sample text."), "first.text"),
            keyed(node, _("Press  1  and add text first.")),
        ]
    )


def short_text(node: DOMNode, name: str) -> str:
    """A tokenizer in a few lines, and how to see more."""
    try:
        report = TokenizerInfo.open(name).report
        lines = headline(report, name)
        remarks = len(report["remarks"])
        more = _("Press  r  for all figures.")
        if remarks:
            more = ngettext(
                "Press  r  for all figures and {number} remark.",
                "Press  r  for all figures and {number} remarks.",
                remarks,
            ).format(number=remarks)
    except DAMAGED:
        return damaged_text(node, name)
    if not store.names("models"):
        lines.append(keyed(node, _("Next: press  t  and train a model."), "first.model"))
    return "\n".join([*lines, keyed(node, more)])


def report_text(node: DOMNode, name: str) -> Text:
    """A tokenizer with all that is known of it."""
    try:
        report = TokenizerInfo.open(name).report
        lines = headline(report, name)
        found = sections(report, visible)
    except DAMAGED:
        return Text(damaged_text(node, name))
    if not store.names("models"):
        lines.append(keyed(node, _("Next: press  t  and train a model."), "first.model"))
    return Text("\n").join([*map(Text, lines), Text(), sections_text(found)])


def comparison_text(found: dict[str, Any]) -> Text:
    """Two tokenizers on the same text, in figures."""
    return sections_text(comparison_sections(found, visible))


def sections_text(found: Sequence[Section]) -> Text:
    """Sections below each other."""
    return Text("\n\n").join(
        Text("\n").join(
            [
                Text(section.title, "bold"),
                *map(Text, [*_fields(section.fields), *_table(section.table), *section.lines]),
            ]
        )
        for section in found
    )


def _fields(fields: Sequence[tuple[str, str]]) -> list[str]:
    width = max((cell_len(label) for label, _value in fields), default=0)
    return [f"{label}{' ' * (width - cell_len(label))}  {value}" for label, value in fields]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    left = not rows[-1][0][:1].isdigit()  # words stand at the left, numbers at the right
    lines = []
    for row in rows:
        cells = [
            text + " " * (width - cell_len(text)) if left and not column else " " * (width - cell_len(text)) + text
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
