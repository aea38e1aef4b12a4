"""Pictures of a terminal put together into one that moves: an SVG that any browser plays, without a script."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEAD = re.compile(r"<svg[^>]*viewBox=\"0 0 ([\d.]+) ([\d.]+)\"[^>]*>")
_FONTS = re.compile(r"@font-face\s*{[^}]*}")  # of a server elsewhere: whoever looks at the picture would ask it


def animate(frames: Sequence[tuple[str, float]]) -> str:
    """One picture from several SVGs of Textual's, each shown for so many seconds, again and again."""
    whole = sum(seconds for _svg, seconds in frames)
    width, height = _HEAD.search(frames[0][0]).groups()  # type: ignore[union-attr]
    styles, groups, begin = [], [], 0.0
    for number, (svg, seconds) in enumerate(frames):
        first, last = 100 * begin / whole, 100 * (begin + seconds) / whole
        begin += seconds
        hidden = "0% { visibility: hidden; } " if number else ""
        styles.append(
            f"@keyframes f{number} {{ {hidden}{first:.3f}% {{ visibility: visible; }} "
            f"{last:.3f}%, 100% {{ visibility: hidden; }} }}\n"
            f"#f{number} {{ animation: f{number} {whole:g}s step-end infinite; }}"
        )
        body = _FONTS.sub("", svg[_HEAD.search(svg).end() : svg.rindex("</svg>")])  # type: ignore[union-attr]
        body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
        body = re.sub(r">\s+<", "><", body.strip())
        still = ' visibility="hidden"' if number else ""  # where nothing moves, the first one is seen
        groups.append(f'<g id="f{number}"{still}>{body}</g>')
    style = "\n".join(styles)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">\n'
        f"<style>\n{style}\n</style>\n" + "\n".join(groups) + "\n</svg>\n"
    )
