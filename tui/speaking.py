"""Another language while the app runs: what is on the screen is made anew, from what was typed and what was marked."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from textual.content import Content
from textual.css.query import NoMatches
from textual.widget import Widget
from textual.widgets import TabbedContent
from textual.worker import WorkerCancelled, WorkerFailed

from ..core.language import set_language
from ..core.settings import change_setting
from .view import View
from .words import words_anew

if TYPE_CHECKING:
    from .app import NewleafApp


async def speak(app: NewleafApp, code: str) -> None:
    """Say everything in `code` from now on. A tab in which an answer is being written follows when it is whole."""
    change_setting("language", code)
    set_language(code)
    os.environ["NEWLEAF_LANGUAGE"] = code  # for jobs, which are processes of their own
    app.keep_draft()
    words_anew(app)
    tabs = app.query_one(TabbedContent)
    busy = []
    for view in list(app.query(View)):
        if view.writing() is None:
            await _anew(app, view)
        else:
            busy.append(view)
        tabs.get_tab(view.tab).label = Content(app.tab_label(view.tab))
    app.watch_jobs(app.jobs)
    app.refresh_bindings()
    for view in busy:
        while (worker := view.writing()) is not None:
            with contextlib.suppress(WorkerFailed, WorkerCancelled):
                await worker.wait()
        app.keep_draft()
        await _anew(app, view)


async def _anew(app: NewleafApp, view: View) -> None:
    """Put a new view in the place of this one."""
    pane, carried = view.parent, view.carry()
    if not isinstance(pane, Widget):
        return
    focused = app.focused.id if app.focused is not None and view in app.focused.ancestors else None
    with app.drafts_rest(), app.batch_update():
        await view.remove()
        await pane.mount(new := type(view)())
        new.take_up(carried)
    if app.tab == new.tab and len(app.screen_stack) == 1:
        with contextlib.suppress(NoMatches):
            if focused:
                new.query_one(f"#{focused}").focus()
                return
        new.take_focus()
