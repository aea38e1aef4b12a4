"""Where documents end: nothing is lost, whatever the text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.cleaning import STANDARD, clean
from newleaf.core.corpus.documents import ENOUGH, MODES, MOST, split_documents

texts = st.lists(st.text(alphabet="ab 。.\n好", max_size=400), max_size=60).map("".join)
long_texts = st.lists(
    st.sampled_from(["word " * 300, "字。" * 700, "\n", "\n\n", "x" * 9000, "end.\n"]), max_size=30
).map("".join)


@given(text=st.one_of(texts, long_texts), mode=st.sampled_from(MODES))
def test_all_text_is_in_the_documents_in_its_order(text, mode):
    documents = list(split_documents(text.splitlines(keepends=True), mode))
    assert re.sub(r"\s", "", "".join(documents)) == re.sub(r"\s", "", text)
    assert all(document.strip() for document in documents)


@given(text=long_texts)
def test_no_document_is_much_longer_than_the_most(text):
    pieces = [text[i : i + 60_000] for i in range(0, len(text), 60_000)]
    lines = [line for piece in pieces for line in piece.splitlines(keepends=True)]
    longest = max(map(len, lines), default=0)
    assert all(len(document) <= MOST + longest + 200 for document in split_documents(lines))


def test_a_blank_line_ends_a_document_when_there_is_enough():
    chapter = "A sentence of a book.\n" * (ENOUGH // 20)
    assert len(list(split_documents([*chapter.splitlines(True), "\n", *chapter.splitlines(True)]))) == 2


def test_modes():
    lines = ["one\n", "two\n", "\n", "three\n"]
    assert list(split_documents(lines, "line")) == ["one\n", "two\n", "three\n"]
    assert list(split_documents(lines, "paragraph")) == ["one\ntwo\n", "three\n"]
    assert list(split_documents(lines, "file")) == ["one\ntwo\n\nthree\n"]


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("e\u0301", "é"),
        ("a\0b\x07c\ufeffd", "abcd"),
        ("a  \t\nb\u3000\n", "a\nb"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("tab\tstays, joiner \u200d too", "tab\tstays, joiner \u200d too"),
    ],
)
def test_cleaning(raw, cleaned):
    assert clean(raw) == cleaned


@given(text=st.text())
def test_cleaning_twice_changes_nothing_more(text):
    once = clean(text)
    assert clean(once) == once
    assert len(STANDARD) == len({step.name for step in STANDARD})
