"""Options of a tokenizer: what they do to it, and what they cannot be."""

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.importing import import_documents
from newleaf.core.corpus.store import Corpus, schema, write_shard
from newleaf.core.errors import UserError
from newleaf.core.tokenizer.learning import explained
from newleaf.core.tokenizer.options import TYPES, TokenizerOptions
from newleaf.core.tokenizer.special import CONTROL, UNKNOWN
from newleaf.core.tokenizer.store import TokenizerInfo
from newleaf.core.tokenizer.training import train_tokenizer

kinds = pytest.mark.parametrize("kind", TYPES)
SYMBOLS = ["<think>", "a b", "12", "好的", "x" * 40, ",", "🦊", "\r\n"]


def train(name="t", **options):
    made = TokenizerOptions(**{"vocab_size": 400, **options})
    return train_tokenizer(Corpus.open("book"), name, made), TokenizerInfo.open(name).report


@kinds
def test_symbols_are_one_piece_wherever_they_stand(book, kind):
    tokenizer, report = train(type=kind, symbol=SYMBOLS)
    assert report["symbol"] == SYMBOLS
    for symbol in SYMBOLS:
        (number,) = tokenizer.encode(symbol)
        for text in (f"go {symbol} on", f"x{symbol}y", symbol * 3, f"{symbol}\n"):
            numbers = tokenizer.encode(text)
            assert number in numbers and tokenizer.decode(numbers) == text
            assert numbers.count(number) == text.count(symbol)


@pytest.fixture(scope="module")
def with_symbols(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(tmp_path_factory.mktemp("home")))
        corpus = import_documents([(f"Chapter {n}. The fox saw {n} geese. " * 5, "x") for n in range(40)], "c")
        return {
            kind: train_tokenizer(corpus, kind, TokenizerOptions(type=kind, vocab_size=360, symbol=SYMBOLS))
            for kind in TYPES
        }


@given(text=st.text() | st.lists(st.sampled_from([*SYMBOLS, "▁", " ", "\n", "a"])).map("".join))
@kinds
def test_with_symbols_too_every_text_comes_back(with_symbols, kind, text):
    tokenizer = with_symbols[kind]
    assert tokenizer.decode(tokenizer.encode(text)) == text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("symbol", ["", *CONTROL, "<0x41>", "\n", "\t", "a▁b", "a\0", "\ud800"])
def test_symbols_that_cannot_be(symbol):
    with pytest.raises(UserError, match="--symbol"):
        TokenizerOptions(symbol=["fine", symbol])


def test_a_symbol_is_given_once():
    with pytest.raises(UserError, match="'x' is given twice"):
        TokenizerOptions(symbol=["x", "y", "x"])


@kinds
def test_digits_stand_alone_unless_they_need_not(kind):
    import_documents([("Anno 1984 was not 1984 at all, was it, in 1984? " * 5 + "x" * n, "x") for n in range(40)], "c")
    alone = train_tokenizer(Corpus.open("c"), "a", TokenizerOptions(type=kind, vocab_size=400))
    assert len(alone.encode("1984")) == 4
    together = train_tokenizer(Corpus.open("c"), "b", TokenizerOptions(type=kind, vocab_size=400, split_digits=False))
    if kind != "char":
        assert len(together.encode(" 1984")) == 1
    assert together.decode(together.encode("1984 and 2525")) == "1984 and 2525"


@kinds
def test_without_bytes_what_has_no_piece_is_lost_and_that_is_told(book, kind):
    tokenizer, report = train(type=kind, byte_fallback=False)
    assert not tokenizer.is_byte.any() and report["lossless"] is False
    assert any("Text may be lost" in remark for remark in report["remarks"])
    numbers = tokenizer.encode("好")
    assert UNKNOWN in numbers and "好" not in tokenizer.decode(numbers)
    if kind != "word":
        assert tokenizer.decode(tokenizer.encode("The language")) == "The language"


def test_without_bytes_there_is_room_for_a_smaller_vocabulary(book):
    tokenizer, _report = train(vocab_size=300, byte_fallback=False)
    assert tokenizer.vocab_size == 300 and len(tokenizer.encode("the language of the")) < 15


def test_normalisation_makes_one_of_what_means_the_same(book):
    tokenizer, report = train(normalization="nfkc")
    assert tokenizer.decode(tokenizer.encode("\ufb01ve \u2460\n\tｘ  y")) == "five 1\n\tx  y"
    assert report["lossless"] is False and any("nfkc" in remark for remark in report["remarks"])


def test_transformers_normalises_alike(book, tmp_path):
    from transformers import AutoTokenizer

    tokenizer, _report = train(normalization="nfkc", symbol=["<think>", "a b"])
    for name, content in tokenizer.hugging_face_files.items():
        (tmp_path / name).write_bytes(content)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    for text in ("\ufb01ve \u2460 languages", "a\nb\tc", "x<think>y a b"):
        assert theirs.encode(text, add_special_tokens=False) == tokenizer.encode(text)


