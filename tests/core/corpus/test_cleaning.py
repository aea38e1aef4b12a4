"""Cleaning: small steps, each of which does what it says and no more."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newleaf.core.corpus.cleaning import STANDARD, clean

STEPS = {step.name: step for step in STANDARD}


@pytest.mark.parametrize(
    ("step", "raw", "cleaned"),
    [
        ("line_ends", "a\r\nb\rc\nd\u2028e\u2029f\x0bg\x0ch\x85i", "a\nb\nc\nd\ne\nf\ng\nh\ni"),
        ("line_ends", "a\r\r\nb", "a\n\nb"),
        ("unicode", "e\u0301 \u1100\u1161 \u212b", "é 가 Å"),
        ("unicode", "ﬁ Ａ ①", "ﬁ Ａ ①"),  # what looks different stays different
        ("invisible", "a\0b\x07c\ufeffd\x7fe\x1b[1m", "abcde[1m"),
        ("invisible", "tab\tand\nline, joiner \u200d, não\u00ad", "tab\tand\nline, joiner \u200d, não\u00ad"),
        ("trailing_space", "a  \t\nb\u3000\n  c", "a\nb\n  c"),
        ("trailing_space", "a  b\tc", "a  b\tc"),
        ("blank_lines", "a\n\n\n\nb\n\nc\nd", "a\n\nb\n\nc\nd"),
        ("blank_lines", "\n\na\n", "a"),
    ],
)
def test_each_step(step, raw, cleaned):
    assert clean(raw, (STEPS[step],)) == cleaned


def test_all_steps_together():
    assert clean("\ufeffOne \r\n\r\n \r\n\r\nTwo\x07 cafe\x07\u0301\r\n") == "One\n\nTwo café"


def test_what_is_clean_stays_as_it_is():
    text = "  def f():\n\treturn '🦊👩‍👧'\n\nन्‍य — “said”"
    changes = Counter()
    assert clean(text, changes=changes) == text
    assert not changes


def test_changes_are_counted_by_the_text_and_step():
    changes = Counter()
    for text in ("a\r\nb\r\nc", "a\r\nb \n", "plain"):
        clean(text, changes=changes)
    assert changes["line_ends"] == 2 and changes["trailing_space"] == 1 and changes["invisible"] == 0


def test_every_step_is_described():
    assert len(STEPS) == len(STANDARD)
    assert all(step.description for step in STANDARD)


@given(text=st.text() | st.text(st.sampled_from("e\u0301\x07\0 \t\r\n\u3000\ufeff\u2028a")))
@example("e\x07\u0301")
@example("a \x07\n\n \x00\n\n\nb")
def test_what_was_cleaned_is_clean(text):
    once = clean(text)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert "\r" not in once and "\0" not in once and "\n\n\n" not in once and " \n" not in once


@given(text=st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"])))
def test_letters_figures_and_signs_are_never_lost(text):
    assert clean(text) == unicodedata.normalize("NFC", text)
