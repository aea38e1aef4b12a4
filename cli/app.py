"""`newleaf` without a command, or `newleaf app`: the app."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from ..core.language import gettext as _
from ..tui.link import link_of
from ..tui.options import AppOptions, chosen_options
from .arguments import ArgumentParser, given_values
from .main import WRONG_USAGE


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _("Open the app. What is chosen with the keys there is kept; what is given here is not.")
    parser.add_options(AppOptions)
    parser.set_defaults(run=_open)


def _open(parsed: Namespace) -> int:
    if "TEXTUAL_DRIVER" not in os.environ and not is_terminal():  # with it, a browser is served: `newleaf --web`
        print(_("newleaf: the app needs a terminal. For commands see: newleaf --help"), file=sys.stderr)
        return WRONG_USAGE
    options, wrong = chosen_options(given_values(AppOptions, parsed))
    os.environ.setdefault("TEXTUAL_FPS", str(link_of(options.link).frames))  # before Textual is imported
    from ..tui.app import run_app

    return run_app(options, wrong)


def is_terminal() -> bool:
    """Whether a person sits before it, and it knows more than lines."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
