"""A form made from a dataclass of options: a line a field, and the explanation of the one in focus below."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Label, Select, Static

from ...core.errors import UserError
from ...core.language import gettext as _
from ...core.language import sentences
from ...core.options import OptionField, OptionsBase, fields

Options = TypeVar("Options", bound=OptionsBase)

MOST_PROBLEMS = 3  # that are said at once


class Form(Vertical, Generic[Options]):
    """Edits the options of a class, or those of them that are `shown`. `make` gives them checked.

    `labels` are for options whose flags are long; `split` cuts what was typed where there may be several; `unset`
    stands where nothing was typed and the option has no usual value: automatic.
    """

    DEFAULT_CSS = """
    Form { height: 1fr; }
    Form VerticalScroll { height: 1fr; }
    Form .row { height: 1; }
    Form .row Label { width: 20; color: $text-muted; }
    Form .row Input, Form .row Select { width: 1fr; }
    Form .explanation { height: auto; max-height: 4; color: $text-muted; padding: 0 0 0 0; }
    """

    def __init__(
        self,
        options: type[Options],
        values: Mapping[str, str] | None = None,
        *,
        shown: Callable[[str], bool] | None = None,
        labels: Mapping[str, str] | None = None,
        split: Callable[[str], list[str]] | None = None,
        unset: str = "",
        id: str | None = None,  # noqa: A002
    ):
        super().__init__(id=id)
        self.options = options
        self.labels = labels or {}
        self.split = split
        self.unset = unset or _("automatic")
        self.fields = {field.name: field for field in fields(options) if shown is None or shown(field.name)}
        self.start = {name: text for name, text in (values or {}).items() if isinstance(text, str)}

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=False):
            for field in self.fields.values():
                with Horizontal(classes="row"):
                    yield Label(self.labels.get(field.name) or field.flag.removeprefix("--"), markup=False)
                    yield self._editor(field)
        yield Static("", classes="explanation", markup=False)

    def _editor(self, field: OptionField) -> Input | Select[str]:
        start = self.start.get(field.name)
        if field.choices:
            choices = [(Content(choice), choice) for choice in field.choices]
            chosen = start if start in field.choices else field.default
            if chosen is None:
                return Select(choices, prompt=self.unset, allow_blank=True, compact=True, name=field.name)
            return Select(choices, value=chosen, allow_blank=False, compact=True, name=field.name)
        entry = Input(start or "", placeholder=self._shown(field, field.default), compact=True, name=field.name)
        entry.cursor_blink = False
        return entry

    def _shown(self, field: OptionField, value: Any) -> str:
        if value in (None, "", [], {}):
            return self.unset if value is None else ""
        return field.show(value) if field.kind or field.type is bool else str(value)

    def show_defaults(self, values: Mapping[str, Any]) -> None:
        """Show what holds where nothing is typed; what is not in `values` has its usual default."""
        for entry in self.query(Input):
            field = self.fields[entry.name or ""]
            entry.placeholder = self._shown(field, values.get(field.name, field.default))

    @on(events.DescendantFocus)
    def _explain(self, event: events.DescendantFocus) -> None:
        field = self.fields.get(event.widget.name or "")
        if field:
            several = _("In this form: with spaces between them.") if field.several and self.split is not None else ""
            self.query_one(".explanation", Static).update(sentences(_(field.description), several))

    def texts(self) -> dict[str, str]:
        """What was typed or chosen, as it is; what was left alone is not in it."""
        typed = {entry.name or "": entry.value for entry in self.walk_children(Input) if entry.value.strip()}
        for choice in self.walk_children(Select):
            field = self.fields[choice.name or ""]
            if choice.value is not Select.NULL and choice.value != field.default:
                typed[field.name] = str(choice.value)
        return typed

    def set(self, name: str, text: str) -> None:
        """Type `text` into the field of an option, or choose it. Raises UserError."""
        field = self.fields.get(name)
        if field is None:
            raise UserError(
                _("There is no {name}. There are: {names}.").format(name=name, names=", ".join(self.fields))
            )
        if text or field.choices:
            self._checked(field, text)
        for entry in self.query(Input):
            if entry.name == name:
                entry.value = text
        for choice in self.query(Select):
            if choice.name == name:
                choice.value = text

    def make(self) -> Options:
        """The options. Raises UserError with all that is wrong."""
        return self.options.from_mapping(self.values())

    def values(self) -> dict[str, Any]:
        """What was typed or chosen, each by itself as it has to be. Raises UserError with all that is wrong."""
        values: dict[str, Any] = {}
        problems = []
        for name, text in self.texts().items():
            field = self.fields[name]
            try:
                values[name] = self._checked(field, text)
            except UserError as error:
                problems.append(str(error))
        if len(problems) > MOST_PROBLEMS:
            left = len(problems) - MOST_PROBLEMS
            problems[MOST_PROBLEMS:] = [_("Wrong besides: {number}.").format(number=left)]
        if problems:
            raise UserError(sentences(*problems))
        return values

    def _checked(self, field: OptionField, text: str) -> Any:
        """What an option is to be. Raises UserError where it cannot be that."""
        value = self._parse(field, text)
        if not field.takes(value):
            raise UserError(field.complaint(text))
        return value

    def _parse(self, field: OptionField, text: str) -> Any:
        if field.several and self.split is not None:
            return [value for part in self.split(text) for value in field.parse(part)]
        return field.parse(text if field.several else text.strip())


def split_words(text: str) -> list[str]:
    """The words of `text`; one with a space in it is quoted. Raises UserError for a quotation mark alone."""
    try:
        return shlex.split(text)
    except ValueError:
        raise UserError(_("A quotation mark is missing in {text}.").format(text=text)) from None
