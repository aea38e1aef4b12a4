"""The app: four tabs over what is kept in files. It may die at any moment, and loses nothing but a screen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")  # read by Textual when it is imported

from rich.text import Text
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, TabbedContent, TabPane, Tabs
from textual.worker import Worker, WorkerState

from .. import __version__
from ..core.engine.client import Engine
from ..core.home import home
from ..core.language import LANGUAGES, N_, current_language, ngettext
from ..core.language import gettext as _
from ..core.settings import change_setting
from ..trainer.jobs import LIVE, kind_word, list_jobs, state_word
from .chat import ChatView
from .corpus import CorpusView
from .drafts import load_draft, save_draft
from .help import help_text
from .tokenizer import TokenizerView
from .training import TrainingView
from .view import View
from .widgets.dialogs import Confirm, Message
from .widgets.status_line import StatusLine
from .words import Translated

POLL = 0.5  # seconds between two looks at the jobs
DRAFT = 2.0  # seconds between two looks at what was typed
TABS = ("corpus", "tokenizer", "training", "chat")


class NewleafApp(Translated, App[int]):
    """Corpus, tokenizer, training, chat."""

    TITLE = "newleaf"
    CSS_PATH = "app.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1,f2", "tab('corpus')", N_("Corpus"), show=False, id="app.corpus", key_display="1 F2"),
        Binding("2,f3", "tab('tokenizer')", N_("Tokenizer"), show=False, id="app.tokenizer", key_display="2 F3"),
        Binding("3,f4", "tab('training')", N_("Training"), show=False, id="app.training", key_display="3 F4"),
        Binding("4,f5", "tab('chat')", N_("Chat"), show=False, id="app.chat", key_display="4 F5"),
        Binding("f1", "help", N_("Help"), id="app.help"),
        Binding("ctrl+p", "command_palette", N_("Commands"), id="app.palette", key_display="^p"),
        Binding("ctrl+q", "quit", N_("Quit"), id="app.quit", key_display="^q", priority=True),
        Binding("ctrl+c", "copy_or_explain", N_("Copy"), show=False, id="app.copy", priority=True),
    ]

    jobs: reactive[list[dict[str, Any]]] = reactive(list)

    def __init__(self) -> None:
        super().__init__()
        self.engine = Engine()
        self.draft = load_draft()
        self._states: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        titles = (_("Corpus"), _("Tokenizer"), _("Training"), _("Chat"))
        views: tuple[Widget, ...] = (CorpusView(), TokenizerView(), TrainingView(), ChatView())
        with TabbedContent(initial=self._initial_tab()):
            for index, (name, title, view) in enumerate(zip(TABS, titles, views, strict=True), start=1):
                with TabPane(Content(f"{index} {title}"), id=name):
                    yield view
        yield StatusLine()
        yield Footer(show_command_palette=False)

    def _initial_tab(self) -> str:
        tab = self.draft.get("tab")
        return tab if tab in TABS else TABS[0]

    def on_mount(self) -> None:
        """Look at the jobs now and again; leave cleanly when the terminal goes."""
        self.query_one(Tabs).can_focus = False
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            with contextlib.suppress(ValueError, RuntimeError):  # not in the main thread
                loop.add_signal_handler(number, self._leave, number)
        self._look()
        self.set_interval(POLL, self._look)
        self.set_interval(DRAFT, self.keep_draft)
        self.call_after_refresh(self._focus_view)

    def _leave(self, number: int) -> None:
        self.keep_draft()
        self.exit(return_code=128 + number)

    def _look(self) -> None:
        self.jobs = [job.summary() for job in list_jobs()]

    def watch_jobs(self, jobs: list[dict[str, Any]]) -> None:
        """Show what runs; say once what has ended."""
        if not self.query(StatusLine):  # not composed yet
            return
        self.query_one(StatusLine).show(jobs)
        for job in jobs:
            before = self._states.get(job["name"])
            if before in LIVE and job["state"] not in LIVE:
                self._tell_end(job)
        self._states = {job["name"]: job["state"] for job in jobs}

    def _tell_end(self, job: dict[str, Any]) -> None:
        text = _("{kind} {name}: {state}").format(
            kind=kind_word(job["kind"]), name=job["target"], state=state_word(job["state"])
        )
        failed = job["state"] in ("failed", "lost")
        self.say(f"{text}. {job['error']}" if "error" in job else text, error=failed)

    async def confirm(self, question: str) -> bool:
        """Ask whether to do what cannot be undone; call it from a worker."""
        screen: Screen[bool] = Confirm(question)
        return bool(await self.push_screen_wait(screen))  # type: ignore[arg-type]

    def say(self, text: str, error: bool = False) -> None:
        """A sentence that goes away by itself."""
        self.notify(text, severity="error" if error else "information", timeout=10 if error else 5, markup=False)

    # Tabs

    def action_tab(self, name: str) -> None:
        """Go to a tab."""
        self.query_one(TabbedContent).active = name
        self._focus_view()

    def on_tabbed_content_tab_activated(self) -> None:
        """A tab was clicked."""
        self._focus_view()

    def _focus_view(self) -> None:
        if isinstance(self.screen, Screen) and len(self.screen_stack) == 1:
            pane = self.query_one(TabbedContent).active_pane
            if pane is not None:
                pane.query_one(View).take_focus()

    # Drafts

    def keep_draft(self) -> None:
        """Write down what was typed, when it has changed."""
        draft: dict[str, Any] = {**self.draft, "tab": self.query_one(TabbedContent).active}
        for view in self.query(View):
            draft.update(view.draft())
        for screen in self.screen_stack:
            if hasattr(screen, "draft"):
                draft.update(screen.draft())
        if draft != self.draft:
            self.draft = draft
            save_draft(draft)

    # Actions

    def action_help(self) -> None:
        """Show all keys."""
        self.push_screen(Message(_("Keys"), help_text(self)))

    def action_command_palette(self) -> None:
        """Everything that the app does, by name."""
        if not CommandPalette.is_open(self):  # type: ignore[arg-type]
            self.push_screen(CommandPalette(placeholder=_("Search for a command"), id="--command-palette"))

    def action_copy_or_explain(self) -> None:
        """Copy what is marked; otherwise say how to leave."""
        selected = self.screen.get_selected_text() or getattr(self.focused, "selected_text", "")
        if selected:
            self.copy_to_clipboard(selected)
            self.say(_("Copied."))
        else:
            self.say(_("Ctrl+Q leaves newleaf; jobs go on running."))

    async def action_quit(self) -> None:
        """Leave; jobs go on."""
        self.keep_draft()
        self.exit(return_code=0)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers: all that has a key here, and the languages."""
        for active in screen.active_bindings.values():
            node, binding = active.node, active.binding
            if binding.description and binding.action != "command_palette" and binding.id:

                async def run(node: Any = node, action: str = binding.action) -> None:
                    await self.run_action(action, node)

                yield SystemCommand(binding.description, _("Key: {key}").format(key=self.get_key_display(binding)), run)
        for code, name in LANGUAGES.items():
            if code != current_language():
                yield SystemCommand(
                    name, _("The language of the words, from the next start on"), lambda code=code: self._speak(code)
                )

    def _speak(self, code: str) -> None:
        change_setting("language", code)
        self.say(_("From the next start on: {language}.").format(language=LANGUAGES[code]))

    # Errors

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """An error in the background is told, and ends nothing."""
        if event.state == WorkerState.ERROR:
            self.say(str(event.worker.error), error=True)

    def _handle_exception(self, error: Exception) -> None:
        # Textual would print a traceback with all variables: text that is the person's own. A file and a sentence do.
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self.keep_draft_quietly()
        report = write_report(error)
        sentence = _("The app had a fault: {error}. Jobs go on running. Details are in {path}. Open it again: newleaf")
        self._exit_renderables.append(Text(sentence.format(error=f"{type(error).__name__}: {error}", path=report)))
        self._close_messages_no_wait()

    def keep_draft_quietly(self) -> None:
        """Write down what was typed, though the app is no longer whole."""
        with contextlib.suppress(Exception):
            self.keep_draft()

    async def on_unmount(self) -> None:
        """End the engine; a job is not ours to end."""
        await self.engine.close()


def write_report(error: Exception) -> Path:
    """A file with the traceback, without anybody's text; its path."""
    folder = home() / "crash"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / time.strftime("%Y%m%d-%H%M%S.txt")
    lines = [
        f"newleaf {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"TERM={os.environ.get('TERM')}",
        *traceback.format_exception(error),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def run_app() -> int:
    """Open the app; the exit code."""
    app = NewleafApp()
    app.run()
    running = sum(job["state"] in LIVE for job in app.jobs)
    if running and not app.return_code:
        goes_on = ngettext("{number} job goes on in the background.", "{number} jobs go on in the background.", running)
        print(goes_on.format(number=running), _("See: newleaf job list"), file=sys.stderr)
    return app.return_code or 0
