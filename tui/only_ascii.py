"""For terminals and readers that know ASCII alone: signs in the place of borders, bars, dots, arrows and pictures.

A filter of lines sees what is drawn, and not whose it is. So it touches no letter, and no mark of punctuation but the
dots that stand for something left out or between two things; each sign has the width of what it stands for.
"""

from __future__ import annotations

import re

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

# Runs that are laid over each other are told apart by the first six.
_SIGNS = {"─": "-", "╌": "~", "┄": ":", "┈": ".", "═": "#", "━": "="}
_SIGNS |= dict.fromkeys("╍┅┉╴╶╸╺╼╾", "=") | dict.fromkeys("│┃┆┇┊┋║╎╏╵╷╹╻╽╿", "|") | {"╱": "/", "╲": "\\", "╳": "x"}
_SIGNS |= dict.fromkeys("▁▂▃▄", "_") | dict.fromkeys("▔▀", "-") | dict.fromkeys("▏▎▍▌▐▕", "|")
_SIGNS |= {"░": ".", "▒": ":", "▓": "%"}
_SIGNS |= dict.fromkeys("▲△▴▵", "^") | dict.fromkeys("▼▽▾▿", "v") | dict.fromkeys("▶▷▸▹►▻‣", ">")
_SIGNS |= dict.fromkeys("◀◁◂◃◄◅", "<") | dict.fromkeys("○◌◎◯⭘", "o") | dict.fromkeys("■▪◼", "#") | {"◐": "/"}
_SIGNS |= {"✓": "v", "✔": "v", "✗": "x", "✘": "x", "•": "*", "⭑": "*"}
_SIGNS |= {"⏎": "$", "⇥": ">", "⌫": "<", "␡": "?", "\ufffd": "?"}  # what cannot be seen in a text
_SIGNS |= (
    dict.fromkeys("←⇐⇠⟵", "<") | dict.fromkeys("→⇒⇢⟶", ">") | dict.fromkeys("↑⇑⇡", "^") | dict.fromkeys("↓⇓⇣", "v")
)
_SIGNS |= {"🖼": "#", "🔎": "? ", "📁": "> ", "📂": "v ", "📄": "- ", "◽": "##", "◾": "##"}  # most are two cells wide

_RANGES = (  # what has no sign of its own, from and to, and the sign of them all
    (0x2190, 0x21FF, ">"),  # arrows
    (0x2400, 0x243F, "?"),  # pictures of control characters
    (0x2500, 0x257F, "+"),  # corners and crossings
    (0x2580, 0x259F, "#"),  # blocks
    (0x25A0, 0x25FF, "*"),  # geometric shapes
)


def shape(dots: int) -> str:
    """The character that comes nearest to the dots of a braille character, given as its bits."""
    rows = [(bool(dots & left), bool(dots & right)) for left, right in ((1, 8), (2, 16), (4, 32), (64, 128))]
    used = [row for row, (left, right) in enumerate(rows) if left or right]
    if not used:
        return " "
    if len(used) == 1:
        return "`-._"[used[0]] if used[0] else ("'" if rows[0][1] and not rows[0][0] else "`")
    lefts = [row for row, (left, _right) in enumerate(rows) if left]
    rights = [row for row, (_left, right) in enumerate(rows) if right]
    if lefts and rights:
        middle = sum(lefts) / len(lefts) - sum(rights) / len(rights)
        return "/" if middle >= 1 else "\\" if middle <= -1 else "|" if len(used) > 2 else "-"
    return "|"


_TABLE: dict[int, str] = {number: sign for first, last, sign in _RANGES for number in range(first, last + 1)}
_TABLE |= {0x2800 + dots: shape(dots) for dots in range(256)}
_TABLE |= {ord(character): sign for character, sign in _SIGNS.items()}

# A dot between two Chinese names stays; one that stands between two things, or for a space, does not. So do the two
# ellipses of a Chinese sentence.
_DOT = re.compile(r"(?<![^\x00-\x7f·])·|·(?![^\x00-\x7f·])")
_CUT = re.compile("(?<!…)…(?!…)")
_DEGREES = re.compile("°(?=C\\b)")


class OnlyAscii(LineFilter):
    """Puts ASCII signs in the place of ornaments in every line of every widget, just before it is drawn."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments with signs."""
        if all(segment.text.isascii() for segment in segments):
            return segments
        return [Segment(ascii_signs(text), style, control) for text, style, control in segments]


def ascii_signs(text: str) -> str:
    """`text` with ASCII signs for its ornaments, in as many cells."""
    if text.isascii():
        return text
    return _DEGREES.sub(" ", _CUT.sub("~", _DOT.sub(".", text.translate(_TABLE))))
