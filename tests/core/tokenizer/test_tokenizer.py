"""Tokenizers lose nothing: any text comes back byte for byte."""

import gzip
import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newleaf.core.corpus.importing import import_documents, import_files
from newleaf.core.errors import UserError
from newleaf.core.tokenizer.options import TYPES, TokenizerOptions
from newleaf.core.tokenizer.sentencepiece import SentencePieceTokenizer
from newleaf.core.tokenizer.special import BEGIN, END, PADDING, RESERVED, ROLES, UNKNOWN, WHITE_SPACE
from newleaf.core.tokenizer.store import TokenizerInfo
from newleaf.core.tokenizer.tokenizer import Tokenizer
from newleaf.core.tokenizer.training import train_tokenizer

PROSE = [
    (f"Chapter {n}\n\nThe fox saw {n} geese\tand 好多鹅。 It ran away, again and again. " * 3, "x") for n in range(120)
]
ODD = [("x  y   z \u2581 a\u2581\u2581b  \n\n  indented\t\tcode <s> <|user|> 🦊  " * n, "x") for n in range(1, 20)]
CONTROL = {UNKNOWN: "<unk>", BEGIN: "<s>", END: "</s>", PADDING: "<pad>"}

kinds = pytest.mark.parametrize("kind", TYPES)


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    """One of each type, learnt from prose and from odd text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(tmp_path_factory.mktemp("tokenizers")))
        made = {}
        for name, documents in (("prose", PROSE), ("odd", ODD)):
            corpus = import_documents(documents, name)
            for kind in TYPES:
                options = TokenizerOptions(type=kind, vocab_size=360)
                made[kind, name] = train_tokenizer(corpus, f"{kind}-{name}", options)
        return made


@given(text=st.text() | st.text(st.sampled_from(" \u2581\n\tab<s>|好🦊\0\ud800\u200d")))
@example("")
@example("\u2581 \u2581\u2581x")
@example(" leading,  double, trailing ")
@example("a  b")
@example("\r\n\0\x07\t\n\n\n")
@example("🦊👩‍👩‍👧 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \U0010ffff\ufffe")
@example("<s></s><pad><unk><|user|><|end|><0x41>")
@example("\ud83e one half of a pair")
@pytest.mark.parametrize("learnt", ["prose", "odd"])
@kinds
def test_any_text_comes_back(tokenizers, kind, learnt, text):
    tokenizer = tokenizers[kind, learnt]
    expected = text.encode("utf-8", "replace")  # half a pair of surrogates is no character
    numbers = tokenizer.encode(text)
    assert tokenizer.decode(numbers) == expected.decode()
    assert tokenizer.decode_bytes(numbers) == expected
    assert tokenizer.byte_lengths[numbers].sum() == len(expected)
    assert all(tokenizer.token_bytes[number] for number in numbers)  # no control symbol is ever typed
    assert "".join(piece.text for piece in tokenizer.pieces(text) if not tokenizer.is_byte[piece.id]) in (
        "".join(tokenizer.token_bytes[number].decode() for number in numbers if not tokenizer.is_byte[number])
    )


@kinds
def test_the_names_of_control_symbols_are_text_when_they_are_typed(tokenizers, kind):
    tokenizer = tokenizers[kind, "prose"]
    for name in (*CONTROL.values(), *ROLES, *RESERVED):
        for text in (name, f"a{name}b", f" {name} ", name * 3):
            numbers = tokenizer.encode(text)
            assert not set(numbers) & {*CONTROL, *range(4, 4 + len(ROLES) + len(RESERVED))}
            assert tokenizer.decode(numbers) == text


@kinds
def test_control_symbols_stand_where_they_are_promised_and_say_nothing(tokenizers, kind):
    tokenizer = tokenizers[kind, "prose"]
    names = [*CONTROL.values(), *ROLES, *RESERVED]
    assert [tokenizer.piece(number) for number in range(len(names))] == names
    silent = [number for number, data in enumerate(tokenizer.token_bytes) if not data]
    assert silent == list(range(len(names)))
    assert tokenizer.decode([BEGIN, *tokenizer.encode("The fox"), END, PADDING]) == "The fox"


@kinds
def test_there_is_a_piece_for_every_byte(tokenizers, kind):
    tokenizer = tokenizers[kind, "prose"]
    assert tokenizer.is_byte.sum() == 256
    bytes_of = {tokenizer.token_bytes[number] for number in np.flatnonzero(tokenizer.is_byte)}
    assert bytes_of == {bytes([value]) for value in range(256)}


@kinds
def test_documents_together_are_encoded_as_alone(tokenizers, kind):
    texts = ["The fox", "", "好多鹅", " \u2581 ", "a  b"]
    tokenizer = tokenizers[kind, "prose"]
    together = tokenizer.encode_documents(texts, threads=2)
    assert [list(numbers) for numbers in together] == [tokenizer.encode(text) for text in texts]
    assert tokenizer.encode_documents([]) == []


@kinds
def test_white_space_and_figures_have_pieces_of_their_own(tokenizers, kind):
    tokenizer = tokenizers[kind, "prose"]
    for text in ("\n", "\n\n", "\t"):
        assert text in WHITE_SPACE and len(tokenizer.encode(text)) == 1
    assert len(tokenizer.encode("123")) == 3


def test_bytes_that_are_no_text_are_shown_as_such(tokenizers):
    tokenizer = tokenizers["char", "prose"]
    numbers = tokenizer.encode("🌿")
    assert len(numbers) == 4 and tokenizer.decode(numbers[:3]) == "\ufffd"
    assert [piece.text for piece in tokenizer.pieces("🌿")] == ["<0xF0>", "<0x9F>", "<0x8C>", "<0xBF>"]


def test_pieces_are_shown_as_text(tokenizers):
    pieces = tokenizers["bpe", "prose"].pieces("The fox\n")
    assert "".join(piece.text for piece in pieces) == "The fox\n"
    assert b"".join(piece.bytes for piece in pieces) == b"The fox\n"
    assert [piece.id for piece in pieces] == tokenizers["bpe", "prose"].encode("The fox\n")


def test_the_fingerprint_is_that_of_the_model(tokenizers):
    first, second = tokenizers["bpe", "prose"], tokenizers["bpe", "odd"]
    assert SentencePieceTokenizer(first.model).fingerprint == first.fingerprint != second.fingerprint


def test_it_is_opened_by_name_or_from_a_model(tokenizer, tiny_model):
    text = "The fox"
    assert Tokenizer.open("pieces").encode(text) == Tokenizer.at(tiny_model).encode(text)
    with pytest.raises(UserError, match=r"no tokenizer piece\. Did you mean pieces\?"):
        Tokenizer.open("piece")


@pytest.mark.parametrize("content", [b"", b"junk", b"\0" * 1000])
def test_a_file_that_is_no_tokenizer_is_named(tokenizer, content):
    (tokenizer / "tokenizer.model").write_bytes(content)
    with pytest.raises(UserError, match=r"tokenizer\.model is damaged"):
        Tokenizer.open("pieces")


def test_a_folder_without_a_tokenizer_is_told(tokenizer):
    (tokenizer / "tokenizer.model").unlink()
    with pytest.raises(UserError, match=r"pieces has no tokenizer: tokenizer\.model or tokenizer\.json is missing"):
        Tokenizer.open("pieces")


# Real text.


def test_real_english(real_text):
    corpus = import_files([real_text("kjv.txt")], "kjv")
    text = real_text("kjv.txt").read_text()[:200_000]
    small = import_documents([(verse, "kjv") for verse in text.split("\n\n")], "small")
    tokenizer = train_tokenizer(small, "kjv", TokenizerOptions(vocab_size=2000))
    assert all(tokenizer.decode(tokenizer.encode(text)) == text for text in itertools.islice(corpus.documents(), 300))
    assert TokenizerInfo.open("kjv").report["bytes_per_token"] > 3


@pytest.mark.slow
def test_real_poems(real_text):
    text = gzip.decompress(real_text("tang-poems.txt.gz").read_bytes()).decode()[:1_000_000]
    corpus = import_documents([(poem, "tang") for poem in text.split("\n\n")], "tang")
    tokenizer = train_tokenizer(corpus, "tang", TokenizerOptions(vocab_size=4000))
    assert all(
        tokenizer.decode(tokenizer.encode(poem)) == poem for poem in itertools.islice(corpus.documents("val"), 200)
    )
    assert TokenizerInfo.open("tang").report["bytes_per_token"] > 2.5
