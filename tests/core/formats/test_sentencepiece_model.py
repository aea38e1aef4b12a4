"""The pieces of a tokenizer.model: what SentencePiece reads is what was written, and the other way round."""

import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.corpus.store import Corpus
from newleaf.core.formats.sentencepiece_model import (
    BPE,
    BYTE,
    CONTROL,
    NORMAL,
    UNKNOWN,
    USER_DEFINED,
    PieceModel,
    ScoredPiece,
)
from newleaf.core.tokenizer.options import TokenizerOptions
from newleaf.core.tokenizer.training import train_tokenizer

SPECIAL = [ScoredPiece("<unk>", 0, UNKNOWN), ScoredPiece("<s>", 0, CONTROL), ScoredPiece("</s>", 0, CONTROL)]
BYTES = [ScoredPiece(f"<0x{byte:02X}>", 0, BYTE) for byte in range(256)]
scores = st.floats(-1e6, 0, width=32)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


@given(pieces=st.lists(st.builds(ScoredPiece, texts, scores, st.sampled_from([NORMAL, USER_DEFINED]))))
def test_what_is_written_is_read(pieces):
    model = PieceModel((*SPECIAL, *pieces), BPE, add_dummy_prefix=True, padding=-1, begin=1, end=2)
    assert PieceModel.decode(model.encode()) == model


def test_sentencepiece_reads_what_is_written():
    words = [
        ScoredPiece("\u2581", -9.0),
        ScoredPiece("a", -10.0),
        ScoredPiece("\u2581a", -1.0),
        ScoredPiece("b", -11.0),
    ]
    model = PieceModel((*SPECIAL, *BYTES, *words, ScoredPiece("\n", 0, USER_DEFINED)), add_dummy_prefix=False)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.encode())
    assert processor.encode("a ab\né", out_type=str) == ["a", "\u2581a", "b", "\n", "<0xC3>", "<0xA9>"]
    assert (processor.unk_id(), processor.bos_id(), processor.eos_id(), processor.pad_id()) == (0, 1, 2, -1)
    assert processor.get_score(259) == -9.0


@pytest.mark.parametrize(("kind", "number"), [("unigram", 1), ("bpe", 2), ("word", 3), ("char", 4)])
def test_what_was_trained_is_read(book, kind, number):
    trained = train_tokenizer(Corpus.open("book"), "t", TokenizerOptions(type=kind, vocab_size=420))
    model = PieceModel.decode(trained.model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=trained.model)
    assert model.kind == number and not model.add_dummy_prefix
    assert (model.unknown, model.begin, model.end, model.padding) == (0, 1, 2, 3)
    assert [piece.text for piece in model.pieces] == [processor.id_to_piece(n) for n in range(len(model.pieces))]
    assert [piece.score for piece in model.pieces] == [processor.get_score(n) for n in range(len(model.pieces))]
    assert {n for n, piece in enumerate(model.pieces) if piece.type == BYTE} == {
        n for n in range(len(model.pieces)) if processor.is_byte(n)
    }
