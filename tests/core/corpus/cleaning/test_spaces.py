"""White space: tidied where no one sees it, kept where it means something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.cleaning.spaces import tidy_white_space


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("a  \t\nb\u3000\n  c", "a\nb\n  c"),
        ("a\n\n\n\nb\n\nc\nd", "a\n\nb\n\nc\nd"),
        ("a\n \n\u3000\n\t\nb", "a\n\nb"),
        ("\n\na\n", "a"),
        ("10\u00a0km\u202f!\u2003x", "10 km ! x"),
        ("李白\u3000靜夜思", "李白 靜夜思"),
    ],
)
def test_what_is_tidied(raw, cleaned):
    assert tidy_white_space(raw) == cleaned


@pytest.mark.parametrize(
    "text", ["def f():\n\treturn 1\n\n    x", "a  b\tc", "\u3000\u3000一个段落。\n\u3000\u3000又一个。", "  indented"]
)
def test_indentation_and_tables_stay(text):
    assert tidy_white_space(text) == text


def test_a_very_long_run_of_spaces_takes_no_time():
    assert tidy_white_space("a" + " " * 1_000_000 + "b \n") == "a" + " " * 1_000_000 + "b"


@given(text=st.text() | st.text(st.sampled_from("a \t\n\u3000\u00a0\u2003")))
def test_what_was_tidied_is_tidy(text):
    once = tidy_white_space(text)
    assert tidy_white_space(once) == once
    assert "\n\n\n" not in once and " \n" not in once and "\u00a0" not in once