@kinds
def test_transformers_knows_no_bytes_either_where_there_are_none(book, tmp_path, kind):
    from transformers import AutoTokenizer

    tokenizer, _report = train(type=kind, byte_fallback=False)
    if kind == "word":
        assert set(tokenizer.hugging_face_files) == {"tokenizer.model"}
        return
    for name, content in tokenizer.hugging_face_files.items():
        (tmp_path / name).write_bytes(content)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    for text in ("The language 好 and more", "好好"):
        assert theirs.encode(text, add_special_tokens=False) == tokenizer.encode(text)


def test_thousands_of_characters_take_half_of_the_vocabulary_unless_they_are_asked_for():
    han = "".join(map(chr, range(0x4E00, 0x4E00 + 2500)))
    documents = [(han[n : n + 200] * 2 + "狐狸看见了鹅。" * 40, "x") for n in range(0, 2500, 50)]
    corpus, shares, bytes_of = import_documents(documents, "han"), [], {}
    for name, coverage in (("auto", "auto"), ("all", 1.0)):
        options = TokenizerOptions(vocab_size=3000, character_coverage=coverage)
        tokenizer = train_tokenizer(corpus, name, options, lambda done, total, *_more: shares.append(done / total))
        bytes_of[name] = sum(len(data.decode("utf-8", "ignore")) == 1 for data in tokenizer.token_bytes)
        assert tokenizer.decode(tokenizer.encode(han)) == han
        if name == "auto":
            assert shares == sorted(shares)
            assert "different characters" in TokenizerInfo.open(name).report["remarks"][0]
    assert bytes_of["auto"] < 1700 and bytes_of["all"] > 2500


def test_a_vocabulary_needs_room_for_what_is_always_there():
    with pytest.raises(UserError, match=r"--vocab-size is 300.*take 319 alone\. Choose 335 or more"):
        TokenizerOptions(vocab_size=300, symbol=[f"<{n}>" for n in range(40)])


@pytest.mark.parametrize("value", ["automatic", "", None, 299, 2.5, True])
def test_a_size_is_a_number_or_auto(value):
    with pytest.raises(UserError, match="auto, or a whole number from 300"):
        TokenizerOptions(vocab_size=value)


def test_what_was_kept_before_there_was_more_to_say_is_read():
    old = {"vocab_size": 8000, "type": "unigram", "character_coverage": 0.9995}
    options = TokenizerOptions.from_mapping(old)
    assert (options.vocab_size, options.byte_fallback, options.symbol) == (8000, True, [])
    assert TokenizerOptions.from_mapping(options.as_dict()) == options
    assert TokenizerOptions.from_mapping(TokenizerOptions().as_dict()).vocab_size == "auto"


def test_of_a_larger_corpus_a_sample_is_learnt_from():
    documents = [(f"Document {n} tells of geese and foxes number {n * 7919}. " * 40, "x") for n in range(1500)]
    corpus = import_documents(documents, "large")
    train_tokenizer(corpus, "t", TokenizerOptions(vocab_size=400, sample=1_000_000))
    report = TokenizerInfo.open("t").report
    assert 700_000 < report["learnt_bytes"] < 1_300_000 < corpus.manifest.train.bytes
    assert any(remark.startswith("Learnt from a sample: ") for remark in report["remarks"])
    assert report["counted_bytes"] <= report["learnt_bytes"]


@pytest.mark.parametrize("text", ["", "\0\0"])
@pytest.mark.parametrize("vocab_size", ["auto", 400])
@kinds
def test_a_corpus_of_nothing_that_can_be_learnt(kind, text, vocab_size):
    corpus = import_documents([("text", "x"), ("more text", "x")], "nothing")
    table = pyarrow.table([[text], ["x"], ["train"]], schema=schema())
    write_shard(corpus.path / corpus.manifest.shards[0], iter([table]))
    with pytest.raises(UserError, match="nothing has no text to learn from"):
        train_tokenizer(Corpus.open("nothing"), "t", TokenizerOptions(type=kind, vocab_size=vocab_size))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("INTERNAL: x.cc(467) [!sentences_.empty()] "), "no text to learn from"),
        (RuntimeError("std::bad_alloc"), "--sample 50MB"),
        (MemoryError(), "--sample 50MB"),
        (RuntimeError("Vocabulary size too high (9). Please set it to a value <= 7."), "7 pieces only"),
        (RuntimeError("smaller than required_chars. 200 vs 320."), "larger --vocab-size"),
        (RuntimeError("INTERNAL: <x> is already defined. duplicated"), "--symbol '<x>'"),
        (
            RuntimeError("INTERNAL: src/trainer.cc(12) [a == b] strange."),
            r"strange\)\. Try another --type",
        ),
    ],
)
def test_errors_of_sentencepiece_have_words_that_help(error, words):
    import re

    assert re.search(words, explained(error, "c"))
    assert ".cc(" not in explained(error, "c")
