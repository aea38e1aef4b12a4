"""The app: four tabs over what is kept in files. It may die at any moment, and loses nothing but a screen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import import_module
from typing import Any, ClassVar

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")  # read by Textual when it is imported

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.content import Content
from textual.css.query import NoMatches
from textual.events import DescendantFocus, Event, Key, Paste
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import TabbedContent, TabPane, Tabs
from textual.worker import Worker, WorkerState

from ..core import store
from ..core.engine.client import Engine
from ..core.home import home
from ..core.language import LANGUAGES, N_, current_language, ngettext
from ..core.language import gettext as _
from ..core.store import DAMAGED
from ..core.tokenizer.store import tokenizers_for
from ..trainer.jobs import LIVE, TRAININGS, job_word, kind_word
from . import clipboard
from .away import away_lines, seen
from .drafts import draft_values, load_draft, save_draft
from .faults import fault_sentence, write_report
from .first_steps import BINDINGS as FIRST_STEPS
from .first_steps import FirstSteps
from .help import help_text, shown_bindings
from .kept import JobWatch
from .keyed import keyed
from .keymap import chosen_keys
from .link import NO_PRESSES, PRESSES
from .look import DrawnApp
from .only_text import CONTROL
from .options import AppOptions
from .pasting import refusal
from .quiet import MainScreen
from .speaking import speak
from .terminal_title import GIVE_BACK, KEEP, title_sequence, title_text
from .tidying import Tidying
from .typing_order import move_of_focus, own_action
from .view import View
from .widgets.dialogs import Confirm, Message
from .widgets.footer import Keys
from .widgets.status_line import StatusLine
from .words import Translated, translate_bindings

DRAFT = 2.0  # seconds between two looks at what was typed
AWAY_SHOWN = 30.0  # seconds for which it is said what went on while the app was closed
QUIET = 60.0  # seconds for which the same fault is not told again
# The modules of the tabs and their views. Those that are not open are loaded when the first screen is there.
VIEWS = {"corpus": "CorpusView", "tokenizer": "TokenizerView", "training": "TrainingView", "chat": "ChatView"}
TABS = tuple(VIEWS)


class NewleafApp(Translated, FirstSteps, DrawnApp):
    """Corpus, tokenizer, training, chat."""

    TITLE = "newleaf"
    CSS_PATH = ["app.tcss", "look.tcss"]  # noqa: RUF012
    HORIZONTAL_BREAKPOINTS = [(0, "-small"), (72, "-narrow"), (100, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1,f2", "tab('corpus')", N_("Corpus"), show=False, id="app.corpus", key_display="1 F2"),
        Binding("2,f3", "tab('tokenizer')", N_("Tokenizer"), show=False, id="app.tokenizer", key_display="2 F3"),
        Binding("3,f4", "tab('training')", N_("Training"), show=False, id="app.training", key_display="3 F4"),
        Binding("4,f5", "tab('chat')", N_("Chat"), show=False, id="app.chat", key_display="4 F5"),
        *FIRST_STEPS,
        Binding("f10", "models", N_("Models"), id="app.models"),
        Binding("f9", "jobs", N_("Jobs"), id="app.jobs"),
        Binding("f1", "help", N_("Help"), id="app.help"),
        Binding("ctrl+p", "command_palette", N_("Commands"), id="app.palette", key_display="^p"),
        Binding("ctrl+q", "quit", N_("Quit"), id="app.quit", key_display="^q", priority=True),
        Binding("ctrl+c", "copy_or_explain", N_("Copy"), show=False, id="app.copy", priority=True),
    ]

    jobs: reactive[list[dict[str, Any]]] = reactive(list, repaint=False)  # else each look draws the whole screen anew

    def __init__(self, options: AppOptions | None = None) -> None:
        super().__init__(options)
        self.engine = Engine()
        self.draft = load_draft()
        self._job_watch = JobWatch()
        self._states: dict[str, str] = {}
        self._ended: dict[str, Any] | None = None  # the job that ended last
        self._title = ""  # of the terminal
        self._away: dict[str, Any] | None = draft_values(self.draft, "seen")  # the jobs, when the app was left
        self._drafts_rest = False
        self._told: dict[str, float] = {}
        self.keymap, self.to_tell = chosen_keys()  # sentences that are told when the app is open
        self._bringing = asyncio.Lock()
        self._half_made: View | None = None
        self.tidying = Tidying()

    def compose(self) -> ComposeResult:
        initial = self._initial_tab()
        with TabbedContent(initial=initial):
            for name in TABS:
                with TabPane(Content(self.tab_label(name)), id=name):
                    if name == initial:
                        yield view_of(name)()
        yield StatusLine()
        yield Keys()

    def get_default_screen(self) -> Screen[Any]:
        return MainScreen(id="_default")

    @staticmethod
    def tab_label(name: str) -> str:
        """What is written on a tab."""
        titles = (_("Corpus"), _("Tokenizer"), _("Training"), _("Chat"))
        index = TABS.index(name)
        return f"{index + 1} {titles[index]}"

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
        if self.is_web:
            self.set_interval(DRAFT, partial(self._leave_without, os.getppid()))
        self.set_interval(self.link.look, partial(self._safely, self._look))
        self.set_interval(DRAFT, partial(self._safely, self.keep_draft))
        self.call_later(self._look)
        self.call_after_refresh(self.focus_view)
        self.call_after_refresh(self.make_other_views)
        self.set_keymap(self.keymap)
        self._write_of_mouse(PRESSES)
        for sentence in self.to_tell:
            self.say(sentence, error=True)

    def _leave(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._title = ""  # the terminal is gone, and whoever writes to it waits for ever
        self.keep_draft()
        self.exit(return_code=128 + number)

    def _leave_without(self, server: int) -> None:
        if os.getppid() != server:  # it was killed: nobody sees this app any more
            self._leave(signal.SIGHUP)

    def on_exit_app(self) -> None:
        """The page in a browser was closed, or a key left the app."""
        self.keep_draft_quietly()

    def _safely(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # out of a timer it would end the app
            self.tell_fault(error)

    def _look(self) -> None:
        self.jobs = self._job_watch.look()
        if not any(worker.group == "writing" and worker.is_running for worker in self.workers):
            self.tidying.pause()
        if self._away is not None:
            lines, self._away = away_lines(self._away, self.jobs, time.time()), None
            if lines:
                self.notify("\n".join(lines), timeout=AWAY_SHOWN, markup=False)

    def watch_jobs(self, jobs: list[dict[str, Any]]) -> None:
        """Show what runs; say once what has ended."""
        try:
            self.query_one(StatusLine).show(jobs)
        except NoMatches:  # not composed yet
            return
        for job in jobs:
            before = self._states.get(job["name"])
            if before in LIVE and job["state"] not in LIVE:
                self._ended = job
                self._tell_end(job)
        states = {job["name"]: job["state"] for job in jobs}
        if states != self._states:
            self._states = states
            self.refresh_bindings()
        self._set_title(title_text(jobs, self._ended))

    def _set_title(self, title: str) -> None:
        """Tell the terminal its title, when it has changed."""
        if title == self._title or self.is_headless or self._driver is None:
            return
        self._driver.write(("" if self._title else KEEP) + title_sequence(title))
        self._title = title

    def _tell_end(self, job: dict[str, Any]) -> None:
        text = _("{kind} {name}: {state}").format(kind=kind_word(job["kind"]), name=job["target"], state=job_word(job))
        failed = job["state"] in ("failed", "lost")
        more = job.get("error") or keyed(self, *next_step(job))
        self.say(_("{sentence}. {more}").format(sentence=text, more=more) if more else text, error=failed)

    @work(exit_on_error=False)
    async def make_other_views(self) -> None:
        """The first screen is there: make the views of the other tabs, while keys are answered."""
        for name in TABS:
            await asyncio.to_thread(view_of, name)
            await self._bring(name)
        if not self.is_headless:
            self.tidying.begin()

    async def _bring(self, name: str) -> None:
        """Make the view of a tab, when there is none yet."""
        async with self._bringing:
            pane = self.query_one(f"#{name}", TabPane)
            if not pane.query(View):
                self._half_made = view_of(name)()
                await pane.mount(self._half_made)
                self._half_made = None

    def _views(self) -> list[View]:
        """Those that are there, and whole."""
        return [
            view
            for pane in self.query_one(TabbedContent).walk_children(TabPane)
            for view in pane.children
            if isinstance(view, View) and view is not self._half_made
        ]

    async def confirm(self, question: str) -> bool:
        """Ask whether to do what cannot be undone; call it from a worker."""
        screen: Screen[bool] = Confirm(question)
        return bool(await self.push_screen_wait(screen))  # type: ignore[arg-type]

    def say(self, text: str, error: bool = False) -> None:
        """A sentence that goes away by itself."""
        self.notify(text, severity="error" if error else "information", timeout=10 if error else 5, markup=False)

    def copy(self, text: str) -> None:
        """Copy a text, and say where it is."""
        self.copy_to_clipboard(text)
        path = clipboard.keep(text)
        if clipboard.fits(text):
            self.say(_("Copied."))
        elif path:
            self.say(_("It is too long for the terminal's clipboard. It is in {path}.").format(path=path))

    def copy_to_clipboard(self, text: str) -> None:
        """Textual's own way, made to reach the terminal through tmux and screen, and never with a text it refuses."""
        if not clipboard.fits(text):
            return
        super().copy_to_clipboard(text)
        if self._driver is not None and (told := clipboard.wrapped(text)):
            self._driver.write(told)

    # Tabs

    async def action_tab(self, name: str) -> None:
        """Go to a tab."""
        await self._bring(name)
        self.query_one(TabbedContent).active = name
        self.focus_view()

    async def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        """A tab was clicked."""
        await self._bring(event.pane.id or TABS[0])
        self.focus_view()

    @property
    def tab(self) -> str:
        """The name of the tab that is open."""
        return self.query_one(TabbedContent).active

    def focus_view(self) -> None:
        """Put the focus where the open tab wants it, unless a dialog is open."""
        if isinstance(self.screen, Screen) and len(self.screen_stack) == 1:
            pane = self.query_one(TabbedContent).active_pane
            if pane is not None and pane.query(View):
                pane.query_one(View).take_focus()

    # Drafts

    @contextlib.contextmanager
    def drafts_rest(self) -> Iterator[None]:
        """While a view is made anew, what it shows is not yet what was typed."""
        self._drafts_rest = True
        try:
            yield
        finally:
            self._drafts_rest = False

    def keep_draft(self) -> None:
        """Write down what was typed, when it has changed."""
        try:
            tab = self.tab
        except NoMatches:  # the app is just about to be gone
            return
        if self._drafts_rest:
            return
        draft: dict[str, Any] = {**self.draft, "tab": tab}
        if self._away is None:  # the jobs were looked at
            draft["seen"] = seen(self.jobs, draft_values(self.draft, "seen"))
        nodes: list[Any] = [*self._views(), *(screen for screen in self.screen_stack if hasattr(screen, "draft"))]
        for node in nodes:
            with contextlib.suppress(NoMatches):  # one that is just being made, or about to be gone
                draft.update(node.draft())
        if draft != self.draft:
            self.draft = draft
            save_draft(draft)

    # Actions

    def action_help(self) -> None:
        """Show all keys."""
        self.push_screen(Message(_("Keys"), help_text(self)))

    def action_models(self) -> None:
        """Show all models."""
        from .models_screen import ModelsScreen

        if not isinstance(self.screen, ModelsScreen):
            self.push_screen(ModelsScreen())

    def action_jobs(self) -> None:
        """Show all jobs."""
        from .jobs_screen import JobsScreen

        if not isinstance(self.screen, JobsScreen):
            self.push_screen(JobsScreen())

    def action_command_palette(self) -> None:
        """Everything that the app does, by name."""
        if not CommandPalette.is_open(self):  # type: ignore[arg-type]
            from .palette import Palette

            self.push_screen(Palette())

    def action_copy_or_explain(self) -> None:
        """Copy what is marked; otherwise say how to leave."""
        selected = self.screen.get_selected_text() or getattr(self.focused, "selected_text", "")
        if selected:
            self.copy(selected)
        else:
            self.say(keyed(self, _("Ctrl+Q leaves newleaf; jobs go on running.")))

    async def action_quit(self) -> None:
        """Leave; jobs go on."""
        self.keep_draft()
        self.exit(return_code=0)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers: all that has a key on any tab and makes sense now, looks and languages."""
        views = self._views()
        here = self.tab
        views.sort(key=lambda view: view.tab != here)  # what is at hand comes first
        nodes: list[View | NewleafApp] = [*views, self]
        for node in nodes:
            for binding in shown_bindings(node):
                if binding.action == "command_palette" or not node.check_action(binding.action, ()):
                    continue
                key = _("Key: {key}").format(key=self.get_key_display(binding))
                where = f"{node.heading} · {key}" if isinstance(node, View) else key

                async def run(node: Any = node, action: str = binding.action) -> None:
                    if isinstance(node, View):
                        await self.action_tab(node.tab)
                    await self.run_action(action, node)

                yield SystemCommand(binding.description, where, run)
        yield from self.look_commands()
        for code, name in LANGUAGES.items():
            if code != current_language():
                yield SystemCommand(name, _("The language of the words"), partial(self._speak, code))

    @on(DescendantFocus)
    def _translate(self, event: DescendantFocus) -> None:
        if not isinstance(event.widget, Translated) and translate_bindings(event.widget):
            self.screen.refresh_bindings()  # of Textual's own widgets, which the footer shows

    @work(exit_on_error=False, exclusive=True, group="speaking")
    async def _speak(self, code: str) -> None:
        await speak(self, code)

    async def on_event(self, event: Event) -> None:
        """Textual's, but for a paste that no field could take without holding up the app."""
        if isinstance(event, Paste) and (sentence := refusal(self.focused, event.text)):
            self.say(sentence, error=True)
            return
        if isinstance(event, Key):
            self.tidying.key()
            if not event.is_forwarded and (move := move_of_focus(self.focused, event.key)):
                if not await self._check_bindings(event.key, priority=True):
                    await self.run_action(move)  # now: what is typed next is for the field that has the focus then
                return
            if not event.is_forwarded and (field := self.focused) and (action := own_action(field, event.key)):
                if not await self._check_bindings(event.key, priority=True):
                    field.call_later(self._act_on_field, field, action, event.key)
                return
        await super().on_event(event)

    async def _act_on_field(self, field: Widget, action: str, key: str) -> None:
        """What a field does at a key; where it has nothing to do, what is around it."""
        if not await self.run_action(action, field):
            await self._check_bindings(key)

    # Errors

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """An error in the background is told, and ends nothing."""
        if event.state == WorkerState.ERROR and isinstance(event.worker.error, Exception):
            self.tell_fault(event.worker.error)

    def tell_fault(self, error: Exception) -> None:
        """Say what went wrong; the same thing, which may come with each look at the jobs, not again for a while."""
        if not self.is_running:  # it closes, and half of it is gone already
            return
        key, now = f"{type(error).__name__}: {error}", time.monotonic()
        if now - self._told.get(key, -QUIET) >= QUIET:
            self._told[key] = now
            self.say(fault_sentence(error), error=True)

    def _handle_exception(self, error: Exception) -> None:
        if not self.is_running:  # widgets that were being made when the app was left
            return
        # Only what is outside of handlers comes here, as in drawing: the app cannot go on. Textual would print a
        # traceback with all variables, text that is the person's own among them. A file and a sentence do.
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self.keep_draft_quietly()
        report = write_report(error)
        sentence = _("The app had a fault: {error}. Jobs go on running. Details are in {path}. Open it again: newleaf")
        message = CONTROL.sub(" ", f"{type(error).__name__}: {error}")
        self._exit_renderables.append(Text(sentence.format(error=message, path=report)))
        self._close_messages_no_wait()

    def keep_draft_quietly(self) -> None:
        """Write down what was typed, though the app is no longer whole."""
        with contextlib.suppress(Exception):
            self.keep_draft()

    async def on_unmount(self) -> None:
        """End the engine; a job is not ours to end. The terminal gets its title back."""
        if self._title and self._driver is not None:
            self._driver.write(GIVE_BACK)
        self._write_of_mouse(NO_PRESSES)
        await self.engine.close()

    def _write_of_mouse(self, sequence: str) -> None:
        # Textual asks for every move.
        if not (self.link.motion or self.options.no_mouse or self.is_web or self.is_headless) and self._driver:
            self._driver.write(sequence)


