"""All knowledge bases: which documents are in each."""

from __future__ import annotations

import shlex
import time
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType

from ..core.errors import UserError
from ..core.knowledge.store import Knowledge
from ..core.language import N_, ngettext, sentences
from ..core.language import gettext as _
from ..core.options import format_size
from ..core.sections import Section
from ..core.store import DAMAGED
from .kept import Entry, damaged_text, entries
from .kept_screen import KeptScreen
from .only_text import visible
from .tokenizer_words import sections_text

MOST = 200  # documents that are listed


class KnowledgeScreen(KeptScreen):
    """A line for each knowledge base; below, where its documents came from and how large they are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+y", "copy", N_("Copy the command"), id="knowledge.copy", key_display="^y"),
        Binding("d", "remove", N_("Delete"), id="knowledge.remove"),
        Binding("k", "dismiss", N_("Close"), show=False, id="knowledge.close"),
    ]

    def heading(self) -> str:
        return _("Knowledge bases")

    def look(self) -> list[Entry]:
        return entries("knowledge", _describe)

    def about(self, name: str | None) -> Text:
        if name is None:
            return Text(_("There is no knowledge base yet. The chat tab makes one, where questions are asked."))
        try:
            knowledge = Knowledge.open(name)
            return sections_text(_sections(knowledge))
        except DAMAGED:
            return Text(damaged_text(self, name))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's question."""
        return bool(self._known) or action not in ("remove", "copy")

    def action_copy(self) -> None:
        """Copy the command that brings the marked one up to date."""
        if name := self.marked():
            paths = [str(path) for path in Knowledge.open(name).summary()["paths"]] or ["PATH"]
            self.newleaf.copy(shlex.join(["newleaf", "knowledge", "add", *paths, "--name", name]))

    @work(exit_on_error=False)
    async def action_remove(self) -> None:
        """Delete the marked one."""
        name = self.marked()
        question = _("Delete knowledge base {name}?").format(name=name)
        if name and await self.newleaf.confirm(sentences(question, _("The files that it came from stay."))):
            try:
                Knowledge.open(name).remove()
            except UserError as error:
                self.newleaf.say(str(error), error=True)
            self.refresh_list()


def _describe(name: str) -> tuple[float, str]:
    summary = Knowledge.open(name).summary()
    number = summary["documents"]
    words = ngettext("{number:,} document", "{number:,} documents", number).format(number=number)
    return float(summary["created"]), f"{words}  {format_size(summary['bytes'])}"


def _sections(knowledge: Knowledge) -> list[Section]:
    summary, documents = knowledge.summary(), knowledge.documents()
    fields = [
        (_("brought up to date"), time.strftime("%Y-%m-%d %H:%M", time.localtime(summary["updated"]))),
        (_("passages"), f"{summary['passages']:,}"),
        (_("embeddings"), visible(summary["embeddings"] or _("none"))),
        (_("on disk"), format_size(summary["disk_bytes"])),
        *((_("from"), visible(str(path))) for path in summary["paths"]),
    ]
    lines = [f"{visible(each['name'])}  {format_size(each['bytes'])}" for each in documents[:MOST]]
    if len(documents) > MOST:
        lines.append(_("So were {number:,} more.").format(number=len(documents) - MOST))
    return [Section(knowledge.name, fields=fields), Section(_("Documents"), lines=lines)]
