"""What is said of a tokenizer, of two side by side, and of single pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.importing import import_documents
from newleaf.core.corpus.store import Corpus
from newleaf.core.tokenizer.comparison import compare
from newleaf.core.tokenizer.options import TokenizerOptions
from newleaf.core.tokenizer.report import RARE, counts, held_out_text
from newleaf.core.tokenizer.search import find_pieces
from newleaf.core.tokenizer.special import CONTROL, WHITE_SPACE
from newleaf.core.tokenizer.store import TokenizerInfo
from newleaf.core.tokenizer.tokenizer import Tokenizer
from newleaf.core.tokenizer.training import train_tokenizer


@pytest.fixture
def pieces(tokenizer):
    return Tokenizer.open("pieces")


def test_pieces_are_counted_in_the_text_they_were_learnt_from(book):
    tokenizer = train_tokenizer(Corpus.open("book"), "t", TokenizerOptions(vocab_size=1000, symbol=["<think>"]))
    report = TokenizerInfo.open("t").report
    texts = list(Corpus.open("book").documents("train"))
    seen = counts(tokenizer, texts)
    assert seen.sum() == sum(len(tokenizer.encode(text)) for text in texts)
    others = {*CONTROL, *WHITE_SPACE, "<think>"}
    learnt = [n for n in range(1000) if not tokenizer.is_byte[n] and tokenizer.piece(n) not in others]
    rare = [n for n in learnt if seen[n] < RARE]
    assert report["learnt_pieces"] == len(learnt) and report["rare_pieces"] == len(rare) > 0
    assert report["vocabulary_used"] == pytest.approx(sum(seen[n] > 0 for n in learnt) / len(learnt), abs=1e-4)
    for example in report["rare_examples"]:
        assert example["id"] in rare and example["count"] == seen[example["id"]]
        assert example["text"] == tokenizer.piece(example["id"])
    longest = max(len(tokenizer.piece(n)) for n in learnt)
    assert len(report["longest_pieces"][0]["text"]) == longest
    assert report["counted_bytes"] == report["learnt_bytes"] == Corpus.open("book").manifest.train.bytes


def test_each_script_has_its_own_rate():
    import_documents(
        [("The fox saw the geese. " * 20 + "狐狸看见了鹅。" * 20 + "Лиса " * n, "x") for n in range(60)], "c"
    )
    train_tokenizer(Corpus.open("c"), "t", TokenizerOptions(vocab_size=400))
    scripts = {entry["script"]: entry for entry in TokenizerInfo.open("t").report["scripts"]}
    assert {"latin", "cjk", "cyrillic"} <= set(scripts)
    assert scripts["cjk"]["bytes_per_token"] >= 3 and scripts["latin"]["bytes_per_token"] >= 1
    assert sum(entry["share"] for entry in scripts.values()) == pytest.approx(1, abs=1e-2)


def test_words_of_a_text_without_spaces_are_told_to_be_clauses():
    import_documents([("狐狸看见了鹅。" * 5 + f"第{n}章", "x") for n in range(60)], "c")
    train_tokenizer(Corpus.open("c"), "t", TokenizerOptions(type="word", vocab_size=400))
    assert any("no spaces: its words are whole clauses" in text for text in TokenizerInfo.open("t").report["remarks"])


def test_two_are_compared_on_the_same_text(book, pieces):
    other = train_tokenizer(Corpus.open("book"), "other", TokenizerOptions(vocab_size=1000))
    texts, split = held_out_text(Corpus.open("book"))
    found = compare(("pieces", pieces), ("other", other), texts)
    assert split == "val" and found.bytes == sum(len(text.encode()) for text in texts)
    for side, tokenizer in ((found.first, pieces), (found.second, other)):
        assert side.pieces == tokenizer.vocab_size
        assert side.tokens == sum(len(tokenizer.encode(text)) for text in texts)
        assert side.bytes_per_token == pytest.approx(found.bytes / side.tokens, abs=1e-3)
    same = {data for data in pieces.token_bytes if data} & {data for data in other.token_bytes if data}
    assert found.in_common == len(same) > 256
    assert found.second.tokens < found.first.tokens
    for example in found.examples:
        assert len(example.first) != len(example.second) and "".join(example.first) == example.text
    assert found.as_dict()["first"]["name"] == "pieces"


def test_a_tokenizer_is_no_different_from_itself(book, pieces):
    found = compare(("a", pieces), ("b", pieces), ["The language", ""])
    assert found.examples == [] and found.first.tokens == found.second.tokens


@given(st.lists(st.text(), max_size=4))
def test_any_text_can_be_compared(comparable, texts):
    found = compare(("a", comparable), ("b", comparable), texts)
    assert found.bytes == sum(len(text.encode("utf-8", "replace")) for text in texts)


@pytest.fixture(scope="module")
def comparable(prepared):
    return Tokenizer.at(prepared / "tokenizers" / "pieces")


def test_pieces_are_found_the_nearest_first(pieces):
    found = find_pieces(pieces, "the")
    assert found[0].text.strip() == "the" and all("the" in piece.text.lower() for piece in found)
    assert [pieces.token_bytes[piece.id] for piece in found] == [piece.bytes for piece in found]
    every = [n for n in range(pieces.vocab_size) if "the" in pieces.piece(n).lower()]
    assert sorted(piece.id for piece in found) == every
    assert find_pieces(pieces, "the", limit=1) == found[:1]
    assert find_pieces(pieces, "no piece has this") == []


def test_bytes_and_control_symbols_are_found_by_their_names(pieces):
    assert [piece.bytes for piece in find_pieces(pieces, "<0xE4>")] == [b"\xe4"]
    assert [piece.text for piece in find_pieces(pieces, "<|user|>")] == ["<|user|>"]