def view_of(name: str) -> type[View]:
    """The class of a tab's view; its module is loaded when it is first asked for."""
    found: type[View] = getattr(import_module(f".{name}", __package__), VIEWS[name])
    return found


def next_step(job: dict[str, Any]) -> tuple[str, str]:
    """What a person can do now that a job has ended, and the id of its key; nothing for who has done it before."""
    try:
        if job["state"] != "finished":
            return "", ""
        if job["kind"] == "import" and not tokenizers_for(job["target"]):
            return _("Next: press  t  and train a tokenizer."), "first.tokenizer"
        if job["kind"] == "tokenizer" and not store.names("models"):
            return _("Next: press  t  and train a model."), "first.model"
    except DAMAGED:
        return "", ""
    return (_("Next: press F5 and let it write."), "app.chat") if job["kind"] in TRAININGS else ("", "")


def run_app(options: AppOptions | None = None, wrong: Sequence[str] = ()) -> int:
    """Open the app; the exit code. `wrong` is told first. Raises UserError where there can be no home."""
    home()
    app = NewleafApp(options)
    app.to_tell += wrong
    app.run(mouse=not app.options.no_mouse)
    running = sum(job["state"] in LIVE for job in app.jobs)
    if running and not app.return_code:
        goes_on = ngettext("{number} job goes on in the background.", "{number} jobs go on in the background.", running)
        print(goes_on.format(number=running), _("See: newleaf job list"), file=sys.stderr)
    return app.return_code or 0
