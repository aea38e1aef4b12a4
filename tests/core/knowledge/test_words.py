"""Terms: what means the same is the same, however it is written."""

import pytest

from newleaf.core.knowledge.words import question_words, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Deleting files", "deleted file"),
        ("café", "CAFE"),
        ("計算機軟體", "计算机软体"),
        ("ＦＵＬＬ　ｗｉｄｔｈ", "full width"),
        ("don't", "don’t"),
        ("软件\n包管理", "软件包管理"),
    ],
)
def test_spellings_of_the_same_meet(one, other):
    assert words(one) == words(other)


def test_names_of_programs_are_found_by_their_parts():
    assert {"html", "parser", "read", "line"} <= set(words("HTMLParser read_line"))
    assert set(words("HTMLParser")) & set(question_words("html parser"))


def test_a_question_is_about_its_content_words():
    assert question_words("How do I delete a file?") == ["delet", "file"]
    assert question_words("怎么删除文件？")[:1] == ["删除"]
    assert question_words("What is it?") == ["what", "is", "it"]  # it has nothing else


def test_scripts_without_spaces_are_cut_in_pairs():
    assert words("テキスト") == ["テキ", "キス", "スト"]
