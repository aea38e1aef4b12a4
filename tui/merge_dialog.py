"""The dialogs that make a corpus of corpora: one of several, or one of one, cleaned again."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label

from ..core.command_line import command_line
from ..core.corpus.importing import MergeOptions
from ..core.corpus.store import Corpus
from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from ..trainer.work import importing
from .cleaning_dialog import CleaningDialog
from .kept import free_name
from .keyed import keyed
from .widgets.switches import Switches

MOST_LINES = 5  # of the list of corpora; it scrolls


class _NamedDialog(CleaningDialog):
    """Asks how the new corpus will be called; it may be one of those that it is made of."""

    proposal = ""

    def compose_name(self) -> ComposeResult:
        """The line for the name."""
        with Horizontal(classes="row"):
            yield Label(_("name"), markup=False)
            yield Input(
                self.proposal, placeholder=_("what the corpus will be called"), compact=True, id="name", name="name"
            )

    def corpus_name(self) -> str:
        """How it will be called."""
        return self.query_one("#name", Input).value

    def question(self) -> str:
        if self.corpus_name() in self.corpora():
            return _("Replace corpus {name} by the new one? Its text as it is now is gone then.").format(
                name=self.corpus_name()
            )
        return ""


class MergeDialog(_NamedDialog):
    """Asks which corpora become one."""

    start_word: ClassVar[str] = N_("Merge")

    def __init__(self, names: list[str], marked: str | None):
        super().__init__()
        self.names, self.marked = names, marked
        self.proposal = free_name("corpora", "merged")

    def heading(self) -> str:
        return _("Merge corpora: duplicates are dropped, the split is made anew")

    def compose_head(self) -> ComposeResult:
        start = {self.marked: True} if self.marked else {}
        yield Switches(self.names, lambda name: False, start, starred=False, id="merged", name="corpora")
        yield from self.compose_name()

    def on_mount(self) -> None:
        super().on_mount()
        merged = self.query_one("#merged", Switches)
        merged.styles.max_height = MOST_LINES
        merged.focus()

    def corpora(self) -> list[str]:
        return self.query_one("#merged", Switches).names_on()

    def command(self, options: MergeOptions) -> str:
        words = ["newleaf", "corpus", "merge", *(self.corpora() or ["CORPUS"]), "--name", self.corpus_name() or "NAME"]
        return command_line(words, options)

    def submit(self, options: MergeOptions) -> None:
        if len(self.corpora()) < 2:
            sentence = _("Choose two corpora or more: Space marks one. To clean one of them press  c  on it.")
            raise UserError(keyed(self, sentence, "corpus.clean"))
        importing.submit_merge(self.corpora(), self.corpus_name(), options)


class CleanDialog(_NamedDialog):
    """Asks how a corpus is cleaned again; at first everything is as it was made."""

    start_word: ClassVar[str] = N_("Clean")

    def __init__(self, corpus: Corpus):
        super().__init__(corpus.report["options"])
        self.corpus = corpus.name
        self.proposal = free_name("corpora", f"{corpus.name}-clean")

    def heading(self) -> str:
        return _("Clean corpus {name} again, with other steps or another split").format(name=self.corpus)

    def compose_head(self) -> ComposeResult:
        yield from self.compose_name()

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#preset").focus()

    def corpora(self) -> list[str]:
        return [self.corpus]

    def command(self, options: MergeOptions) -> str:
        words = ["newleaf", "corpus", "clean", self.corpus, "--name", self.corpus_name() or "NAME"]
        return command_line(words, options)

    def submit(self, options: MergeOptions) -> None:
        importing.submit_merge([self.corpus], self.corpus_name(), options)
