"""The first look at many texts: no step changes a text in which it saw nothing for that step."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newleaf.core.corpus.cleaning import look as look_module
from newleaf.core.corpus.cleaning.cleaner import Cleaner
from newleaf.core.corpus.cleaning.look import ANYTHING, COMPOSED, LONG, OTHERS, VISIBLE, look, look_at
from newleaf.core.corpus.cleaning.options import CleaningOptions
from newleaf.core.corpus.cleaning.steps import STEPS
from newleaf.core.corpus.code_points import code_points
from newleaf.core.corpus.native import library
from newleaf.core.corpus.texts import Texts

ODD = st.sampled_from(
    list(" \t\n\r\x0b\x00\x85\xa0\xad&;é„\u200b\u200d\u2028\u3000\ufeff\ue5e5\u0301\u0327")
    + list("\u1112\u1161\u11ab\u09bf\u09be\u2126中文🏴\U000e0067aZ1")
)
texts = st.lists(st.text(st.one_of(ODD, st.characters()), max_size=12), max_size=6)


@given(texts)
@example(["a ", "b", "\n", "", "a\n\n\nb", "\u3000c", "d\u3000e", "\n f", "g\t\nh"])
@example(["&amp; so", "fÃ¼r", "\x92s", "ÖÐÎÄÖÐÎÄ", "\ue815中", "🏴\U000e0067\U000e007f", "\U0001f468\u200d"])
def test_a_step_that_is_passed_over_would_have_changed_nothing(found):
    for text, seen in zip(found, look(found), strict=True):
        for step in STEPS:
            if not seen & step.bit:
                assert step.make(CleaningOptions())(text) == text, step.name


def test_every_pair_of_characters_that_would_be_composed_is_seen():
    pairs = ["".join(chr(int(part, 16)) for part in parts) for parts in _decompositions()]
    assert len(pairs) > 900
    for pair, seen in zip(pairs, look(pairs), strict=True):
        assert seen & COMPOSED or unicodedata.is_normalized("NFC", pair), pair
    marks = [chr(code) for code in range(0x110000) if unicodedata.combining(chr(code))]
    disordered = [f"a{first}{second}" for first in marks[::7] for second in marks[::11]]
    for text, seen in zip(disordered, look(disordered), strict=True):
        assert seen & COMPOSED or unicodedata.is_normalized("NFC", text), text


def _decompositions():
    for code in range(0x110000):
        parts = unicodedata.decomposition(chr(code)).split()
        if parts and not parts[0].startswith("<"):
            yield parts


@given(texts)
def test_a_text_is_cleaned_to_the_same_with_the_look_and_without(found):
    for preset in ("standard", "strict"):
        with_look, without = Cleaner(CleaningOptions(clean=preset)), Cleaner(CleaningOptions(clean=preset))
        for text, seen in zip(found, look(found), strict=True):
            assert with_look.clean(text, "x", seen) == without.clean(text, "x")
        assert with_look.tally == without.tally


@pytest.mark.skipif(library() is None, reason="there was no C compiler when newleaf was installed")
@given(st.lists(st.text(st.one_of(ODD, st.characters()), max_size=12), min_size=1, max_size=6))
@example(["x", "\n\ny", "z\n", "\n", ""])
def test_c_and_numpy_see_the_same(found):
    seen, characters = look_at(Texts.of(found))
    assert seen.tolist() == (look_module._look_with_numpy(*code_points(found)) | OTHERS).tolist()
    assert characters.tolist() == list(map(len, found))
    assert [bool(bits & VISIBLE) for bits in seen] == [not text.isspace() and text != "" for text in found]


def test_plain_text_is_not_suspected_and_long_text_is_of_anything():
    assert look(["Plain text,\n\nof two paragraphs.", "春眠不觉晓，\n处处闻啼鸟。"]) == [OTHERS, OTHERS]
    assert look(["a", "b" * (LONG + 1), "c "])[1] == ANYTHING
    assert look([]) == []
