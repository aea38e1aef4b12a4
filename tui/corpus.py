"""The tab for text: what is imported, what is in it, and bringing more.

It is the first screen, so what it does not show at once is loaded where it is needed.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ..core import store
from ..core.corpus.store import Corpus
from ..core.language import N_, sentences
from ..core.language import gettext as _
from ..core.options import format_size
from ..core.store import DAMAGED
from ..trainer.in_use import check_unused
from ..trainer.jobs import LIVE, Job
from .corpus_report import CorpusReport, report_content
from .drafts import draft_values
from .kept import Entry, entries, place_of
from .keyed import keyed
from .view import View
from .widgets.job_progress import JobProgress
from .widgets.path_input import split_paths
from .widgets.steps_card import StepsCard

SLIM = 72  # cells, below which the list gets fewer of them


class CorpusView(View):
    """All corpora at the left, the one that is marked at the right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", N_("Add text"), id="corpus.add"),
        Binding("e", "extend", N_("Extend"), id="corpus.extend"),
        Binding("c", "clean", N_("Clean"), id="corpus.clean"),
        Binding("m", "merge", N_("Merge"), id="corpus.merge"),
        Binding("k", "knowledge", N_("Knowledge"), id="corpus.knowledge"),
        Binding("x", "cancel", N_("Stop the import"), id="corpus.cancel"),
        Binding("d", "remove", N_("Delete"), id="corpus.remove"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.heading = _("Corpus")
        self.tab = "corpus"
        self._known: list[Entry] = []
        self._led = False  # whether the person knows the four steps

    def compose(self) -> ComposeResult:
        with Horizontal(classes="columns"):
            with Vertical(classes="side"):
                yield Static(_("Corpora"), classes="title", markup=False)
                yield OptionList(id="corpora", markup=False)
            with Vertical(classes="main"):
                yield StepsCard()
                yield JobProgress("import")
                with VerticalScroll(classes="reading"):
                    yield CorpusReport()

    def on_mount(self) -> None:
        """Show what there is."""
        super().on_mount()
        known = self.newleaf.draft.get("led")
        self._led = known if isinstance(known, bool) else bool(store.names("models"))
        self.refresh_list()

    def on_resize(self, event: events.Resize) -> None:
        """More room for the card where there is little."""
        self.set_class(event.size.width < SLIM, "-slim")

    def draft(self) -> dict[str, Any]:
        if not self._led and self.newleaf.tab == "chat" and store.names("models"):
            self._led = True  # the last step is taken
            self.query_one(StepsCard).display = False
        return {"led": self._led}

    def take_focus(self) -> None:
        self.focus_on("#corpora")

    def jobs_changed(self, jobs: list[dict[str, Any]]) -> None:
        self.query_one(JobProgress).show(jobs)
        card = self.query_one(StepsCard)
        card.display = not self._led
        if card.display:
            card.show(jobs)
        self.refresh_list()

    def refresh_list(self) -> None:
        """Show what there is, when it has changed."""
        known = entries("corpora", _describe)
        if known != self._known or not known:
            new = {entry.name for entry in known} - {entry.name for entry in self._known}
            marked = next(iter(new)) if len(new) == 1 else self.marked()
            self._known = known
            listed = self.query_one("#corpora", OptionList)
            before = listed.highlighted
            listed.clear_options()
            listed.add_options(Option(Content(f"{entry.name}  {entry.detail}")) for entry in known)
            listed.highlighted = place_of(marked, [entry.name for entry in known], before)
            if self.query_one(StepsCard).display:
                self.query_one(StepsCard).show(self.newleaf.jobs)
            self._show()

    def is_possible(self, action: str) -> bool:
        if action == "cancel":
            return self.runs("import")
        if action == "knowledge":
            return bool(store.names("knowledge"))
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
        make = partial(report_content, self, name) if name else lambda _columns: Content(keyed(self, first_words()))
        if self.query_one(CorpusReport).show(make):
            self.query_one(".reading").scroll_home(animate=False)
            self.refresh_bindings()

    @work(exit_on_error=False)
    async def action_add(self) -> None:
        """Ask what to import, and import it."""
        from .import_dialog import ImportDialog

        await self.app.push_screen_wait(ImportDialog(draft_values(self.newleaf.draft, "import")))

    def on_paste(self, event: events.Paste) -> None:
        """A path that is pasted or dropped: ask how to import what is there."""
        if not [path for path in split_paths(event.text) if Path(path).expanduser().exists()]:
            self.newleaf.say(_("What was pasted is not the path of a file or folder here."))
            return
        from .import_dialog import ImportDialog

        draft = {**draft_values(self.newleaf.draft, "import"), "path": event.text.strip(), "name": ""}
        self.app.push_screen(ImportDialog(draft))

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

    def action_knowledge(self) -> None:
        """Show the knowledge bases."""
        from .knowledge_screen import KnowledgeScreen

        self.app.push_screen(KnowledgeScreen())

    def action_cancel(self) -> None:
        """Stop the import that runs."""
        stop_running(self, "import")

    @work(exit_on_error=False)
    async def action_remove(self) -> None:
        """Delete the corpus that is marked."""
        name = self.marked()
        if not name:
            return
        check_unused("corpora", name)
        question = _("Delete corpus {name}?").format(name=name)
        if await self.newleaf.confirm(sentences(question, _("The files that it came from stay."))):
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


def first_words() -> str:
    """What a person reads who has no text yet."""
    return "\n".join(
        [
            _("The key of a step does it, and asks nothing: so a GPT of your own writes here in some minutes."),
            "",
            _(
                "Text of your own can be text files, web pages, PDF, Word, EPUB, tables, JSON, subtitles, wikis, "
                "archives, or folders of them."
            ),
            "",
            _("Nothing leaves this machine. F1 shows all keys."),
        ]
    )
