"""How the app is drawn: its theme, with or without colours, with all signs or with ASCII alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial

from rich.color import Color as RichColor
from rich.color import ColorSystem, ColorType
from rich.segment import Segment
from rich.style import Style
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.color import Color
from textual.filter import LineFilter, Monochrome, NoColor

from ..core.language import gettext as _
from ..core.settings import change_setting
from .link import link_of
from .only_ascii import OnlyAscii
from .only_text import OnlyText
from .options import THEMES, AppOptions, chosen_options
from .themes import OF_NAME, ON_LIGHT
from .widgets.chart import Chart

BLUE = RichColor.from_ansi(4)


class NoColours(LineFilter):
    """Takes all colours out of every line; what is marked, which TERMINAL has on blue, is reversed.

    Textual's NoColor asks the terminal for its usual colours over and over, and loses what is marked in a list.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without them."""
        return [Segment(text, style and colourless(style), control) for text, style, control in segments]


class SixteenColours(LineFilter):
    """Puts the nearest of the terminal's own colours in the place of any other."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments in those colours."""
        return [Segment(text, style and of_terminal(style), control) for text, style, control in segments]


@lru_cache(1024)
def of_terminal(style: Style) -> Style:
    """`style` in the terminal's own colours."""
    colours = (style.color, style.bgcolor)
    if not any(colour is not None and colour.type in (ColorType.TRUECOLOR, ColorType.EIGHT_BIT) for colour in colours):
        return style
    nearest = [colour and colour.downgrade(ColorSystem.STANDARD) for colour in colours]
    return style + Style(color=nearest[0], bgcolor=nearest[1])


@lru_cache(1024)
def colourless(style: Style) -> Style:
    """`style` without its colours; what a click there means stays."""
    return Style(
        bold=style.bold,
        dim=style.dim,
        italic=style.italic,
        underline=style.underline,
        reverse=style.bgcolor == BLUE or style.reverse,
        strike=style.strike,
        link=style.link,
        meta=style.meta or None,
    )


class DrawnApp(App[int]):
    """An app that is drawn as its options say."""

    def __init__(self, options: AppOptions | None = None) -> None:
        super().__init__()
        self.options = options or chosen_options()[0]
        self.link = link_of(self.options.link)
        self.ascii = self.options.ascii
        self.no_color = bool(os.environ.get("NO_COLOR"))  # Textual takes an empty one for a wish too
        self._only_text, self._only_ascii = OnlyText(), OnlyAscii()
        self._no_colours, self._sixteen_colours = NoColours(), SixteenColours()
        for theme in OF_NAME.values():
            self.register_theme(theme)
        self.ansi_theme_light = ON_LIGHT
        self.theme = OF_NAME["terminal" if self.no_color else self.options.theme].name

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's; one that takes colours away; one that lets no control character of a text through; signs."""
        mine: list[LineFilter] = [
            each for each in super().get_line_filters() if not isinstance(each, Monochrome | NoColor)
        ]
        mine += [self._no_colours] * self.no_color + [self._only_text] + [self._only_ascii] * self.ascii
        return mine

    @property
    def beat(self) -> float:
        """Seconds between two pieces of an answer on the screen."""
        return self.link.beat

    def get_key_display(self, binding: Binding) -> str:
        """How a key is called in the footer and in the help."""
        if self.ascii and not binding.key_display and binding.key in ("enter", "backspace", "up", "down"):
            return binding.key
        return super().get_key_display(binding)

    def choose_theme(self, name: str) -> None:
        """Show other colours from now on."""
        change_setting("theme", name)
        self.theme = OF_NAME[name].name

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
                if OF_NAME[name].name != self.theme:
                    yield SystemCommand(_(words), _("At once, and kept"), partial(self.choose_theme, name))
        words = _("All signs") if self.ascii else _("ASCII signs")
        yield SystemCommand(words, _("At once, and kept"), partial(self.choose_signs, not self.ascii))
