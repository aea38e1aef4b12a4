"""The list of all commands, which is searched by what a command is called and by what it does."""

from __future__ import annotations

from rich.align import Align
from rich.text import Text
from textual.command import CommandList, CommandPalette, Hit, Hits
from textual.system_commands import SystemCommandsProvider
from textual.widgets.option_list import Option

from ..core.language import gettext as _

OF_WORDS = 0.5  # what it does counts less than what it is called


class Commands(SystemCommandsProvider):
    """Textual's own look at the titles alone."""

    async def search(self, query: str) -> Hits:
        """Those that match, the best first."""
        matcher = self.matcher(query)
        for title, words, callback, *_rest in self.app.get_system_commands(self.screen):
            match = max(matcher.match(title), OF_WORDS * matcher.match(words))
            if match > 0:
                yield Hit(match, matcher.highlight(title), callback, help=words)


class Palette(CommandPalette):
    """Textual says in English that nothing was found."""

    def __init__(self) -> None:
        super().__init__([Commands], placeholder=_("Search for a command"), id="--command-palette")

    def _start_no_matches_countdown(self, search_value: str) -> None:  # a private name of Textual's, held by a test
        def tell() -> None:
            if search_value:
                words = Align.center(Text(_("No command has these words.")))
                self.query_one(CommandList).add_option(Option(words, disabled=True, id=self._NO_MATCHES))
            self._list_visible = bool(search_value)

        self._stop_no_matches_countdown()
        self._no_matches_timer = self.set_timer(self._NO_MATCHES_COUNTDOWN, tell)
