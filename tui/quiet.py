"""Screens that draw no more than what has changed."""

from __future__ import annotations

from typing import Any

from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget


class QuietFocus:
    """Mix-in, before Textual's screen, which is drawn whole whenever the focus moves: its widgets show it anyway."""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)


class MainScreen(QuietFocus, Screen[Any]):
    """The one with the tabs."""
