"""The keys at the bottom, in two lines where they need them: none is cut off where the terminal is narrow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

MOST = 2  # lines; what does not fit is in the help, whose key is always there


@dataclass(frozen=True)
class Key:
    """One of them, as it is shown."""

    key: str
    shown: str
    words: str
    action: str
    enabled: bool = True

    @property
    def width(self) -> int:
        """The cells that it takes, with a space before, between and behind."""
        return cell_len(f" {self.shown} {self.words} ")


class Keys(Widget):
    """All keys that make sense now, drawn as one: Textual's own footer makes a widget of each anew at every change."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"keys--key", "keys--words"}
    DEFAULT_CSS = """
    Keys {
        dock: bottom; height: 1; background: $footer-background;
        .keys--key { color: $footer-key-foreground; background: $footer-key-background; text-style: bold; }
        .keys--words { color: $footer-description-foreground; background: $footer-description-background; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[Key] = []
        self._lines: list[list[Key]] = []

    def on_mount(self) -> None:
        """Hear of every change."""
        self.screen.bindings_updated_signal.subscribe(self, self._look)

    def on_resize(self) -> None:
        """Break the lines anew."""
        self._break()

    def _look(self, screen: Screen[object]) -> None:
        if self.is_attached and screen is self.screen and self.app.app_focus:
            keys = _keys_of(screen)
            if keys != self._keys:
                self._keys = keys
                self._break()

    def _break(self) -> None:
        keys, width = list(self._keys), self.app.size.width
        while len(lines := _lines(keys, width)) > MOST and len(keys) > 1:
            keys.remove(next(key for key in reversed(keys) if not key.action.endswith("help")))
        if lines != self._lines:
            self._lines = lines
            self.styles.height = len(lines)  # said so: one that Textual asks for can be that of an earlier moment
            self.refresh()

    def render(self) -> RenderResult:
        key_style, words_style = self.get_visual_style("keys--key"), self.get_visual_style("keys--words")
        rows = []
        for line in self._lines:
            row = Content("")
            for key in line:
                dim = Style() if key.enabled else Style(dim=True)
                row += Content.assemble((f" {key.shown} ", key_style + dim), (f"{key.words} ", words_style + dim))
            rows.append(row)
        return Content("\n").join(rows)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A click does what the key does."""
        cell = 0
        for key in self._lines[event.y] if event.y < len(self._lines) else []:
            cell += key.width
            if event.x < cell:
                if key.enabled:
                    self.app.simulate_key(key.key)
                else:
                    self.app.bell()
                return


def _keys_of(screen: Screen[object]) -> list[Key]:
    """Those that are shown, the first of each action."""
    found: dict[str, Key] = {}
    for _node, binding, enabled, _tooltip in screen.active_bindings.values():
        if binding.show and binding.action not in found:
            shown = screen.app.get_key_display(binding)
            found[binding.action] = Key(binding.key, shown, binding.description, binding.action, enabled)
    return list(found.values())


def _lines(keys: list[Key], width: int) -> list[list[Key]]:
    """The keys, as many in a line as fit."""
    lines: list[list[Key]] = [[]]
    room = width
    for key in keys:
        if lines[-1] and key.width > room:
            lines.append([])
            room = width
        lines[-1].append(key)
        room -= key.width
    return lines
