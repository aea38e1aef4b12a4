"""Many texts as bytes: what C does with them is what Python does with each."""

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newleaf.core.corpus import seen as seen_module
from newleaf.core.corpus import texts as texts_module
from newleaf.core.corpus.native import library
from newleaf.core.corpus.seen import SeenTexts
from newleaf.core.corpus.texts import Texts

some = st.lists(st.text(st.characters(exclude_categories=())), max_size=6)


@given(some)
@example([])
@example(["", "x" * 55, "y" * 56, "z" * 64, "中" * 1000, "\ud800"])
def test_texts_come_back_with_their_digests(found):
    texts = Texts.of(found)
    assert list(texts) == found == [texts[number] for number in range(len(texts))]
    high, low = texts.digests()
    for number, text in enumerate(found):
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        assert high[number] == int.from_bytes(digest[:8], "big") and low[number] == int.from_bytes(digest[8:16], "big")


@given(some, some)
def test_some_are_taken_put_together_and_replaced(ones, twos):
    both = Texts.joined([Texts.of(ones), Texts.of(twos)])
    assert list(both) == ones + twos
    some = both.where(slice(None, None, 2))
    packed, offsets = some.packed()
    assert bytes(packed).decode("utf-8", "surrogatepass") == "".join((ones + twos)[::2])
    assert offsets[-1] == len(packed)
    if len(both):
        assert list(both.with_these({0: "another"})) == ["another", *(ones + twos)[1:]]


def test_without_c_the_same_comes_out(monkeypatch):
    texts = Texts.of(["one", "", "三"]).where([0, 2])
    fast = [*(list(half) for half in texts.digests()), bytes(texts.packed()[0]), list(texts.packed()[1])]
    monkeypatch.setattr(texts_module, "library", lambda: None)
    assert fast == [*(list(half) for half in texts.digests()), bytes(texts.packed()[0]), list(texts.packed()[1])]


@pytest.mark.skipif(library() is None, reason="there was no C compiler when newleaf was installed")
def test_a_text_was_there_before_if_an_earlier_batch_has_it_and_not_a_later_one(tmp_path, monkeypatch):
    monkeypatch.setattr(seen_module, "PLACES", 1024)
    SeenTexts.make(tmp_path / "seen")
    one, another = SeenTexts(tmp_path / "seen"), SeenTexts(tmp_path / "seen")  # as two processes have it

    def before(table, batch, texts):
        return table.before(*Texts.of(texts).digests(), batch).tolist()

    assert before(one, 3, ["a", "b", "a"]) == [False, False, True]
    assert before(another, 5, ["b", "c"]) == [True, False]
    assert before(one, 2, ["b", "d"]) == [False, False]
    assert before(another, 4, ["b", "c"]) == [True, False]  # batch 5 had c, but comes later
    many = [f"text {number}" for number in range(5000)]
    assert not any(before(one, 6, many))  # they push each other out, and nothing else comes of it
