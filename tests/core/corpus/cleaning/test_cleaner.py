"""Cleaning as a whole: presets, switches, and what is counted."""

import json
import pickle

import pytest

from newleaf.core.corpus.cleaning.cleaner import Cleaner
from newleaf.core.corpus.cleaning.options import CleaningOptions
from newleaf.core.errors import UserError


def test_all_steps_together():
    assert Cleaner().clean("\ufeffOne \r\n\r\n \r\n\r\nTwo\x07 cafe\x07\u0301\r\n") == "One\n\nTwo café"


def test_changes_are_counted_by_the_text_and_step():
    cleaner = Cleaner()
    for text in ("a\r\nb\r\nc", "a\r\nb \n", "plain"):
        cleaner.clean(text)
    steps = cleaner.tally.steps
    assert steps["line_ends"].changed == 2 and steps["white_space"].changed == 1 and steps["invisible"].changed == 0
    assert cleaner.tally.texts == cleaner.tally.kept == 3


def test_a_blank_text_is_left_out():
    assert Cleaner().clean("") is None and Cleaner().clean(" \n\t") is None


def test_a_tally_travels_between_processes_and_into_json():
    cleaner = Cleaner()
    cleaner.clean("a\r\nb", "book.txt")
    tally = pickle.loads(pickle.dumps(cleaner.tally))
    assert tally == cleaner.tally
    example = json.loads(json.dumps(tally.as_dict()))["steps"]["line_ends"]["examples"][0]
    assert example == {"source": "book.txt", "before": "a\r\nb", "after": "a\nb", "reason": ""}


def test_an_unknown_language_is_a_mistake():
    with pytest.raises(UserError, match="--languages is klingon"):
        CleaningOptions(languages=["en", "klingon"])
