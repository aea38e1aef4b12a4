"""A corpus's report on the screen: the sections of core/corpus/telling.py, drawn for so many columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from ..core.corpus.store import Corpus
from ..core.corpus.telling import BAR, Added, Bar, Caption, Removed, sections
from ..core.language import gettext as _
from ..core.sections import Section
from ..core.store import DAMAGED
from ..core.tokenizer.store import tokenizers_for
from .before_after import AFTER, BEFORE, MUTED
from .kept import damaged_text
from .keyed import keyed

if TYPE_CHECKING:
    from textual.dom import DOMNode

STYLES = {Removed: BEFORE, Added: AFTER, Caption: "bold", Bar: "$text-accent"}
BESIDE_BAR = 36  # columns of a line with a bar that the bar does not take


class CorpusReport(Static):
    """Draws itself anew when the width changes."""

    def __init__(self) -> None:
        super().__init__("", id="corpus-detail", markup=False)
        self._make: Callable[[int], Content] = lambda columns: Content("")

    def show(self, make: Callable[[int], Content]) -> bool:
        """Show what `make` gives for a width; whether that is something else than before."""
        self._make = make
        return self._draw()

    def on_resize(self) -> None:
        """Fit the new width."""
        self._draw()

    def _draw(self) -> bool:
        if not self.size.width:  # it has no place yet: the first screen need not wait for it
            return True
        content = self._make(self.size.width)
        if isinstance(self.content, Content) and self.content.is_same(content):
            return False
        self.update(content)
        return True


def report_content(node: DOMNode, name: str, columns: int) -> Content:
    """A corpus in words."""
    try:
        corpus = Corpus.open(name)
        found = sections(corpus, max(5, min(BAR, columns - BESIDE_BAR)))
    except DAMAGED:
        return Content(damaged_text(node, name))
    lines = [Content.styled(name, "bold")]
    if not _has_tokenizer(name):
        lines.append(Content.styled(keyed(node, _("Next: press  2  and train a tokenizer on it.")), "$text-success"))
    for section in found:
        lines += [Content(""), Content.styled(section.title, "bold $text-accent"), *_section_lines(section, columns)]
    return Content("\n").join(lines)


def _section_lines(section: Section, columns: int) -> Iterator[Content]:
    width = max((cell_len(label) for label, _value in section.fields), default=0) + 2
    for label, value in section.fields:
        if width + cell_len(value) <= columns and width <= columns // 2:
            yield Content.assemble((label + " " * (width - cell_len(label)), MUTED), value)
        elif cell_len(label) + 2 + cell_len(value) <= columns:
            yield Content.assemble((label + "  ", MUTED), value)
        else:
            yield Content.styled(label, MUTED)
            yield Content("  " + value)
    for line in section.lines:
        yield Content.styled(str(line), STYLES.get(type(line), ""))


def _has_tokenizer(name: str) -> bool:
    try:
        return bool(tokenizers_for(name))
    except DAMAGED:
        return True
