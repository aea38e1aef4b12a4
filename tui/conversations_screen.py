"""All conversations that are kept: found by their words, opened, renamed, deleted, written into a file."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.cells import cell_len, set_cell_size
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from ..core.conversations import Conversations, Summary
from ..core.errors import UserError
from ..core.files import write_atomic
from ..core.language import N_, ngettext
from ..core.language import gettext as _
from .kept import place_of
from .only_text import visible
from .widgets.dialogs import Question
from .widgets.footer import Keys
from .words import Translated

if TYPE_CHECKING:
    from .app import NewleafApp

WHEN = 16  # columns of a date


class ConversationsScreen(Translated, ModalScreen[int | None]):
    """The number of the one that is opened; 0 for a new one where the open one was deleted; None where nothing is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+f", "close", N_("Close"), id="conversations.close", key_display="esc"),
        Binding("down", "down", N_("To the list"), id="conversations.down", show=False),
        Binding("f2", "rename", N_("Rename"), id="conversations.rename", priority=True),
        Binding("f6", "export", N_("Export"), id="conversations.export", priority=True),
        Binding("f7", "preferences", N_("Export judgements"), id="conversations.preferences", priority=True),
        Binding("delete,f8", "delete", N_("Delete"), id="conversations.delete", key_display="f8"),
    ]
    DEFAULT_CSS = """
    ConversationsScreen { background: $surface; layout: vertical; }
    ConversationsScreen .title, ConversationsScreen .problem, ConversationsScreen .hint { padding: 0 1; }
    ConversationsScreen Input { margin: 0 1; }
    ConversationsScreen OptionList { padding: 0 1; }
    """

    def __init__(self, open_one: int | None, words: str = ""):
        super().__init__()
        self._open_one, self._words = open_one, words
        self._kept = Conversations()
        self._shown: list[Summary] = []
        self._gone = False  # the one that was open

    @property
    def newleaf(self) -> NewleafApp:
        """The app."""
        return cast("NewleafApp", self.app)

    def compose(self) -> ComposeResult:
        yield Static(_("Conversations"), classes="title", markup=False)
        yield Input(self._words, placeholder=_("words to look for"), select_on_focus=False, compact=True)
        yield OptionList(markup=False)
        yield Static("", classes="hint", markup=False)
        yield Static("", classes="problem", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """Show all."""
        self.query_one(Input).cursor_blink = False
        self._look()
        self.query_one(OptionList if self._shown else Input).focus()

    def on_resize(self) -> None:
        """Fit the lines to the width."""
        self.call_after_refresh(self._draw)

    @on(Input.Changed)
    def _look(self) -> None:
        try:
            self._shown = self._kept.all(self.query_one(Input).value)
            self._say("")
        except UserError as error:
            self._shown = []
            self._say(str(error))
        self._draw()

    def _draw(self) -> None:
        entries = self.query_one(OptionList)
        marked, before = self._marked(), entries.highlighted
        lines = conversation_lines(self._shown, max(20, self.size.width - 4))
        entries.clear_options()
        entries.add_options(Option(Content(line)) for line in lines)
        numbers = [summary.id for summary in self._shown]
        wanted = marked.id if marked else self._open_one
        entries.highlighted = place_of(wanted, numbers, before)
        words = self.query_one(Input).value.strip()
        found = ngettext("{number:,} conversation", "{number:,} conversations", len(numbers))
        none = _("Nothing has these words.") if words else _("There is no conversation yet.")
        self.query_one(".hint", Static).update(found.format(number=len(numbers)) if numbers else none)
        self.refresh_bindings()

    def _marked(self) -> Summary | None:
        index = self.query_one(OptionList).highlighted
        return self._shown[index] if index is not None and index < len(self._shown) else None

    def _say(self, text: str) -> None:
        self.query_one(".problem", Static).update(text)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's question."""
        if action in ("rename", "export", "delete") and self.query(OptionList):
            return self._marked() is not None and not (action == "delete" and self.query_one(Input).has_focus)
        return True

    def on_key(self, event: events.Key) -> None:
        """What is typed is looked for, wherever the focus is."""
        entry = self.query_one(Input)
        if event.is_printable and event.character and not entry.has_focus:
            entry.focus()
            entry.insert_text_at_cursor(event.character)
            event.stop()

    # Actions

    @on(Input.Submitted)
    def _to_list(self) -> None:
        self.action_down()

    def action_down(self) -> None:
        """From the words to what has them."""
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def _open(self) -> None:
        marked = self._marked()
        self.dismiss(marked.id if marked else None)

    def action_close(self) -> None:
        """Leave all as it is."""
        self.dismiss(0 if self._gone else None)

    @work(exit_on_error=False)
    async def action_rename(self) -> None:
        """Give it another title."""
        marked = self._marked()
        if marked and (title := await self.app.push_screen_wait(Question(_("Another title"), marked.title))):
            self._try(lambda: self._kept.rename(marked.id, title))

    @work(exit_on_error=False)
    async def action_export(self) -> None:
        """Write it into a file."""
        marked = self._marked()
        if marked is None:
            return
        proposal = str(Path.cwd() / f"{file_name(marked.title)}.md")
        path = await self.app.push_screen_wait(Question(_("Write it to: .md to read, .jsonl to teach from"), proposal))
        if path:
            self._try(lambda: self.newleaf.say(export(self._kept, marked.id, path)))

    @work(exit_on_error=False)
    async def action_preferences(self) -> None:
        """Write all that was judged good or bad into a file."""
        proposal = str(Path.cwd() / "preferences.jsonl")
        path = await self.app.push_screen_wait(Question(_("Write all good and bad answers to"), proposal))
        if path:
            self._try(lambda: self.newleaf.say(export_preferences(self._kept, path)))

    @work(exit_on_error=False)
    async def action_delete(self) -> None:
        """Forget it, once that is confirmed."""
        marked = self._marked()
        if marked and await self.newleaf.confirm(_("Delete the conversation {name}?").format(name=marked.title)):
            self._gone = self._gone or marked.id == self._open_one
            self._try(lambda: self._kept.delete(marked.id))

    def _try(self, act: Any) -> None:
        try:
            act()
        except UserError as error:
            self._say(str(error))
        else:
            self._look()


def conversation_lines(summaries: list[Summary], width: int) -> list[str]:
    """A line for each: when, its title, and where the words stand that were looked for."""
    lines = []
    for summary in summaries:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.changed))
        text = visible_words(summary.title)
        if summary.excerpt and summary.excerpt.rstrip("…") not in summary.title:
            text += "  · " + visible_words(summary.excerpt)
        room = width - WHEN - 2
        lines.append(f"{when}  {text if cell_len(text) <= room else set_cell_size(text, room - 1) + '…'}")
    return lines


