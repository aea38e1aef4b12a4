"""What a mode of the chat tab needs besides the prompt, in one line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Select

from ...core import store
from ...core.errors import UserError
from ...core.language import gettext as _
from ...core.model.store import ModelInfo
from ...core.tasks.translation import NAMES, language_name
from ..drafts import draft_text
from ..keyed import keyed
from .path_input import PathInput, absolute_paths

STYLES = ("prose", "bullets")
SHOWN = 4  # labels that a model learnt, where none are typed


class ModeInputs(Vertical):
    """A line for the mode that is chosen; nothing where it needs none."""

    DEFAULT_CSS = """
    ModeInputs { height: auto; }
    ModeInputs .line { height: 1; display: none; }
    ModeInputs .line > Label { width: auto; padding: 0 1 0 0; color: $text-muted; }
    ModeInputs .line > Input, ModeInputs .line > Select { width: 1fr; }
    ModeInputs .line > #style-label, ModeInputs .line > #to-label { padding: 0 1; }
    """

    def __init__(self, start: dict[str, Any]):
        """`start` are texts by the ids of the lines' parts, as `texts` gives them."""
        super().__init__()
        self._wanted = start  # what is to be chosen once it is offered
        self._offered: set[str] = set()
        self._info: ModelInfo | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(classes="line", id="for-chat"):
            yield Label(_("system"), markup=False)
            yield self._input("system", _("what it is told before the chat begins"))
        with Horizontal(classes="line", id="for-ask"):
            yield Label(_("documents"), markup=False)
            yield Select([], prompt=_("of these paths:"), compact=True, id="knowledge")
            paths = draft_text(self._wanted, "paths")
            hint = keyed(self, _("files and folders; Ctrl+O chooses"))
            yield PathInput(paths, placeholder=hint, compact=True, id="paths")
        with Horizontal(classes="line", id="for-summarize"):
            yield Label(_("words"), markup=False)
            yield self._input("words", _("automatic"))
            yield Label(_("style"), markup=False, id="style-label")
            titles = {"prose": _("prose"), "bullets": _("bullets")}
            style = draft_text(self._wanted, "style")
            yield Select(
                [(Content(titles[name]), name) for name in STYLES],
                value=style if style in STYLES else STYLES[0],
                allow_blank=False,
                compact=True,
                id="style",
            )
        with Horizontal(classes="line", id="for-translate"):
            yield Label(_("from"), markup=False)
            yield Select([], prompt=_("found by itself"), compact=True, id="from")
            yield Label(_("to"), markup=False, id="to-label")
            yield Select([], prompt=_("choose a language"), compact=True, id="to")
        with Horizontal(classes="line", id="for-classify"):
            yield Label(_("labels"), markup=False)
            yield self._input("labels", "")

    def _input(self, name: str, placeholder: str) -> Input:
        return Input(draft_text(self._wanted, name), placeholder=placeholder, compact=True, id=name)

    def on_mount(self) -> None:
        """Nothing blinks."""
        for entry in self.query(Input):
            entry.cursor_blink = False

    def show(self, mode: str, info: ModelInfo | None) -> None:
        """The line of a mode, with what the model has to offer in it."""
        self._info = info
        for row in self.query(".line"):
            row.display = row.id == f"for-{mode}"
        self.offer_documents()
        taught = info.taught if info else {}
        pairs = self._pairs()
        self.query_one("#to", Select).prompt = _("the other one") if self._one_way_each() else _("choose a language")
        self._offer("from", _languages(pair[0] for pair in pairs) if pairs else _all_languages())
        self._offer("to", _languages(pair[1] for pair in pairs) if pairs else _all_languages())
        labels = taught.get("classify", {}).get("labels", [])
        learnt = ", ".join(labels[:SHOWN]) + (" ..." if len(labels) > SHOWN else "")
        self.query_one("#labels", Input).placeholder = (
            _("those it learnt: {labels}").format(labels=learnt) if labels else _("two or more, such as good, bad")
        )

    def _pairs(self) -> list[list[str]]:
        """From which language to which the model was taught to translate."""
        found: list[list[str]] = (self._info.taught if self._info else {}).get("translate", {}).get("languages", [])
        return found

    def _one_way_each(self) -> bool:
        """Whether the language of a text says into which one it is to be translated."""
        sources = [pair[0] for pair in self._pairs()]
        return bool(sources) and len(set(sources)) == len(sources)

    def offer_documents(self, chosen: str = "") -> None:
        """The knowledge bases that there are; `chosen` is taken."""
        if chosen:
            self._wanted = {**self._wanted, "knowledge": chosen}
            self._offered.discard("knowledge")
        self._offer("knowledge", [(Content(name), name) for name in store.names("knowledge")], only=False)
        self._show_paths()

    def _offer(self, name: str, options: list[tuple[Content, str]], only: bool = True) -> None:
        """Let a person choose among these, where the choice stays if it can. The only one there is, is chosen."""
        select = self.query_one(f"#{name}", Select)
        if name in self._offered:
            self._wanted = {**self._wanted, name: _value(select)}
        self._offered.add(name)
        values = [value for _title, value in options]
        wanted = draft_text(self._wanted, name)
        select.set_options(options)
        if wanted in values:
            select.value = wanted
        elif only and len(values) == 1:
            select.value = values[0]

    @on(Select.Changed, "#knowledge")
    def _show_paths(self) -> None:
        self.query_one("#paths").display = not _value(self.query_one("#knowledge", Select))

    def add_path(self, path: str) -> None:
        """One more path to answer from, in the place of a knowledge base."""
        self.query_one("#knowledge", Select).clear()
        self.query_one(PathInput).add(path)

    def texts(self) -> dict[str, str]:
        """What was typed and chosen, to be kept."""
        chosen = {name: _value(self.query_one(f"#{name}", Select)) for name in ("knowledge", "style", "from", "to")}
        typed = {entry.id or "": entry.value for entry in self.walk_children(Input)}
        return {name: text for name, text in (typed | chosen).items() if text}

    def request(self, mode: str) -> dict[str, Any]:
        """What the engine is to know for a mode; "paths" are yet to be read. Raises UserError."""
        texts = self.texts()
        if mode == "ask":
            if name := texts.get("knowledge"):
                return {"knowledge": str(store.find("knowledge", name))}
            return {"paths": absolute_paths(self.query_one(PathInput).paths())}
        if mode == "summarize":
            return {"words": _number(texts.get("words", "")), "style": texts["style"]}
        if mode == "translate":
            if "to" not in texts and not self._one_way_each():
                raise UserError(_("Choose the language to translate into: Shift+Tab goes there."))
            return {"from": texts.get("from"), "to": texts.get("to")}
        if mode == "classify":
            labels = [label.strip() for label in texts.get("labels", "").replace("，", ",").split(",")]
            labels = [label for label in labels if label]
            if len(labels) < 2 and (labels or "classify" not in (self._info.taught if self._info else {})):
                raise UserError(_("Name two labels at least, with a comma between them: Shift+Tab goes there."))
            return {"labels": labels}
        return {}


def _value(select: Select[Any]) -> str:
    return "" if select.value is Select.NULL else str(select.value)


def _languages(codes: Iterable[str]) -> list[tuple[Content, str]]:
    return [(Content(f"{code} {language_name(code)}"), code) for code in dict.fromkeys(codes)]


def _all_languages() -> list[tuple[Content, str]]:
    return _languages(sorted(NAMES, key=language_name))


def _number(text: str) -> int | None:
    if not text.strip():
        return None
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise UserError(_("{text} is no number of words: write one such as 50.").format(text=text))
    return number
