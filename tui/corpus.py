"""The tab for text: what is imported, what is in it, and bringing more.

It is the first screen, so what it does not show at once is loaded where it is needed.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ..core import store
from ..core.corpus.store import Corpus
from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import format_size
from ..core.store import DAMAGED
from ..trainer.jobs import LIVE, Job
from .corpus_report import CorpusReport, report_content
from .drafts import draft_values
from .kept import Entry, entries
from .view import View
from .widgets.job_progress import JobProgress

SAMPLE = "python"


class CorpusView(View):
    """All corpora at the left, the one that is marked at the right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", N_("Add text"), id="corpus.add"),
        Binding("e", "extend", N_("Extend"), id="corpus.extend"),
        Binding("c", "clean", N_("Clean"), id="corpus.clean"),
        Binding("m", "merge", N_("Merge"), id="corpus.merge"),
        Binding("t", "sample", N_("Try sample text"), id="corpus.sample"),
        Binding("x", "cancel", N_("Stop the import"), id="corpus.cancel"),
        Binding("d", "remove", N_("Delete"), id="corpus.remove"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.heading = _("Corpus")
        self.tab = "corpus"
        self._known: list[Entry] = []

    def compose(self) -> ComposeResult:
        with Horizontal(classes="columns"):
            with Vertical(classes="side"):
                yield Static(_("Corpora"), classes="title", markup=False)
                yield OptionList(id="corpora", markup=False)
            with Vertical(classes="main"):
                yield JobProgress("import")
                with VerticalScroll(classes="reading"):
                    yield CorpusReport()

    def on_mount(self) -> None:
        """Show what there is."""
        super().on_mount()
        self.refresh_list()

    def take_focus(self) -> None:
        self.query_one("#corpora").focus()

    def jobs_changed(self, jobs: list[dict[str, Any]]) -> None:
        self.query_one(JobProgress).show(jobs)
        self.refresh_list()

    def refresh_list(self) -> None:
        """Show what there is, when it has changed."""
        known = entries("corpora", _describe)
        if known != self._known or not known:
            new = {entry.name for entry in known} - {entry.name for entry in self._known}
            marked = next(iter(new)) if len(new) == 1 else self.marked()
            self._known = known
            listed = self.query_one("#corpora", OptionList)
            listed.clear_options()
            listed.add_options(Option(Content(f"{entry.name}  {entry.detail}")) for entry in known)
            names = [entry.name for entry in known]
            if names:
                listed.highlighted = names.index(marked) if marked in names else 0
            self._show()

    def is_possible(self, action: str) -> bool:
        if action == "cancel":
            return self.runs("import")
        if action == "sample":
            return not self._known
        if action == "merge":
            return len(self._known) > 1
        return action not in ("remove", "extend", "clean") or self.marked() is not None

    def marked(self) -> str | None:
        """The name of the corpus that is marked."""
        index = self.query_one("#corpora", OptionList).highlighted
        return self._known[index].name if index is not None and index < len(self._known) else None

    @on(OptionList.OptionHighlighted, "#corpora")
    def _show(self) -> None:
        name = self.marked()
        make = (lambda columns: Content(first_steps())) if name is None else partial(report_content, name)
        if self.query_one(CorpusReport).show(make):
            self.query_one(".reading").scroll_home(animate=False)
            self.refresh_bindings()

    @work(exit_on_error=False)
    async def action_add(self) -> None:
        """Ask what to import, and import it."""
        from .import_dialog import ImportDialog

        await self.app.push_screen_wait(ImportDialog(draft_values(self.newleaf.draft, "import")))

    @work(exit_on_error=False)
    async def action_extend(self) -> None:
        """Ask what to add to the corpus that is marked."""
        from .import_dialog import ExtendDialog

        if (corpus := self._open_marked()) is not None:
            await self.app.push_screen_wait(ExtendDialog(corpus))

    @work(exit_on_error=False)
    async def action_clean(self) -> None:
        """Ask how to clean the corpus that is marked again."""
        from .merge_dialog import CleanDialog

        if (corpus := self._open_marked()) is not None:
            await self.app.push_screen_wait(CleanDialog(corpus))

    @work(exit_on_error=False)
    async def action_merge(self) -> None:
        """Ask which corpora become one."""
        from .merge_dialog import MergeDialog

        await self.app.push_screen_wait(MergeDialog([entry.name for entry in self._known], self.marked()))

    def _open_marked(self) -> Corpus | None:
        name = self.marked()
        try:
            corpus = Corpus.open(name) if name else None
            return corpus if corpus is not None and "options" in corpus.report else None
        except DAMAGED as error:
            self.newleaf.say(str(error), error=True)
            return None

    def action_sample(self) -> None:
        """Import the text that every machine has."""
        from ..trainer.work import importing

        try:
            importing.submit_sample(SAMPLE)
        except UserError as error:
            self.newleaf.say(str(error), error=True)

    def action_cancel(self) -> None:
        """Stop the import that runs."""
        stop_running(self, "import")

    @work(exit_on_error=False)
    async def action_remove(self) -> None:
        """Delete the corpus that is marked."""
        name = self.marked()
        if not name:
            return
        question = _("Delete corpus {name}?").format(name=name)
        if await self.newleaf.confirm(question + " " + _("The files that it came from stay.")):
            store.remove("corpora", name)
            self.refresh_list()


def stop_running(view: View, kind: str) -> None:
    """Stop the newest running job of a kind."""
    for job in view.newleaf.jobs:
        if job["kind"] == kind and job["state"] in LIVE:
            Job.open(job["name"]).stop()
            return
    view.newleaf.say(_("Nothing runs here."))


def _describe(name: str) -> tuple[float, str]:
    manifest = Corpus.open(name).manifest
    return float(manifest.created), format_size(manifest.total.bytes)


def first_steps() -> str:
    """What a person reads who has nothing yet."""
    return "\n".join(
        [
            _("Grow your own GPT, in four steps:"),
            "",
            _("1  Corpus     bring text to learn from"),
            _("2  Tokenizer  learn which pieces of text are common"),
            _("3  Training   train a GPT on it"),
            _("4  Chat       let it write"),
            "",
            _(
                "Press  a  to add text of your own: text files, web pages, PDF, Word, EPUB, tables, JSON, subtitles, "
                "wikis, archives, or folders of them."
            ),
            _("Press  t  to try it with sample text: the documentation in Python."),
            "",
            _("Nothing leaves this machine. F1 shows all keys."),
        ]
    )
