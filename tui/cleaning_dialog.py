"""What the dialogs of the tab for text share: how it is cleaned, and what that would change, as it is chosen."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from typing import Any, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Select, Static

from ..core.corpus.cleaning.options import PRESET_NAMES, PRESETS
from ..core.corpus.importing import MergeOptions
from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import OptionField, fields
from .before_after import preview_content
from .choice_dialog import PAUSE, ChoiceDialog
from .widgets.form import Form
from .widgets.path_input import absolute_paths
from .widgets.switches import Switches

MEANINGS = {  # of what is no option
    "path": N_(
        "Files, folders, archives, patterns such as 'books/**/*.epub', or hf:NAME, a data set. Several with spaces "
        "between them; quote one that has a space in it."
    ),
    "name": N_("What the corpus will be called."),
    "corpora": N_("Space marks a corpus."),
}
BY_PARAMETER = ("chinese", "languages")  # steps that are on by what is typed, not by a switch


class CleaningDialog(ChoiceDialog[bool]):
    """The switches at the left, what they would do at the right; True when a job was started."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", N_("Cancel"), id="import.cancel"),
        Binding("ctrl+s", "start", N_("Start"), id="import.import", key_display="^s", priority=True),
        Binding("ctrl+y", "copy_command", N_("Copy the command"), id="import.copy", key_display="^y", priority=True),
    ]
    options: ClassVar[type[MergeOptions]] = MergeOptions
    start_word: ClassVar[str] = N_("Start")
    meanings = MEANINGS

    def __init__(self, start: Mapping[str, Any] | None = None):
        """`start` are options that hold at first, by name."""
        super().__init__()
        usual = {field.name: field for field in fields(self.options)}
        self._start = {
            name: value for name, value in (start or {}).items() if name in usual and usual[name].takes(value)
        }
        self.fields = usual
        self._files: list[dict[str, Any]] | None = None
        self._tried: dict[str, Any] | None = None
        self._asked: object = None  # what the files were that were looked into
        self._looks = 0

    # What a dialog of its own says

    def heading(self) -> str:
        """What is done here."""
        raise NotImplementedError

    def compose_head(self) -> ComposeResult:
        """What stands above the switches."""
        raise NotImplementedError

    def paths(self) -> list[str]:
        """The files that are looked into; none where the text is in corpora."""
        return []

    def corpora(self) -> list[str]:
        """The corpora that are looked into; none where the text is in files."""
        return []

    def command(self, options: MergeOptions) -> str:
        """The command that does the same."""
        raise NotImplementedError

    def question(self) -> str:
        """What is to be confirmed before it is done, if anything."""
        return ""

    def submit(self, options: MergeOptions) -> None:
        """Start the job. Raises UserError."""
        raise NotImplementedError

    # The screen

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog full"):
            yield Static(self.heading(), classes="title", markup=False)
            yield from self.compose_head()
            yield from self.compose_parts(_("Before and after"), _(self.start_word))

    def compose_choices(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield Label("clean", markup=False)
            choices = [(Content(name), name) for name in PRESET_NAMES]
            start = self._start.get("clean", "standard")
            yield Select(choices, value=start, allow_blank=False, compact=True, id="preset", name="clean")
        names = [name for name in PRESETS if name not in BY_PARAMETER]
        names += [field.name for field in self.fields.values() if field.type is bool]
        said = {name: value in ("on", True) for name, value in self._start.items() if value != "auto"}
        yield Switches(names, self._preset(start), said, shown=_as_flag, id="switches")
        rest = [name for name in self.fields if name not in names and name != "clean"]
        yield Form(
            self.options,
            {name: _as_text(self.fields[name], value) for name, value in self._start.items()},
            shown=rest.__contains__,
            labels={"near_duplicate_similarity": "similarity"},
            split=split_words,
        )

    @staticmethod
    def _preset(clean: str) -> Any:
        return lambda name: clean in PRESETS.get(name, ())

    def on_mount(self) -> None:
        """Nothing blinks; look at what is there already."""
        for entry in self.query(Input):
            entry.cursor_blink = False
        self.changed()

    # Options

    def chosen(self) -> MergeOptions:
        """The options as they stand there. Raises UserError with all that is wrong."""
        return self.options.from_mapping({"clean": self._clean(), **self._switched(), **self.query_one(Form).values()})

    def _clean(self) -> str:
        return str(self.query_one("#preset", Select).value)

    def _switched(self) -> dict[str, Any]:
        said = self.query_one("#switches", Switches).said()
        return {
            name: value if self.fields[name].type is bool else ("on" if value else "off")
            for name, value in said.items()
        }

    def hint(self, name: str | None) -> str:
        if name not in self.query_one("#switches", Switches).names:
            return ""
        return _("Space turns it; * is not as {preset} has it.").format(preset=self._clean())

    @on(Select.Changed, "#preset")
    def _preset_changed(self) -> None:
        self.query_one("#switches", Switches).show_preset(self._preset(self._clean()))

    def command_now(self) -> str:
        return self.command(self.chosen())

    def look(self) -> None:
        self._looks += 1
        self._look(self._looks)

    # Before and after

    @work(exclusive=True, group="look", exit_on_error=False)
    async def _look(self, number: int) -> None:
        await asyncio.sleep(PAUSE)
        title = self.query_one(".found-title", Static)
        try:
            paths, corpora = absolute_paths(self.paths()), self.corpora()
            if paths or corpora:
                title.update(_("Before and after: trying ..."))
                await self._ask(paths, corpora)
            else:
                self._show_found(None, None)
        except UserError as error:
            self._asked = None
            self._show_found(None, None, str(error))
        finally:
            if number == self._looks:
                title.update(_("Before and after"))

    async def _ask(self, paths: list[str], corpora: list[str]) -> None:
        engine = cast("Any", self.app).engine
        options = self.chosen().as_dict()
        if paths:
            asked = (paths, options["include"], options["exclude"], options["column"])
            if asked != self._asked:
                files = await engine.preview(paths, options)
                self._asked = asked
                self._show_found(files, None)
        self._show_found(self._files if paths else None, await engine.before_after(paths, options, corpora))

    def _show_found(self, files: list[dict[str, Any]] | None, tried: dict[str, Any] | None, problem: str = "") -> None:
        self._files, self._tried = files, tried
        if problem:
            self.query_one("#found", Static).update(problem)
        else:
            self._draw()

    def _draw(self) -> None:
        found = self.query_one("#found", Static)
        found.update(preview_content(self._files, self._tried, found.size.width))

    def on_resize(self) -> None:
        """Fit the new width."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        if self._files is not None or self._tried is not None:
            self._draw()

    # Actions

    @work(exclusive=True, group="start", exit_on_error=False)
    async def action_start(self) -> None:
        """Start the job, or say what is wrong."""
        try:
            options = self.chosen()
            if (question := self.question()) and not await cast("Any", self.app).confirm(question):
                return
            self.submit(options)
        except UserError as error:
            self.say_problem(str(error))
            return
        self.dismiss(True)


def split_words(text: str) -> list[str]:
    """Words that are typed with spaces or commas between them; one with a space in it is quoted."""
    try:
        return [word for part in shlex.split(text) for word in part.split(",") if word]
    except ValueError:  # a quote that stands alone
        return text.split()


def _as_flag(name: str) -> str:
    return name.replace("_", "-")


def _as_text(field: OptionField, value: Any) -> str:
    if value is None or value == field.default:
        return ""
    return shlex.join(value) if isinstance(value, list) else str(value)
