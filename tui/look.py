"""How the app is drawn: its theme, with or without colours, with all signs or with ASCII alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial

from rich.segment import Segment
from rich.style import Style
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.color import Color
from textual.filter import LineFilter, Monochrome, NoColor
from textual.theme import Theme

from ..core.language import gettext as _
from ..core.settings import change_setting
from .only_ascii import OnlyAscii
from .only_text import OnlyText
from .options import THEMES, AppOptions, chosen_options
from .widgets.chart import Chart

# Blue with white on it is seen on a light terminal and on a dark one; all else is the terminal's own.
TERMINAL = Theme(
    name="newleaf-terminal",
    ansi=True,
    dark=True,
    primary="ansi_blue",
    secondary="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    accent="ansi_cyan",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    variables={
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "border-blurred": "ansi_bright_black",
        "block-cursor-foreground": "ansi_bright_white",
        "block-cursor-background": "ansi_blue",
        "block-cursor-blurred-foreground": "ansi_default",
        "input-selection-background": "ansi_blue",
        "input-selection-foreground": "ansi_bright_white",
        "screen-selection-background": "ansi_blue",
        "screen-selection-foreground": "ansi_bright_white",
        "scrollbar": "ansi_blue",
        "scrollbar-hover": "ansi_blue",
        "scrollbar-active": "ansi_cyan",
        "scrollbar-background": "ansi_default",
        "scrollbar-corner-color": "ansi_default",
    },
)
OF_TEXTUAL = {"dark": "textual-dark", "light": "textual-light", "terminal": TERMINAL.name}


class NoColours(LineFilter):
    """Takes all colours out of every line. Textual's NoColor asks the terminal for its usual ones over and over."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without them."""
        return [Segment(text, style and colourless(style), control) for text, style, control in segments]


@lru_cache(1024)
def colourless(style: Style) -> Style:
    """`style` without its colours; what a click there means stays."""
    return Style(
        bold=style.bold,
        dim=style.dim,
        italic=style.italic,
        underline=style.underline,
        reverse=style.reverse,
        strike=style.strike,
        link=style.link,
        meta=style.meta or None,
    )


class DrawnApp(App[int]):
    """An app that is drawn as its options say."""

    def __init__(self, options: AppOptions | None = None) -> None:
        super().__init__()
        self.options = options or chosen_options()[0]
        self.ascii = self.options.ascii
        self.no_color = bool(os.environ.get("NO_COLOR"))  # Textual takes an empty one for a wish too
        self._only_text, self._only_ascii, self._no_colours = OnlyText(), OnlyAscii(), NoColours()
        self.register_theme(TERMINAL)
        self.theme = OF_TEXTUAL["terminal" if self.no_color else self.options.theme]

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's; one that takes colours away; one that lets no control character of a text through; signs."""
        mine: list[LineFilter] = [
            each for each in super().get_line_filters() if not isinstance(each, Monochrome | NoColor)
        ]
        mine += [self._no_colours] * self.no_color + [self._only_text] + [self._only_ascii] * self.ascii
        return mine

    def get_key_display(self, binding: Binding) -> str:
        """How a key is called in the footer and in the help."""
        if self.ascii and not binding.key_display and binding.key in ("enter", "backspace", "up", "down"):
            return binding.key
        return super().get_key_display(binding)

    def choose_theme(self, name: str) -> None:
        """Show other colours from now on."""
        change_setting("theme", name)
        self.theme = OF_TEXTUAL[name]

    def choose_signs(self, ascii: bool) -> None:  # noqa: A002
        """Draw with ASCII alone from now on, or with all signs."""
        change_setting("ascii", ascii)
        self.ascii = ascii
        for screen in self.screen_stack:
            for widget in screen.walk_children(with_self=True):
                if isinstance(widget, Chart):
                    widget.draw()
                widget.refresh()
        self.refresh_bindings()

    def look_commands(self) -> Iterable[SystemCommand]:
        """What the palette offers of these."""
        if not self.no_color:
            for name, words in THEMES.items():
                if OF_TEXTUAL[name] != self.theme:
                    yield SystemCommand(_(words), _("At once, and kept"), partial(self.choose_theme, name))
        words = _("All signs") if self.ascii else _("ASCII signs")
        yield SystemCommand(words, _("At once, and kept"), partial(self.choose_signs, not self.ascii))
