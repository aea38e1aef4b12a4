"""The tab for tokenizers: what there is, training one, and trying it on typed text."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, OptionList, Select, Static, TextArea
from textual.widgets.option_list import Option

from ..core import store
from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from ..core.store import DAMAGED
from ..core.tokenizer.options import TokenizerOptions
from ..core.tokenizer.store import TokenizerInfo
from ..trainer.work import tokenizing
from .corpus import stop_running
from .drafts import draft_text
from .kept import Entry, damaged_text, entries, free_name
from .only_text import visible
from .view import View
from .widgets.form import Form
from .widgets.job_progress import JobProgress
from .widgets.texts import set_text
from .words import Translated

PAUSE = 0.3  # seconds after the last key before the text is cut
STYLES = ("black on #9ece6a", "black on #7aa2f7", "black on #e0af68", "black on #bb9af7", "black on #7dcfff")


class TokenizerView(View):
    """All tokenizers at the left; the one that is marked, and a text to try it on, at the right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "train", N_("Train"), id="tokenizer.train"),
        Binding("x", "cancel", N_("Stop the training"), id="tokenizer.cancel"),
        Binding("d", "remove", N_("Delete"), id="tokenizer.remove"),
        Binding("escape", "leave_field", N_("Leave the field"), show=False, id="tokenizer.leave"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.heading = _("Tokenizer")
        self.tab = "tokenizer"
        self._known: list[Entry] = []

    def compose(self) -> ComposeResult:
        with Horizontal(classes="columns"):
            with Vertical(classes="side"):
                yield Static(_("Tokenizers"), classes="title", markup=False)
                yield OptionList(id="tokenizers", markup=False)
            with Vertical(classes="main"):
                yield JobProgress("tokenizer")
                yield Static("", id="tokenizer-detail", markup=False)
                with Vertical(id="try"):
                    yield Static(_("Try it: type a text (Tab goes there, Esc leaves)"), classes="title", markup=False)
                    yield TextArea(id="try-text", compact=True)
                    with VerticalScroll(classes="reading"):
                        yield Static("", id="pieces", markup=False)

    def on_mount(self) -> None:
        """Show what there is."""
        super().on_mount()
        entry = self.query_one("#try-text", TextArea)
        entry.cursor_blink = False
        set_text(entry, draft_text(self.newleaf.draft, "try"))
        self.refresh_list()

    def take_focus(self) -> None:
        self.query_one("#tokenizers").focus()

    def action_leave_field(self) -> None:
        """Back to the list."""
        self.take_focus()

    def draft(self) -> dict[str, Any]:
        return {"try": self.query_one("#try-text", TextArea).text}

    def jobs_changed(self, jobs: list[dict[str, Any]]) -> None:
        self.query_one(JobProgress).show(jobs)
        self.refresh_list()

    def refresh_list(self) -> None:
        """Show what there is, when it has changed."""
        known = entries("tokenizers", _describe)
        if known == self._known and known:
            return
        new = {entry.name for entry in known} - {entry.name for entry in self._known}
        marked = next(iter(new)) if len(new) == 1 else self.marked()
        self._known = known
        listed = self.query_one("#tokenizers", OptionList)
        listed.clear_options()
        listed.add_options(Option(Content(f"{entry.name}  {entry.detail}")) for entry in known)
        names = [entry.name for entry in known]
        if names:
            listed.highlighted = names.index(marked) if marked in names else 0
        self.query_one("#try").display = bool(names)
        self._show()

    def is_possible(self, action: str) -> bool:
        if action == "cancel":
            return self.runs("tokenizer")
        return action != "remove" or self.marked() is not None

    def marked(self) -> str | None:
        """The name of the tokenizer that is marked."""
        index = self.query_one("#tokenizers", OptionList).highlighted
        return self._known[index].name if index is not None and index < len(self._known) else None

    @on(OptionList.OptionHighlighted, "#tokenizers")
    def _show(self) -> None:
        name = self.marked()
        text = tokenizer_text(name) if name else nothing_yet()
        detail = self.query_one("#tokenizer-detail", Static)
        if detail.content != text:
            detail.update(text)
            self.refresh_bindings()
        self._cut()

    @on(TextArea.Changed, "#try-text")
    @work(exclusive=True, exit_on_error=False)
    async def _cut(self) -> None:
        await asyncio.sleep(PAUSE)
        name, text = self.marked(), self.query_one("#try-text", TextArea).text
        shown = Text()
        if name and text:
            try:
                shown = pieces_text(await self.newleaf.engine.encode(name, text), text)
            except UserError as error:
                shown = Text(str(error))
        self.query_one("#pieces", Static).update(shown)

    @work(exit_on_error=False)
    async def action_train(self) -> None:
        """Ask how, and train one."""
        corpora = store.names("corpora")
        if not corpora:
            self.newleaf.say(_("There is no corpus yet: press 1 and add text first."))
            return
        await self.app.push_screen_wait(TokenizerDialog(corpora))

    def action_cancel(self) -> None:
        """Stop the training that runs."""
        stop_running(self, "tokenizer")

    @work(exit_on_error=False)
    async def action_remove(self) -> None:
        """Delete the tokenizer that is marked."""
        name = self.marked()
        if name and await self.newleaf.confirm(_("Delete tokenizer {name}?").format(name=name)):
            store.remove("tokenizers", name)
            self.refresh_list()


def nothing_yet() -> str:
    """What a person reads who has no tokenizer."""
    if store.names("corpora"):
        return "\n".join(
            [_("A tokenizer cuts text into pieces that a model can count."), "", _("Press  n  to train one.")]
        )
    return "\n".join(
        [_("A tokenizer learns from a corpus, and there is none yet."), "", _("Press  1  and add text first.")]
    )


def tokenizer_text(name: str) -> str:
    """A tokenizer in words."""
    try:
        return _tokenizer_text(name)
    except DAMAGED:
        return damaged_text(name)


def _describe(name: str) -> tuple[float, str]:
    info = TokenizerInfo.open(name)
    return float(info.report["created"]), f"{info.vocab_size:,}"


def _tokenizer_text(name: str) -> str:
    report = TokenizerInfo.open(name).report
    lines = [
        _("{name}: {type}, {pieces:,} pieces, learnt from {corpus}").format(
            name=name,
            type=report["type"],
            pieces=report["vocab_size"],
            corpus=report["corpus"] or report.get("origin", "?"),
        ),
        _("On held-out text a piece stands for {bytes:.2f} bytes; {share:.1%} are single bytes.").format(
            bytes=report["bytes_per_token"], share=report["spelled_in_bytes"]
        ),
        *([report["choice"]["reason"]] if report.get("choice") else []),
        *report["remarks"],
    ]
    if not store.names("models"):
        lines.append(_("Next: press 3 and train a model."))
    return "\n".join([*lines, ""])


def pieces_text(pieces: list[tuple[int, str]], text: str) -> Text:
    """The pieces, each between bars and in a colour of its own, and their numbers."""
    size = len(text.encode("utf-8", "replace"))
    shown = Text()
    for index, (_number, piece) in enumerate(pieces):
        shown.append(visible(piece), STYLES[index % len(STYLES)])
        shown.append("|")
    shown.append("\n\n" + " ".join(str(number) for number, _piece in pieces))
    shown.append(
        "\n\n"
        + _("{pieces:,} pieces, {bytes:,} bytes: {rate:.2f} bytes a piece").format(
            pieces=len(pieces), bytes=size, rate=size / max(1, len(pieces))
        )
    )
    return shown


class TokenizerDialog(Translated, ModalScreen[bool]):
    """Asks how to train a tokenizer; True when a job was started."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", N_("Cancel"), id="tokenizer_dialog.cancel"),
        Binding("ctrl+s", "start", N_("Train"), id="tokenizer_dialog.start", key_display="^s", priority=True),
    ]

    def __init__(self, corpora: list[str]):
        super().__init__()
        self.corpora = corpora

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(_("Train a tokenizer"), classes="title", markup=False)
            with Horizontal(classes="row"):
                yield Label(_("corpus"), markup=False)
                yield Select(
                    [(Content(name), name) for name in self.corpora],
                    value=self.corpora[-1],
                    allow_blank=False,
                    compact=True,
                    id="corpus",
                )
            with Horizontal(classes="row"):
                yield Label(_("name"), markup=False)
                yield Input(free_name("tokenizers", self.corpora[-1]), compact=True, id="name")
            yield Form(TokenizerOptions)
            yield Static("", classes="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(_("Train (Ctrl+S)"), id="start", variant="primary", compact=True)
                yield Button(_("Cancel (Esc)"), id="cancel", compact=True)

    def on_mount(self) -> None:
        """The name is what a person looks at first."""
        for entry in self.query(Input):
            entry.cursor_blink = False
        self.query_one("#name").focus()

    @on(Select.Changed, "#corpus")
    def _corpus_chosen(self, event: Select.Changed) -> None:
        if event.select.has_focus:
            self.query_one("#name", Input).value = free_name("tokenizers", str(event.value))

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()

    def action_start(self) -> None:
        """Start the job, or say what is wrong."""
        try:
            corpus = str(self.query_one("#corpus", Select).value)
            tokenizing.submit(corpus, self.query_one("#name", Input).value, self.query_one(Form).make())
        except UserError as error:
            self.query_one(".problem", Static).update(str(error))
            return
        self.dismiss(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Start or leave."""
        if event.button.id == "start":
            self.action_start()
        else:
            self.dismiss(False)
