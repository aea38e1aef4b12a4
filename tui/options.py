"""How the app is shown: what the command line takes, and what a person's settings keep. No Textual is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import UserError
from ..core.home import settings_path
from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import OptionsBase, fields, option
from ..core.settings import read_settings

THEMES = {
    "dark": N_("Dark colours"),
    "light": N_("Light colours"),
    "terminal": N_("The terminal's own colours"),
}


@dataclass(frozen=True)
class AppOptions(OptionsBase):
    """The options of `newleaf` without a command; each is a key of the settings too."""

    ascii: bool = option(False, N_("Draw borders, bars, charts and dots with ASCII characters alone."))
    no_mouse: bool = option(False, N_("Leave the mouse to the terminal, as for marking text."))
    theme: str = option("dark", N_("The colours: terminal are the 16 of the terminal."), choices=tuple(THEMES))
    link: str = option(
        "auto",
        N_("Send less to the terminal when the line to it is slow; auto takes SSH for slow."),
        choices=("auto", "fast", "slow"),
    )


def chosen_options(given: Mapping[str, Any] | None = None) -> tuple[AppOptions, list[str]]:
    """What was given, else what the settings say, else what is usual; and what is wrong with the settings."""
    try:
        settings = read_settings()
    except UserError as error:
        return AppOptions.from_mapping(given or {}), [str(error)]
    kept, wrong = {}, []
    for field in fields(AppOptions):
        if field.name not in settings:
            continue
        if field.takes(settings[field.name]):
            kept[field.name] = settings[field.name]
        else:
            sentence = _("{path}: {option} is {value}, and must be {expected}.")
            wrong.append(
                sentence.format(
                    path=settings_path(), option=field.name, value=settings[field.name], expected=field.expected()
                )
            )
    return AppOptions.from_mapping({**kept, **(given or {})}), wrong
