"""The first look at many texts: no step changes a text in which it saw nothing for that step."""

from hypothesis import example, given
from hypothesis import strategies as st

from newleaf.core.corpus.cleaning.cleaner import Cleaner
from newleaf.core.corpus.cleaning.look import ANYTHING, LONG, OTHERS, look
from newleaf.core.corpus.cleaning.options import CleaningOptions
from newleaf.core.corpus.cleaning.steps import STEPS

ODD = st.sampled_from(list(" \t\n\r\x0b\x00\x85\xa0\xad&;é„\u200b\u200d\u2028\u3000\ufeff\ue5e5中文🏴\U000e0067aZ1"))
texts = st.lists(st.text(st.one_of(ODD, st.characters()), max_size=12), max_size=6)


@given(texts)
@example(["a ", "b", "\n", "", "a\n\n\nb", "\u3000c", "d\u3000e", "\n f", "g\t\nh"])
@example(["&amp; so", "fÃ¼r", "\x92s", "ÖÐÎÄÖÐÎÄ", "\ue815中", "🏴\U000e0067\U000e007f", "\U0001f468\u200d"])
def test_a_step_that_is_passed_over_would_have_changed_nothing(found):
    for text, seen in zip(found, look(found), strict=True):
        for step in STEPS:
            if not seen & step.bit:
                assert step.make(CleaningOptions())(text) == text, step.name


@given(texts)
def test_a_text_is_cleaned_to_the_same_with_the_look_and_without(found):
    for preset in ("standard", "strict"):
        with_look, without = Cleaner(CleaningOptions(clean=preset)), Cleaner(CleaningOptions(clean=preset))
        for text, seen in zip(found, look(found), strict=True):
            assert with_look.clean(text, "x", seen) == without.clean(text, "x")
        assert with_look.tally == without.tally


def test_plain_text_is_not_suspected_and_long_text_is_of_anything():
    assert look(["Plain text,\n\nof two paragraphs.", "春眠不觉晓，\n处处闻啼鸟。"]) == [OTHERS, OTHERS]
    assert look(["a", "b" * (LONG + 1), "c "])[1] == ANYTHING
    assert look([]) == []