def visible_words(text: str) -> str:
    """A text on a line, with its spaces."""
    return visible(text).replace("·", " ").replace("⏎", " ")


def file_name(title: str) -> str:
    """A name for a file from a title."""
    kept = "".join(letter if letter.isalnum() else " " for letter in title)
    return "-".join(kept.split())[:40] or "conversation"


def export(kept: Conversations, number: int, path: str) -> str:
    """Write a conversation into a file, as its ending says; a sentence about it. Raises UserError."""
    target = Path(path).expanduser()
    if target.suffix.lower() in (".jsonl", ".json"):
        _write(target, json_lines(kept.records(number)))
    elif target.suffix.lower() in (".md", ".txt"):
        _write(target, kept.markdown(number))
    else:
        raise UserError(_("{path} must end in .md or .jsonl.").format(path=path))
    return _("Written to {path}.").format(path=target)


def export_preferences(kept: Conversations, path: str) -> str:
    """Write what was judged into a file; a sentence about it. Raises UserError."""
    found, target = kept.preferences(), Path(path).expanduser()
    if not found:
        raise UserError(_("No answer was judged yet: + and - do it."))
    _write(target, json_lines(found))
    return ngettext(
        "{number:,} judgement written to {path}.", "{number:,} judgements written to {path}.", len(found)
    ).format(number=len(found), path=target)


def json_lines(records: list[dict[str, Any]]) -> str:
    """One to a line."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _write(path: Path, text: str) -> None:
    if path.exists():
        raise UserError(_("{path} is there already: choose another name.").format(path=path))
    try:
        write_atomic(path, text)
    except OSError as error:
        raise UserError(_("{path} cannot be written: {reason}.").format(path=path, reason=error.strerror)) from error
