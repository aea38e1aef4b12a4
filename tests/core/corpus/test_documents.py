"""Where documents end: nothing is lost, whatever the text."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newleaf.core.corpus.documents import ENOUGH, MODES, MOST, REMAINDER, split_documents

texts = st.lists(st.text(alphabet="ab 。.\n好", max_size=400), max_size=60).map("".join)
long_texts = st.lists(
    st.sampled_from(["word " * 300, "字。" * 700, "\n", "\n\n", "x" * 9000, "end.\n", " \n", "y" * 65_000]), max_size=30
).map("".join)


def split(text, mode="auto"):
    return list(split_documents(text.splitlines(keepends=True), mode))


def written(text):
    return re.sub(r"\s", "", text)


@given(text=st.one_of(texts, long_texts), mode=st.sampled_from(MODES))
@example("x" * 30_000, "auto")
def test_all_text_is_in_the_documents_in_its_order(text, mode):
    documents = split(text, mode)
    assert written("".join(documents)) == written(text)
    assert all(document.strip() for document in documents)


@given(text=long_texts)
def test_documents_are_of_a_useful_length(text):
    documents = split(text)
    longest = max(map(len, text.splitlines(keepends=True)), default=0)
    assert all(len(document) <= MOST + longest + REMAINDER for document in documents)
    if len(documents) > 1:
        assert all(len(document.strip()) >= REMAINDER for document in documents)


@pytest.mark.parametrize("mode", MODES)
def test_without_text_there_are_no_documents(mode):
    assert split("", mode) == split("\n \n\t\n", mode) == []


def test_modes():
    text = "one\ntwo\n\n \nthree\n"
    assert split(text, "line") == ["one\n", "two\n", "three\n"]
    assert split(text, "paragraph") == ["one\ntwo\n", "three\n"]
    assert split(text, "file") == [text]
    assert split(text, "auto") == [text]


def test_a_blank_line_ends_a_document_when_there_is_enough():
    chapter = "A sentence of a book.\n" * (ENOUGH // 20)
    assert split(f"{chapter}\n{chapter}") == [f"{chapter}\n", chapter]


def test_a_blank_line_ends_no_document_before():
    verse = "A sentence of a book.\n" * 10
    assert split(f"{verse}\n{verse}") == [f"{verse}\n{verse}"]


def test_a_short_end_stays_with_what_is_before_it():
    chapter = "A sentence of a book.\n" * (ENOUGH // 20)
    assert split(f"{chapter}\nThe end.\n") == [f"{chapter}\nThe end.\n"]


def test_without_blank_lines_the_end_of_a_line_does():
    line = "word " * 200 + "\n"
    documents = split(line * 100)
    assert len(documents) > 3 and all(document.endswith("\n") for document in documents)


@pytest.mark.parametrize("sentence", ["字" * 40 + "。", "A few words of a sentence. ", '"Who is there?" '])
def test_without_lines_the_end_of_a_sentence_does(sentence):
    text = sentence * (6 * MOST // len(sentence))
    parts = [text[start : start + 10_001] for start in range(0, len(text), 10_001)]  # as a long line comes
    documents = list(split_documents(parts))
    assert len(documents) > 3 and "".join(documents) == text
    assert all(document.endswith(sentence) for document in documents)


def test_without_sentences_the_end_of_a_word_does():
    text = "word " * MOST
    documents = list(split_documents(text[start : start + 10_001] for start in range(0, len(text), 10_001)))
    assert len(documents) > 3 and "".join(documents) == text
    assert all(document.endswith("word ") for document in documents)


def test_lines_are_taken_one_after_the_other():
    taken = []

    def lines():
        for n in range(100):
            taken.append(n)
            yield "word " * 300 + "\n\n"
            yield "\n"

    next(split_documents(lines()))
    assert len(taken) < 10  # a file may be larger than the memory


def test_real_poems_end_at_blank_lines(real_text):
    import gzip

    text = gzip.decompress(real_text("tang-poems.txt.gz").read_bytes()).decode()[:100_000]
    poems = split(text, "paragraph")
    assert poems == [f"{poem}\n" for poem in text.split("\n\n")[:-1]] + [text.split("\n\n")[-1]]
