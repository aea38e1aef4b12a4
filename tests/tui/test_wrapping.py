"""Lines cut to a width: nothing is lost, no row is too wide, words stay whole where they can."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.tui.widgets.wrapping import width_of, wrap


def rows(line, width):
    return [line[begin:end] for begin, end in wrap(line, width)]


@pytest.mark.parametrize(
    ("line", "width", "cut"),
    [
        ("", 5, [""]),
        ("word", 5, ["word"]),
        ("two words", 5, ["two ", "words"]),
        ("a longer word here", 8, ["a longer ", "word ", "here"]),
        ("unbreakable", 4, ["unbr", "eaka", "ble"]),
        ("床前明月光", 6, ["床前明", "月光"]),
        ("床前明月，光", 8, ["床前明", "月，光"]),  # no comma at a beginning
        ("see 明月 now", 6, ["see 明", "月 now"]),
        ("a\tb", 5, ["a\t", "b"]),
    ],
)
def test_a_line_is_cut_where_one_would_cut_it(line, width, cut):
    assert rows(line, width) == cut


@given(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])), st.integers(4, 30))
def test_nothing_is_lost_and_nothing_too_wide(line, width):
    cut = rows(line, width)
    assert "".join(cut) == line
    assert all(width_of(row.rstrip(" ")) <= width for row in cut)
