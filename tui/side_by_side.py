"""Answers to one question side by side, one of which a person may choose."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, Select, Static

from ..core import store
from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from ..trainer.checkpoint_models import PREFIX, CheckpointSource
from ..trainer.jobs import LIVE
from ..trainer.work import model_importing
from .chat_answers import Asked, answers
from .kept import free_name
from .widgets.footer import Keys
from .words import Translated

if TYPE_CHECKING:
    from .app import NewleafApp

LEAST_SIDE_BY_SIDE, MOST_SIDE_BY_SIDE = 2, 4
MAKING = 0.2  # seconds between two looks whether a checkpoint is a model now
Written = list[tuple[str, dict[str, Any]]]


@dataclass
class Column:
    """An answer that is being written."""

    model: str
    seed: int | None = None
    text: str = ""
    summary: str = ""


class SideBySide(Translated, ModalScreen[tuple[int | None, Written]]):
    """Which answer was chosen, None for none, and all of them with what is known of each."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"choose({number - 1})", N_("Choose"), id=f"side.{number}", show=number == 1)
            for number in range(1, MOST_SIDE_BY_SIDE + 1)
        ),
        Binding("plus,equals_sign", "more(1)", N_("One more"), id="side.more", key_display="+"),
        Binding("minus", "more(-1)", N_("One less"), id="side.less", key_display="-"),
        Binding("r", "again", N_("Again"), id="side.again"),
        Binding("m", "model", N_("Other model"), id="side.model"),
        Binding("escape", "close", N_("Close"), id="side.close", key_display="esc"),
    ]
    DEFAULT_CSS = """
    SideBySide { background: $surface; layout: vertical; }
    SideBySide #question { padding: 0 1; color: $text-accent; height: auto; max-height: 3; }
    SideBySide #other { height: 1; padding: 0 1; }
    SideBySide #other Label { color: $text-muted; }
    SideBySide #other Select { width: 30; }
    SideBySide #answers { height: 1fr; }
    SideBySide .answer { width: 1fr; border-left: solid $panel; padding: 0 1; }
    SideBySide .answer .head { text-style: bold; height: auto; }
    SideBySide .answer VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    SideBySide .answer .foot { color: $text-muted; height: auto; }
    """

    def __init__(self, asked: Asked, number: int, model: str = ""):
        super().__init__()
        self._asked, self._number = asked, number
        self._model = model  # of every second answer, where it is another one
        self._columns: list[Column] = []

    @property
    def newleaf(self) -> NewleafApp:
        """The app."""
        return cast("NewleafApp", self.app)

    def compose(self) -> ComposeResult:
        yield Static(f"▸ {self._asked.text}", id="question", markup=False)
        with Horizontal(id="other"):
            yield Label(_("every second one by") + " ", markup=False)
            models = [(Content(name), name) for name in store.names("models") if name != self._asked.model]
            models += [(Content(each.title), str(each)) for each in CheckpointSource.all()]
            if self._model and self._model not in [name for _title, name in models]:
                models.append((Content(self._model), self._model))
            yield Select(models, prompt=_("the same model"), value=self._model or Select.NULL, compact=True)
        yield Horizontal(id="answers")
        yield Static("", classes="problem", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """Begin."""
        self.set_focus(None)
        self.action_again()

    @on(Select.Changed)
    def _other_model(self, event: Select.Changed) -> None:
        model = "" if event.value is Select.NULL else str(event.value)
        self.set_focus(None)
        if model != self._model:
            self._model = model
            self.action_again()

    def action_model(self) -> None:
        """Let every second answer be another model's."""
        choice = self.query_one(Select)
        choice.focus()
        choice.action_show_overlay()

    def action_more(self, by: int) -> None:
        """One answer more, or less."""
        number = min(MOST_SIDE_BY_SIDE, max(LEAST_SIDE_BY_SIDE, self._number + by))
        if number != self._number:
            self._number = number
            self.action_again()

    @work(exit_on_error=False, exclusive=True, group="comparing")
    async def action_again(self) -> None:
        """Write all of them anew."""
        problem, box = self.query_one(".problem", Static), self.query_one("#answers", Horizontal)
        problem.update("")
        await box.remove_children()
        self._columns = []
        try:
            other = await self._made(self._model) if self._model else self._asked.model
        except UserError as error:
            problem.update(str(error))
            return
        problem.update("")
        names = [other if place % 2 else self._asked.model for place in range(self._number)]
        self._columns = [Column(name) for name in names]
        await box.mount_all(_column(place, column) for place, column in enumerate(self._columns))
        drawing = self.set_interval(self.newleaf.beat, self._draw)
        try:
            for name in dict.fromkeys(names):
                await self._write([column for column in self._columns if column.model == name])
        except UserError as error:
            problem.update(str(error))
        finally:
            drawing.stop()
            if self.is_attached:
                self._draw()

    async def _made(self, model: str) -> str:
        """The name of a model; of a checkpoint, after it was made one."""
        if not model.startswith(PREFIX):
            return model
        source = CheckpointSource.find(model, read=False)
        if known := source.models():
            return known[0]
        name = free_name("models", source.model_name)
        self.query_one(".problem", Static).update(_("Making model {name}.").format(name=name))
        job = await asyncio.to_thread(model_importing.submit, str(source), name)  # which reads it whole
        while (status := job.status())["state"] in LIVE:
            await asyncio.sleep(MAKING)
        if status["state"] != "finished":
            raise UserError(str(status.get("error") or _("stopped")))
        return name

    async def _write(self, columns: list[Column]) -> None:
        """The answers of one model: at once where it writes or chats, one after the other where it does a task."""
        together = self._asked.mode.name in ("write", "chat")
        for group in [columns] if together else [[column] for column in columns]:
            options = {**self._asked.options, **({"n": len(group)} if together else {})}
            if together and len(group) > 1 and options.get("temperature") == 0:
                raise UserError(_("With temperature 0 all answers are the same: set another one."))
            async with aclosing(
                answers(self.newleaf.engine, replace(self._asked, model=group[0].model, options=options))
            ) as told:
                async for each in told:
                    column = group[each.index]
                    column.text += each.text
                    column.summary = each.summary or column.summary
                    if each.summaries:
                        for one, summary in zip(group, each.summaries, strict=False):
                            one.summary = summary

    def _draw(self) -> None:
        for column, box in zip(self._columns, self.query(".answer"), strict=False):
            scroll = box.query_one(VerticalScroll)
            follow = scroll.scroll_offset.y >= scroll.max_scroll_y - 1
            box.query_one(".text", Static).update(Content(column.text))
            box.query_one(".foot", Static).update(Content(column.summary))
            if follow:
                scroll.scroll_end(animate=False)

    def _written(self) -> Written:
        return [
            (column.text, {"model": column.model, "summary": column.summary or _("stopped")})
            for column in self._columns
            if column.text.strip()
        ]

    def action_choose(self, place: int) -> None:
        """This one is the answer; all are kept."""
        if place < len(self._columns) and self._columns[place].text.strip():
            chosen = sum(bool(column.text.strip()) for column in self._columns[:place])
            self.dismiss((chosen, self._written()))

    def action_close(self) -> None:
        """Keep all of them beside each other, and choose none."""
        self.dismiss((None, self._written()))


def _column(place: int, column: Column) -> Vertical:
    return Vertical(
        Static(f"{place + 1}  {column.model}", classes="head", markup=False),
        VerticalScroll(Static("", classes="text", markup=False), can_focus=False),
        Static("", classes="foot", markup=False),
        classes="answer",
    )
