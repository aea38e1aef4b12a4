"""A checklist of what a preset turns on and off, where each line can be turned the other way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class Switches(OptionList):
    """A line a switch: [x] or [ ], and * where it is not as the preset has it. Space turns it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "select", show=False)]
    DEFAULT_CSS = """
    Switches { height: auto; scrollbar-size-vertical: 0; }
    Switches > .option-list--option-highlighted { background: transparent; color: $foreground; text-style: none; }
    """

    class Changed(Message):
        """One was turned."""

    def __init__(
        self,
        names: Sequence[str],
        preset: Callable[[str], bool],
        start: Mapping[str, bool],
        *,
        shown: Callable[[str], str] = str,
        starred: bool = True,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
    ):
        """`preset` tells whether a switch is on where nothing is said; `start` are those of which something is.

        `shown` is how a name is written; without `starred` there is no *.
        """
        super().__init__(name=name, id=id, markup=False, compact=True)
        self.names = list(names)
        self._preset = preset
        self._shown, self._starred = shown, starred
        self._said = {name: value for name, value in start.items() if name in self.names}

    def on_mount(self) -> None:
        """Show all."""
        self._said = {name: value for name, value in self._said.items() if value != self._preset(name)}
        self.styles.height = len(self.names)
        self.add_options(Option(self._line(name)) for name in self.names)
        self.highlighted = 0 if self.names else None

    def show_preset(self, preset: Callable[[str], bool]) -> None:
        """Another preset holds where nothing is said."""
        self._preset = preset
        self._said = {name: value for name, value in self._said.items() if value != preset(name)}
        for index, name in enumerate(self.names):
            self.replace_option_prompt_at_index(index, self._line(name))

    def said(self) -> dict[str, bool]:
        """Those that are not as the preset has them."""
        return dict(self._said)

    def names_on(self) -> list[str]:
        """The names of those that are on."""
        return [name for name in self.names if self.is_on(name)]

    def is_on(self, name: str) -> bool:
        """Whether it is on."""
        return self._said.get(name, self._preset(name))

    def name_at(self, index: int | None) -> str | None:
        """The name of the switch on a line."""
        return self.names[index] if index is not None and index < len(self.names) else None

    def _line(self, name: str) -> Content:
        text = f"[{'x' if self.is_on(name) else ' '}] {self._shown(name)}"
        return Content.styled(f"{text} *", "bold") if self._starred and name in self._said else Content(text)

    @on(OptionList.OptionSelected)
    def _turn(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        name = self.names[event.option_index]
        if name in self._said:
            del self._said[name]
        else:
            self._said[name] = not self._preset(name)
        self.replace_option_prompt_at_index(event.option_index, self._line(name))
        self.post_message(self.Changed())

    def watch_highlighted(self, highlighted: int | None) -> None:
        """Keep the line in sight: what scrolls is around the list."""
        super().watch_highlighted(highlighted)
        if highlighted is not None and self.has_focus and self.parent is not None:
            region = self.virtual_region
            line = Region(region.x, region.y + highlighted, region.width, 1)
            self.parent.scroll_to_region(line, animate=False)  # type: ignore[attr-defined]
