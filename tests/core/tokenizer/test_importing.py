"""Tokenizers from elsewhere become newleaf's own: the same pieces, checked, and ready to train with."""

import io
import json
import shutil

import pytest
from from_elsewhere import byte_fallback, byte_level
from transformers import AutoTokenizer

from newleaf.core import store
from newleaf.core.corpus.store import Corpus
from newleaf.core.errors import UserError
from newleaf.core.tokenizer.importing import import_tokenizer
from newleaf.core.tokenizer.store import TokenizerInfo, tokenizers_for
from newleaf.core.tokenizer.tokenizer import Tokenizer

TEXTS = ["The fox said 好的", "", "a  b\n\n\tc", "na\u00efve \U0001f98a", "\u2581x", "\x00\x7f"]


@pytest.fixture
def plain(tmp_path):
    """What SentencePiece makes with its defaults, which lose something: the path of its file."""
    import sentencepiece

    model = io.BytesIO()
    text = [f"Chapter {n}: the fox saw {n * 7} geese and ran away again." for n in range(300)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text), model_writer=model, vocab_size=120, minloglevel=2
    )
    path = tmp_path / "spm.model"
    path.write_bytes(model.getvalue())
    return path


def test_a_folder_of_hugging_face(tmp_path, newleaf_home):
    folder = byte_level(tmp_path / "model")
    made, theirs = import_tokenizer(folder, "t"), AutoTokenizer.from_pretrained(folder)
    kept = Tokenizer.open("t")
    report = TokenizerInfo.open("t").report
    for text in TEXTS:
        assert kept.encode(text) == made.encode(text) == theirs.encode(text, add_special_tokens=False)
        assert kept.decode(kept.encode(text)) == text
    assert report["origin"] == str(folder) and report["type"] == "bpe" and report["vocab_size"] == len(theirs)
    assert report["lossless"] is True and report["remarks"] == []
    assert (kept.end, kept.begin, kept.chat_template) == (made.end, made.begin, made.chat_template)
    again = AutoTokenizer.from_pretrained(newleaf_home / "tokenizers" / "t")
    assert again.encode(TEXTS[0]) == theirs.encode(TEXTS[0])


def test_a_file_by_whatever_name(tmp_path):
    folder = byte_fallback(tmp_path / "model")
    (folder / "tokenizer.json").rename(folder / "other.json")
    made = import_tokenizer(folder / "other.json", "t")
    assert (made.begin, made.end) == (1, {2}) and made.decode(made.encode("ab 好")) == "ab 好"


def test_what_a_model_of_sentencepiece_loses_is_told(plain):
    import sentencepiece

    made = import_tokenizer(plain, "t")
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(plain))
    assert made.encode("the fox ran") == theirs.encode("the fox ran")
    report = TokenizerInfo.open("t").report
    assert report["type"] == "unigram" and report["lossless"] is False and report["unknown"] > 0
    assert report["remarks"][0] == "It puts a space before each text."
    assert "several spaces in a row" in report["remarks"][1] and "emoji" in report["remarks"][1]


def test_gpt2s_two_files(real_text):
    made = import_tokenizer(real_text("gpt2-bpe"), "gpt2")
    assert made.vocab_size == 50257 and Tokenizer.open("gpt2").end == {50256}
    report = TokenizerInfo.open("gpt2").report
    assert report["lossless"] is True and report["bytes_per_token"] > 3
    one = import_tokenizer(real_text("gpt2-bpe") / "merges.txt", "again")
    assert one.fingerprint == made.fingerprint


def test_a_model_by_its_name_or_folder(tiny_model):
    by_name, by_folder = import_tokenizer("tiny", "a"), import_tokenizer(tiny_model, "b")
    assert by_name.fingerprint == by_folder.fingerprint == Tokenizer.at(tiny_model).fingerprint
    assert Tokenizer.open("a").end == Tokenizer.at(tiny_model).end


def test_ends_that_only_the_models_files_know_come_along(tmp_path):
    folder = byte_level(tmp_path / "model")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [0, 2]}))
    import_tokenizer(folder, "t")
    assert Tokenizer.open("t").end == {0, 2}


def test_one_that_ends_nothing_is_told(tmp_path):
    folder = byte_level(tmp_path / "model")
    (folder / "tokenizer_config.json").write_text("{}")
    values = json.loads((folder / "tokenizer.json").read_text().replace("<|endoftext|>", "<|other|>"))
    (folder / "tokenizer.json").write_text(json.dumps(values))
    assert not import_tokenizer(folder, "t").end
    (remark,) = TokenizerInfo.open("t").report["remarks"]
    assert "no symbol that ends a text" in remark


def test_it_is_measured_on_a_corpus_but_not_taken_for_one_of_it(book, tmp_path):
    made = import_tokenizer(byte_level(tmp_path / "model"), "t", Corpus.open("book"))
    report = TokenizerInfo.open("t").report
    texts = list(Corpus.open("book").documents("val"))
    tokens = sum(len(made.encode(text)) for text in texts)
    assert report["bytes_per_token"] == pytest.approx(sum(len(text.encode()) for text in texts) / tokens, abs=1e-3)
    assert report["measured_corpus"] == "book" and tokenizers_for("book") == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("tokenizer.model", b"junk", r"tokenizer\.model is damaged"),
        ("tokenizer.json", b"{", r"tokenizer\.json is damaged"),
        ("spm.model", b"", r"spm\.model is damaged"),
        ("my.json", b"[]", r"my\.json is damaged"),
        ("notes.txt", b"text", r"notes\.txt is no tokenizer"),
        ("vocab.json", b"{}", r"merges\.txt"),
    ],
)
def test_what_is_none_is_told_and_leaves_nothing(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=words):
        import_tokenizer(tmp_path / name, "t")
    assert store.names("tokenizers") == []


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match="no file or folder absent"):
        import_tokenizer("absent", "t")
    with pytest.raises(UserError, match="has no tokenizer"):
        import_tokenizer(tmp_path, "t")


def test_a_name_that_is_taken_is_told_first(tokenizer, tmp_path):
    with pytest.raises(UserError, match="pieces exists already"):
        import_tokenizer(byte_level(tmp_path / "model"), "pieces")
    shutil.rmtree(tmp_path / "model")
