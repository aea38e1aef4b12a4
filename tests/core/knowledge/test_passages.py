"""Documents are cut at paragraphs and sentences, headings stay with what follows, and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.knowledge.passages import MOST, cut, sentences, size_of

SENTENCE = "The heron stood in the shallow water for most of the morning, and nothing disturbed it. "
HAN = "苍鹭在浅水里站了大半个上午，没有什么东西惊动它。"


def passages(text):
    return [text[piece.start : piece.end] for piece in cut(text)]


def test_a_short_text_is_one_passage():
    assert passages("\n\n  One line.\n\nAnother one.\n") == ["One line.\n\nAnother one."]
    assert passages(" \n ") == []


def test_a_passage_ends_where_a_paragraph_does():
    paragraph = (SENTENCE * 4).strip()
    found = passages("\n\n".join([paragraph] * 9))
    assert found == ["\n\n".join([paragraph] * 2)] * 4 + [paragraph]


def test_a_long_paragraph_is_cut_between_sentences():
    found = passages(SENTENCE * 50)
    assert all(passage.endswith("disturbed it. ") or passage.endswith("disturbed it.") for passage in found)
    assert all(MOST / 2 < size_of(passage) <= MOST for passage in found[:-1])


def test_chinese_is_cut_between_sentences_at_some_hundred_characters():
    found = passages(HAN * 60)
    assert all(passage.endswith("。") for passage in found)
    assert all(250 <= len(passage) <= 420 for passage in found[:-1])


def test_a_sentence_that_is_too_long_is_cut_at_a_line_or_a_space():
    lines = "\n".join(f"value {number} of the table" for number in range(200))
    assert all(passage.startswith("value") for passage in passages(lines))
    words = " ".join(["word"] * 1000)
    assert all(set(passage.split()) == {"word"} for passage in passages(words))
    assert all(size_of(passage) <= MOST for passage in passages("x" * 5000))


def test_headings_stay_with_what_follows_and_are_told():
    text = (
        f"# Herons\n\n## Food\n{SENTENCE * 4}\n\n3.2. Where do they\nsleep?\n\n{SENTENCE * 4}\n\n"
        f"Enemies\n=======\n\n{SENTENCE * 4}\n\n第三章 苍鹭\n\n{HAN * 9}"
    )
    pieces = list(cut(text))
    assert [piece.heading for piece in pieces] == ["Food", "3.2. Where do they sleep?", "Enemies", "第三章 苍鹭"]
    assert text[pieces[0].start : pieces[0].end].startswith("# Herons\n\n## Food\nThe heron")
    assert text[pieces[1].start : pieces[1].end].startswith("3.2. Where")


def test_lines_of_a_list_or_a_dialogue_are_no_headings():
    text = "\n\n".join(["- Milk", "- Eggs", "- Flour", "Yes, he said.", "use strict;", "x = 1"]) + "\n\n" + SENTENCE
    assert {piece.heading for piece in cut(text)} == {""}


def test_sentences_of_wrapped_lines_are_whole():
    assert sentences("It began to\nrain. He went home.\n\n苍鹭站在\n水里。它在等。") == [
        "It began to rain.",
        "He went home.",
        "苍鹭站在水里。",
        "它在等。",
    ]


PIECES = st.sampled_from(
    ["a word ", "End. ", "Why? ", "\n", "\n\n", "# Head\n", "===\n", "- item\n", "苍鹭。", "\t", "x" * 700]
)


@given(st.one_of(st.lists(PIECES, max_size=60).map("".join), st.text(max_size=300)))
def test_no_text_is_lost_whatever_it_is(text):
    joined = "".join(passages(text))
    assert "".join(joined.split()) == "".join(text.split())
