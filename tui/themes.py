"""The colours to choose from: Textual's dark ones, light ones with more contrast than Textual's, the terminal's own."""

from __future__ import annotations

from rich.terminal_theme import TerminalTheme
from textual.theme import BUILTIN_THEMES, Theme

DARK = BUILTIN_THEMES["textual-dark"]
LIGHT = Theme(
    name="newleaf-light",
    dark=False,
    primary="#004578",
    secondary="#0178d4",
    warning="#9a5b00",
    error="#ba3c5b",
    success="#2f7d32",
    accent="#9a5b00",
    background="#f0f0f0",
    surface="#e8e8e8",
    panel="#dcdcdc",
    variables={"text-disabled": "#666666", "footer-key-foreground": "#004578"},
)
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
        "block-cursor-blurred-text-style": "underline",
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
OF_NAME = {"dark": DARK, "light": LIGHT, "terminal": TERMINAL}
# What the names of colours mean on light ground: of the lines of charts, most of all.
ON_LIGHT = TerminalTheme(
    (240, 240, 240),
    (20, 20, 20),
    [
        (0, 0, 0),
        (170, 55, 49),
        (45, 105, 25),
        (135, 92, 0),
        (50, 92, 192),
        (122, 62, 157),
        (0, 104, 140),
        (255, 255, 255),
    ],
)
