"""Tokenizers lose nothing: any text comes back byte for byte."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newleaf.core.corpus.importing import import_documents
from newleaf.core.corpus.store import Corpus
from newleaf.core.tokenizer.options import TYPES, TokenizerOptions
from newleaf.core.tokenizer.special import BEGIN, END, RESERVED, ROLES
from newleaf.core.tokenizer.store import TokenizerInfo
from newleaf.core.tokenizer.token_files import encode_corpus
from newleaf.core.tokenizer.tokenizer import Tokenizer
from newleaf.core.tokenizer.training import train_tokenizer

TEXT = [
    (f"Chapter {n}\n\nThe fox saw {n} geese\tand 好多鹅。 It ran away, again and again. " * 3, "x") for n in range(120)
]


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    """One of each type."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(tmp_path_factory.mktemp("tokenizers")))
        corpus = import_documents(TEXT, "c")
        return {kind: train_tokenizer(corpus, kind, TokenizerOptions(type=kind, vocab_size=360)) for kind in TYPES}


@given(text=st.text())
@example("\u2581 \u2581\u2581x")
@example(" leading,  double, trailing ")
@example("\r\n\0\x07\t\n\n\n")
@example("🦊👩‍👩‍👧 𝔘𝔫𝔦𝔠𝔬𝔡𝔢")
@example("<s></s><pad><|user|><0x41>")
@pytest.mark.parametrize("kind", TYPES)
def test_any_text_comes_back(tokenizers, kind, text):
    tokenizer = tokenizers[kind]
    numbers = tokenizer.encode(text)
    assert tokenizer.decode(numbers) == text.encode("utf-8", "replace").decode()
    assert tokenizer.byte_lengths[numbers].sum() == len(text.encode("utf-8", "replace"))
    assert all(tokenizer.token_bytes[number] for number in numbers)  # no control symbol is ever typed


@pytest.mark.parametrize("kind", TYPES)
def test_documents_together_are_encoded_as_alone(tokenizers, kind):
    texts = ["The fox", "", "好多鹅", " \u2581 "]
    together = tokenizers[kind].encode_documents(texts, threads=2)
    assert [list(numbers) for numbers in together] == [tokenizers[kind].encode(text) for text in texts]


def test_control_symbols_have_numbers_and_no_bytes(tokenizers):
    tokenizer = tokenizers["bpe"]
    silent = [number for number, data in enumerate(tokenizer.token_bytes) if not data]
    assert len(silent) == 4 + len(ROLES) + len(RESERVED)
    assert {BEGIN, END} <= set(silent)


def test_a_vocabulary_that_is_too_large_becomes_the_largest_possible():
    corpus = import_documents(TEXT, "c")
    tokenizer = train_tokenizer(corpus, "t", TokenizerOptions(vocab_size=90_000))
    report = TokenizerInfo.open("t").report
    assert report["vocab_size"] == tokenizer.vocab_size < 90_000 == report["requested_vocab_size"]
    assert any(str(tokenizer.vocab_size) in remark for remark in report["remarks"])


def test_too_many_characters_for_a_vocabulary_are_spelled_in_bytes():
    characters = "".join(map(chr, range(0x4E00, 0x4E00 + 2000)))
    corpus = import_documents([(characters * 2, "a"), (characters[::-1], "b"), ("The fox. " * 50, "c")], "c")
    tokenizer = train_tokenizer(corpus, "t", TokenizerOptions(vocab_size=400))
    assert tokenizer.vocab_size <= 400
    assert tokenizer.decode(tokenizer.encode(characters)) == characters
    assert TokenizerInfo.open("t").report["remarks"]


def test_token_files_hold_the_documents(book, tokenizer):
    corpus, pieces = Corpus.open("book"), Tokenizer.open("pieces")
    files = encode_corpus(corpus, pieces, "pieces")
    for split in ("train", "val"):
        numbers = files.tokens(split)
        assert numbers.dtype == np.uint16
        texts = "".join(corpus.documents(split))
        assert pieces.decode(numbers) == texts
        assert (numbers == BEGIN).sum() == (numbers == END).sum() == sum(1 for _ in corpus.documents(split))


def test_token_files_are_made_once_and_anew_for_another_tokenizer(book, tokenizer):
    corpus = Corpus.open("book")
    path = encode_corpus(corpus, Tokenizer.open("pieces"), "t").path / "train.bin"
    before = path.stat().st_mtime_ns
    encode_corpus(corpus, Tokenizer.open("pieces"), "t")
    assert path.stat().st_mtime_ns == before
    other = train_tokenizer(corpus, "other", TokenizerOptions(vocab_size=350))
    encode_corpus(corpus, other, "t")
    assert path.stat().st_mtime_ns != before


@pytest.mark.slow
def test_real_poems(real_text, tmp_path):
    import gzip

    text = gzip.decompress(real_text("tang-poems.txt.gz").read_bytes()).decode()[:1_000_000]
    corpus = import_documents([(poem, "tang") for poem in text.split("\n\n")], "tang")
    tokenizer = train_tokenizer(corpus, "tang", TokenizerOptions(vocab_size=4000))
    assert all(tokenizer.decode(tokenizer.encode(poem)) == poem for poem in list(corpus.documents("val"))[:200])
    assert TokenizerInfo.open("tang").report["bytes_per_token"] > 2.5
