"""Simple methods: each answers as it says, in English and in Chinese."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.scores.baselines import Nearest, Rarity, Telling, lead, majority, mean_words, parts, retrieve
from newleaf.core.scores.tokens import joined, sentences


def test_the_commonest_label():
    assert majority(["good", "bad", "bad"]) == "bad"
    assert majority(["good", "bad"]) == "bad"  # the first in the alphabet


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("It costs 3.14 e.g. here. Next", ["It costs 3.14 e.g. here.", "Next"]),
        ('He said "go." Then he went.', ['He said "go."', "Then he went."]),
        ("一句话。第二句！“三？”四", ["一句话。", "第二句！", "“三？”", "四"]),
        ("A heading\n\nand text", ["A heading", "and text"]),
        ("", []),
    ],
)
def test_sentences(text, expected):
    assert sentences(text) == expected


def test_the_lead_is_as_long_as_a_summary():
    text = "A short one. Another with four words. The rest."
    assert lead(text, 2) == "A short"
    assert lead(text, 3) == "A short one."
    assert lead(text, 6) == "A short one."
    assert lead(text, 7) == "A short one. Another with four words."
    assert lead(text, 80) == text
    assert lead("今天下雨。明天晴。", 4) == "今天下雨"
    assert lead("今天下雨。明天晴。", 5) == "今天下雨。"
    assert lead("", 5) == ""


def test_the_mean_length():
    assert mean_words(["one two three", "一二三四五"]) == 4
    assert mean_words([]) == 1


CONTEXT = "Package: c2x\nSection: science\nThe code converts files. It was written by Michael Rutter in Cambridge."


def test_the_sentence_with_the_rare_words_of_the_question():
    assert parts(CONTEXT)[2:] == ["The code converts files.", "It was written by Michael Rutter in Cambridge."]
    rarity = Rarity(parts(CONTEXT)).of
    assert (
        retrieve("Who has written the code?", "the code the\nwritten", Rarity(["the code", "the", "code"]).of)
        == "written"
    )
    assert retrieve("What section is it in?", CONTEXT, rarity) == parts(CONTEXT)[3]  # "it" and "in", against "section"
    assert retrieve("Which section?", CONTEXT, rarity) == "Section: science"
    assert retrieve("谁写的？", "他住在北京。\n这本书是老舍写的。", rarity) == "这本书是老舍写的。"
    assert retrieve("Nothing in common", "First. Second.", rarity) == "First."
    assert retrieve("Anything?", "", rarity) == ""


def test_the_telling_words_of_a_question_are_learnt():
    def package(name, section):
        return f"Package: {name}\nSection: {section}\nMaintainer: J. Doe\nThe tool {name} does little."

    names = ["abc", "bcd", "cde"]
    telling = Telling((f"Which section is {name} in?", package(name, "science"), ["science"]) for name in names)
    assert telling
    assert telling.of("secti") > telling.of("unseen") > telling.of("abc") > 0
    assert retrieve("Which section is xyz in?", package("xyz", "fonts"), telling.of) == "Section: fonts"
    assert not Telling([("Which section?", package("abc", "science"), ["none of these", ""])])


def test_the_answer_to_the_most_similar_question():
    nearest = Nearest(
        ["What is Perl?", "What is the capital of France?", "法国的首都是哪里？"], ["a language", "Paris", "巴黎"]
    )
    assert nearest.answer("the capital of France") == "Paris"
    assert nearest.answer("Perl") == "a language"
    assert nearest.answer("德国的首都") == "巴黎"
    assert nearest.answer("xyz") == nearest.answer("") == ""


@given(st.text(), st.text(), st.integers(1, 9))
def test_any_text_will_do(one, two, words):
    assert isinstance(lead(one, words), str)
    assert isinstance(retrieve(one, two, Rarity([one, two]).of), str)
    assert isinstance(Nearest([one], [two]).answer(two), str)


def test_words_are_joined_as_their_script_does():
    assert joined(["安装", "GNOME", "shell", "。", "(", "see", "below", ")", "!"]) == "安装GNOME shell。(see below)!"
    assert joined(["设置", "、", "%s"]) == "设置、%s"
