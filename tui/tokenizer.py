"""The tab for tokenizers: what there is, what each is like, and how one or two of them cut typed text."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option

from ..core import store
from ..core.errors import UserError
from ..core.language import N_, ngettext, sentences
from ..core.language import gettext as _
from ..core.store import DAMAGED
from ..core.tokenizer.store import TokenizerInfo
from ..trainer.in_use import check_unused
from .corpus import stop_running
from .drafts import draft_text, draft_values
from .kept import Entry, entries, place_of
from .keyed import keyed
from .tokenizer_dialog import TokenizerDialog
from .tokenizer_import import TokenizerImportDialog
from .tokenizer_measure import MeasureDialog
from .tokenizer_search import SearchDialog
from .tokenizer_words import nothing_yet, report_text, short_text
from .view import View
from .widgets.cut import CutView, alike
from .widgets.dialogs import Message
from .widgets.job_progress import JobProgress
from .widgets.texts import set_text

PAUSE = 0.3  # seconds after the last key before the text is cut
SLIM = 72  # cells, below which the list gets fewer of them
BESIDE = 130  # cells, from which on two cuts stand side by side
TALL = 32  # lines, from which on the whole report stands above the text
KEPT = "◆"  # the sign of the tokenizer that others are compared with


class TryArea(TextArea):
    """The text that is tried."""

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """Textual does not know the slash for a character, and would offer its binding while one types."""
        return super().check_consume_key(key, "/" if key == "slash" else character)


class TokenizerView(View):
    """All tokenizers at the left; the one that is marked, and a text to try it on, at the right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "train", N_("Train"), id="tokenizer.train"),
        Binding("i", "import", N_("Import"), id="tokenizer.import"),
        Binding("c", "compare", N_("Compare"), id="tokenizer.compare"),
        Binding("m", "measure", N_("Measure"), id="tokenizer.measure"),
        Binding("slash", "search", N_("Search"), id="tokenizer.search", key_display="/"),
        Binding("r", "report", N_("Report"), id="tokenizer.report"),
        Binding("x", "cancel", N_("Stop the training"), id="tokenizer.cancel"),
        Binding("d", "remove", N_("Delete"), id="tokenizer.remove"),
        Binding("escape", "leave_field", N_("Leave the field"), show=False, id="tokenizer.leave"),
    ]
    CARRIED = ("_kept",)
    DEFAULT_CSS = """
    TokenizerView #tokenizer-detail { height: auto; }
    TokenizerView #tokenizer-report { height: 1fr; }
    TokenizerView #try { height: 1fr; }
    TokenizerView .try-title { text-style: bold; color: $text-accent; height: auto; margin-top: 1; }
    TokenizerView.-comparing .try-title { margin-top: 0; }
    .-tall TokenizerView .try-title { margin-top: 1; }
    TokenizerView #try-text { height: 4; }
    TokenizerView.-slim #try-text { height: 3; }
    .-tall TokenizerView #try-text { height: 6; }
    TokenizerView #alike { height: auto; color: $text-muted; }
    TokenizerView #cuts { height: 1fr; layout: vertical; }
    TokenizerView.-beside #cuts { layout: horizontal; }
    TokenizerView.-beside #second { padding: 0 0 0 2; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.heading = _("Tokenizer")
        self.tab = "tokenizer"
        self._known: list[Entry] = []
        self._kept: str | None = None  # the tokenizer that others are compared with

    def compose(self) -> ComposeResult:
        with Horizontal(classes="columns"):
            with Vertical(classes="side"):
                yield Static(_("Tokenizers"), classes="title", markup=False)
                yield OptionList(id="tokenizers", markup=False)
            with Vertical(classes="main"):
                yield JobProgress("tokenizer")
                yield Static("", id="tokenizer-detail", markup=False)
                with VerticalScroll(id="tokenizer-report", can_focus=False):  # r shows it where it can be scrolled
                    yield Static("", id="tokenizer-report-text", markup=False)
                with Vertical(id="try"):
                    yield Static(keyed(self, _("Try it: Tab goes here, Esc leaves")), classes="try-title", markup=False)
                    yield TryArea(id="try-text", compact=True)
                    yield Static("", id="alike", markup=False)
                    with Container(id="cuts"):
                        yield CutView(id="first")
                        yield CutView(id="second")

    def on_mount(self) -> None:
        """Show what there is."""
        super().on_mount()
        entry = self.query_one("#try-text", TextArea)
        entry.cursor_blink = False
        set_text(entry, draft_text(self.newleaf.draft, "try"))
        self.refresh_list()

    def on_resize(self, event: events.Resize) -> None:
        """As much beside each other as the width allows."""
        self.set_class(event.size.width < SLIM, "-slim")
        self.set_class(event.size.width >= BESIDE, "-beside")
        self._show()

    def take_focus(self) -> None:
        self.focus_on("#tokenizers")

    def action_leave_field(self) -> None:
        """Back to the list."""
        self.take_focus()

    def draft(self) -> dict[str, Any]:
        return {"try": self.query_one("#try-text", TextArea).text}

    def take_up(self, carried: dict[str, Any]) -> None:
        super().take_up(carried)
        self._fill(self.query_one("#tokenizers", OptionList).highlighted or 0)
        self._show()

    def jobs_changed(self, jobs: list[dict[str, Any]]) -> None:
        self.query_one(JobProgress).show(jobs)
        self.refresh_list()

    # The list

    def refresh_list(self) -> None:
        """Show what there is, when it has changed."""
        known = entries("tokenizers", _describe)
        if known == self._known and known:
            return
        new = {entry.name for entry in known} - {entry.name for entry in self._known}
        marked = next(iter(new)) if len(new) == 1 else self.marked()
        self._known = known
        names = [entry.name for entry in known]
        if self._kept not in names:
            self._kept = None
        self._fill(place_of(marked, names, self.query_one("#tokenizers", OptionList).highlighted) or 0)
        self._show()

    def _fill(self, highlighted: int) -> None:
        listed = self.query_one("#tokenizers", OptionList)
        listed.clear_options()
        listed.add_options(
            Option(Content(f"{KEPT + ' ' if entry.name == self._kept else ''}{entry.name}  {entry.detail}"))
            for entry in self._known
        )
        if self._known:
            listed.highlighted = highlighted

    def is_possible(self, action: str) -> bool:
        if action == "cancel":
            return self.runs("tokenizer")
        if action == "measure":
            return self._compared() is not None and bool(store.names("corpora"))
        if action in ("search", "report"):
            return self._is_whole(self.marked())
        if action == "compare":
            return self._kept is not None or (len(self._known) > 1 and self._is_whole(self.marked()))
        return action != "remove" or self.marked() is not None

    def marked(self) -> str | None:
        """The name of the tokenizer that is marked."""
        index = self.query_one("#tokenizers", OptionList).highlighted
        return self._known[index].name if index is not None and index < len(self._known) else None

    def _is_whole(self, name: str | None) -> bool:
        return any(entry.name == name and entry.created for entry in self._known)

    def _compared(self) -> tuple[str, str] | None:
        """The two that are compared, if there are two."""
        marked = self.marked()
        return (self._kept, marked) if self._kept and marked and marked != self._kept else None

    @on(OptionList.OptionHighlighted, "#tokenizers")
    def _show(self) -> None:
        name, two = self.marked(), self._compared()
        tall = self.newleaf.size.height >= TALL
        self.set_class(two is not None, "-comparing")
        self.query_one("#try").display = self._is_whole(name)
        short, report = self.query_one("#tokenizer-detail", Static), self.query_one("#tokenizer-report-text", Static)
        whole = tall and self._is_whole(name)
        self.query_one("#tokenizer-report").display = whole
        short.display = not whole and (two is None or tall)
        text = self._short_text(name)
        for shown, words in ((short, text), (report, report_text(self, name) if name and whole else "")):
            if shown.content != words:
                shown.update(words)
        self.refresh_bindings()
        self._cut()

    def _short_text(self, name: str | None) -> str:
        if name is None:
            return nothing_yet(self, self.runs("tokenizer"))
        if name == self._kept:
            sentence = keyed(self, _("{name} is kept to compare with. Mark another one in the list;  c  ends it."))
            return sentence.format(name=name)
        return short_text(self, name)

    # The text that is tried

    @on(TextArea.Changed, "#try-text")
    @work(exclusive=True, group="cut", exit_on_error=False)
    async def _cut(self) -> None:
        await asyncio.sleep(PAUSE)
        text, marked, two = self.query_one("#try-text", TextArea).text, self.marked(), self._compared()
        names = two or ((marked,) if marked else ())
        found = [await self._cut_with(f"#{place}", name, text) for place, name in zip(("first", "second"), names)]  # noqa: B905
        self.query_one("#second").display = two is not None
        words = ""
        if two and text and all(found):
            number = alike(found[0] or [], found[1] or [], text)
            if number is not None:
                words = ngettext(
                    "{number:,} piece is cut alike by both", "{number:,} pieces are cut alike by both", number
                ).format(number=number)
        shown = self.query_one("#alike", Static)
        shown.update(words)
        shown.display = bool(words)

    async def _cut_with(self, place: str, name: str, text: str) -> Any:
        view = self.query_one(place, CutView)
        try:
            pieces = await self.newleaf.engine.encode(name, text) if text else []
        except UserError as error:
            view.show_text(str(error))
            return None
        if text:
            view.show(name, pieces, text, self._offset())
        else:
            view.show_text("")
        return pieces

    @on(TextArea.SelectionChanged, "#try-text")
    def _cursor_moved(self) -> None:
        text, offset = self.query_one("#try-text", TextArea).text, self._offset()
        for view in self.query(CutView):
            view.move(text, offset)

    def _offset(self) -> int:
        """The character of the text at which the cursor is."""
        area = self.query_one("#try-text", TextArea)
        row, column = area.cursor_location
        return sum(len(area.document.get_line(above)) + 1 for above in range(row)) + column

    # What can be done

    @work(exit_on_error=False)
    async def action_train(self) -> None:
        """Ask how, and train one."""
        corpora = store.names("corpora")
        if not corpora:
            self.newleaf.say(keyed(self, _("There is no corpus yet: press  1  and add text first.")))
            return
        await self.app.push_screen_wait(TokenizerDialog(corpora, draft_values(self.newleaf.draft, "tokenizer")))

    @work(exit_on_error=False)
    async def action_import(self) -> None:
        """Take one from elsewhere."""
        said = await self.app.push_screen_wait(TokenizerImportDialog(store.names("corpora")))
        self.refresh_list()
        if said:
            words = _("Tokenizer {name}: {pieces:,} pieces; a piece stands for {bytes:.2f} bytes of text.").format(
                name=said["name"], pieces=said["vocab_size"], bytes=said["bytes_per_token"]
            )
            self.newleaf.say(sentences(words, *said["remarks"]))

    def action_compare(self) -> None:
        """Keep the marked one, to compare others with it; or keep none any more."""
        self._kept = None if self._kept else self.marked()
        self._fill(self.query_one("#tokenizers", OptionList).highlighted or 0)
        self._show()

    @work(exit_on_error=False)
    async def action_measure(self) -> None:
        """The two on held-out text, in figures."""
        if two := self._compared():
            corpora = store.names("corpora")
            await self.app.push_screen_wait(MeasureDialog(*two, corpora, _corpus_of(two, corpora)))

    @work(exit_on_error=False)
    async def action_search(self) -> None:
        """Look for pieces."""
        if name := self.marked():
            await self.app.push_screen_wait(SearchDialog(name))

    def action_report(self) -> None:
        """All that is known of the marked one."""
        if name := self.marked():
            self.app.push_screen(Message(_("Report"), report_text(self, name)))

    @on(OptionList.OptionSelected, "#tokenizers")
    def _selected(self) -> None:
        if self._is_whole(self.marked()):
            self.action_report()

    def action_cancel(self) -> None:
        """Stop the training that runs."""
        stop_running(self, "tokenizer")

    @work(exit_on_error=False)
    async def action_remove(self) -> None:
        """Delete the tokenizer that is marked."""
        name = self.marked()
        if name:
            check_unused("tokenizers", name)
        if name and await self.newleaf.confirm(
            _("Delete tokenizer {name}? Models keep a copy of theirs.").format(name=name)
        ):
            store.remove("tokenizers", name)
            self.refresh_list()


def _describe(name: str) -> tuple[float, str]:
    info = TokenizerInfo.open(name)
    return float(info.report["created"]), f"{info.vocab_size:,}"


def _corpus_of(two: tuple[str, str], corpora: list[str]) -> str:
    """The corpus that one of the two was trained on, the marked one first; else the first there is."""
    for name in reversed(two):
        try:
            corpus = str(TokenizerInfo.open(name).report["corpus"])
        except DAMAGED:
            continue
        if corpus in corpora:
            return corpus
    return corpora[0]
