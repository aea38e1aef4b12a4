"""A corpus as numbers on disk: the documents, made once, and made anew when they would be others."""

import shutil

import numpy as np
import pytest

from newleaf.core.corpus.importing import import_documents
from newleaf.core.corpus.store import Corpus
from newleaf.core.progress import Cancelled
from newleaf.core.tokenizer.options import TokenizerOptions
from newleaf.core.tokenizer.special import BEGIN, END
from newleaf.core.tokenizer.token_files import encode_corpus
from newleaf.core.tokenizer.tokenizer import Tokenizer
from newleaf.core.tokenizer.training import train_tokenizer


@pytest.fixture
def corpus(book):
    return Corpus.open("book")


@pytest.fixture
def pieces(tokenizer):
    return Tokenizer.open("pieces")


def written(path):
    return {file.name: file.stat().st_mtime_ns for file in path.iterdir()}


def refuse(done, total, message="", **metrics):
    raise AssertionError("it is made again")


@pytest.mark.parametrize("split", ["train", "val"])
def test_they_hold_the_documents_between_a_begin_and_an_end(corpus, pieces, split):
    numbers = encode_corpus(corpus, pieces, "pieces").tokens(split)
    expected = [[BEGIN, *pieces.encode(text), END] for text in corpus.documents(split)]
    assert numbers.tolist() == [number for document in expected for number in document]
    assert pieces.decode(numbers) == "".join(corpus.documents(split))


def test_they_are_where_they_are_promised(corpus, pieces):
    files = encode_corpus(corpus, pieces, "pieces")
    assert files.path == corpus.path / "tokens" / "pieces"
    assert sorted(written(files.path)) == ["index.json", "train.bin", "val.bin"]
    assert (files.path / "train.bin").read_bytes() == files.tokens("train").tobytes()
    assert files.tokens("train").dtype == np.uint16


def test_the_index_counts(corpus, pieces):
    files = encode_corpus(corpus, pieces, "pieces")
    for split, counts in (("train", corpus.manifest.train), ("val", corpus.manifest.val)):
        index = files.index[split]
        assert index == {"documents": counts.documents, "bytes": counts.bytes, "tokens": len(files.tokens(split))}
        assert pieces.byte_lengths[files.tokens(split)].sum() == counts.bytes


def test_they_are_made_once(corpus, pieces):
    first = encode_corpus(corpus, pieces, "pieces")
    before = written(first.path)
    again = encode_corpus(corpus, pieces, "pieces", refuse)
    assert again == first and written(again.path) == before


def test_another_tokenizer_of_the_name_makes_them_anew(corpus, pieces):
    first = encode_corpus(corpus, pieces, "t")
    before = first.tokens("train").tolist()
    other = train_tokenizer(corpus, "other", TokenizerOptions(vocab_size=320))
    anew = encode_corpus(corpus, other, "t")
    assert anew.path == first.path and anew.tokens("train").tolist() != before
    assert other.decode(anew.tokens("train")) == "".join(corpus.documents("train"))


def test_token_files_of_another_corpus_are_not_taken(corpus, pieces):
    files = encode_corpus(corpus, pieces, "t")
    other = import_documents([(f"Another text, number {n}.", "x") for n in range(20)], "other")
    shutil.copytree(files.path, other.path / "tokens" / "t")
    assert pieces.decode(encode_corpus(other, pieces, "t").tokens("train")) == "".join(other.documents("train"))


def test_a_corpus_of_one_word_has_nothing_held_out(pieces):
    corpus = import_documents([("a", "x")], "c")
    files = encode_corpus(corpus, pieces, "t")
    assert files.tokens("train").tolist() == [BEGIN, *pieces.encode("a"), END]
    assert files.tokens("val").tolist() == [] and files.tokens("val").dtype == np.uint16


def test_a_large_vocabulary_has_four_bytes_a_number():
    every = "".join(map(chr, [*range(0x4E00, 0x9FFF), *range(0x20000, 0x2A6DF), *range(0xAC00, 0xD7A3)]))
    corpus = import_documents([(every[n::100], "x") for n in range(100)], "c")
    options = TokenizerOptions(type="char", vocab_size=80_000, character_coverage=1.0)
    tokenizer = train_tokenizer(corpus, "t", options)
    assert tokenizer.vocab_size > 1 << 16
    numbers = encode_corpus(corpus, tokenizer, "t").tokens("train")
    assert numbers.dtype == np.uint32 and numbers.max() >= 1 << 16
    assert tokenizer.decode(numbers) == "".join(corpus.documents("train"))


def test_when_it_is_cancelled_nothing_is_left_and_what_was_there_stays(corpus, pieces):
    def stop(done, total, message="", **metrics):
        raise Cancelled

    with pytest.raises(Cancelled):
        encode_corpus(corpus, pieces, "t", stop)
    assert list((corpus.path / "tokens").iterdir()) == []
    before = encode_corpus(corpus, pieces, "t")
    with pytest.raises(Cancelled):
        encode_corpus(corpus, train_tokenizer(corpus, "other", TokenizerOptions(vocab_size=320)), "t", stop)
    assert encode_corpus(corpus, pieces, "t", refuse) == before


def test_progress_ends_at_all_bytes(corpus, pieces):
    steps = []
    encode_corpus(corpus, pieces, "t", lambda done, total, message="", **metrics: steps.append((done, total)))
    assert steps[-1] == (corpus.manifest.total.bytes,) * 2
