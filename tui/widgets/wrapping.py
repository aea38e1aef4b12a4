"""Lines of text, cut to the width of a screen: at spaces where there are some, between two wide characters anywhere."""

from __future__ import annotations

from rich.cells import cell_len, get_character_cell_size

TAB = 4  # columns
# What must not begin a line, in Chinese and Japanese typesetting.
CLOSING = frozenset("，。、；：？！）】》」』’”…%,.;:?!)]}")


def wrap(line: str, width: int) -> list[tuple[int, int]]:
    """Where each row of `line`, which has no line end, begins and ends: none is wider than `width` columns.

    A space at which a row ends belongs to it, though it may stand outside of the screen.
    """
    if len(line) <= width and line.isascii() and "\t" not in line:
        return [(0, len(line))]
    rows: list[tuple[int, int]] = []
    begin = column = 0
    breakable = -1  # the last place at which a row may end
    for place, character in enumerate(line):
        size = cell_size(character)
        if column + size > width and place > begin:
            if character == " ":
                breakable = place + 1
                column += 1
                continue
            end = breakable if breakable > begin else place
            rows.append((begin, end))
            begin, breakable = end, -1
            column = sum(map(cell_size, line[begin:place]))
        column += size
        if character in " \t" or (size == 2 and line[place + 1 : place + 2] not in CLOSING):
            breakable = place + 1
    rows.append((begin, len(line)))
    return rows


def cell_size(character: str) -> int:
    """Columns of a character."""
    return TAB if character == "\t" else get_character_cell_size(character)


def shown(text: str) -> str:
    """A part of a line as it is drawn."""
    return text.replace("\t", " " * TAB)


def width_of(text: str) -> int:
    """Columns of a part of a line."""
    return cell_len(shown(text))
