"""Sentences in several scripts; put together they are the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.sentences import join_sentences, split_sentences

PIECES = st.sampled_from(
    [
        *("A fox", " came", ".", "!", "?", '"', "”", ")", " ", "  ", "\n", "\n\n", "\r\n", "\t", "a", "Z"),
        *("狐狸", "来了", "。", "！", "？”", "…", "；", "Mr.", "e.g.", "3.14", "U.S.", "\u3000", "\u2028"),
    ]
)


@given(text=st.lists(PIECES, max_size=30).map("".join) | st.text())
def test_put_together_they_are_the_text(text):
    found = split_sentences(text)
    assert "".join(sentence + after for sentence, after in found) == text
    assert all(not after or after.isspace() for _sentence, after in found)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("He said “No.” Then he left.", ["He said “No.”", "Then he left."]),
        ("Version 3.14 is here. It works.", ["Version 3.14 is here.", "It works."]),
        ("Mr. Fox met Dr. Goose, e.g. at noon. They spoke.", ["Mr. Fox met Dr. Goose, e.g. at noon.", "They spoke."]),
        (
            "They met. Mr. Fox spoke (cf. Fig. 3). E. B. White wrote.",
            ["They met.", "Mr. Fox spoke (cf. Fig. 3).", "E. B. White wrote."],
        ),
        ("It cost 3 francs. no more", ["It cost 3 francs. no more"]),
        ("狐狸来了。它说：“好！”然后走了……真的？", ["狐狸来了。", "它说：“好！”", "然后走了……", "真的？"]),
        ("A title\nA line.\n\nAnother", ["A title", "A line.", "Another"]),
        ("", []),
        ("no end", ["no end"]),
    ],
)
def test_where_they_end(text, sentences):
    assert [sentence for sentence, _after in split_sentences(text)] == sentences


def test_a_long_text_takes_a_time_in_proportion():
    text = "Mr. A. B. Fox came. " * 20_000
    assert len(split_sentences(text)) == 20_000


@pytest.mark.parametrize(
    ("sentences", "text"),
    [
        (["It rains.", "", "It pours."], "It rains. It pours."),
        (["春天到了。", "花开了。"], "春天到了。花开了。"),
        (["春天到了。", "Spring is here.", "花开了。"], "春天到了。 Spring is here. 花开了。"),
        ([], ""),
    ],
)
def test_sentences_are_put_together_as_their_script_has_it(sentences, text):
    assert join_sentences(sentences) == text
