"""A tokenizer trained here, opened by Transformers from a model's folder: the same pieces."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from newleaf.core.corpus.importing import import_files
from newleaf.core.corpus.store import Corpus
from newleaf.core.formats.sentencepiece_model import PieceModel
from newleaf.core.formats.tokenizer_json import tokenizer_files
from newleaf.core.tokenizer.options import TokenizerOptions
from newleaf.core.tokenizer.training import train_tokenizer


def pair(corpus, folder, kind, size):
    ours = train_tokenizer(corpus, folder.name, TokenizerOptions(type=kind, vocab_size=size))
    folder.mkdir()
    for name, content in tokenizer_files(PieceModel.decode(ours.model)).items():
        (folder / name).write_bytes(content)
    return ours, AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("kind", ["bpe", "unigram", "char"])
def test_held_out_text_has_the_same_pieces(real_text, tmp_path, kind):
    poems = tmp_path / "poems.txt"
    poems.write_bytes(gzip.decompress(Path(real_text("tang-poems.txt.gz")).read_bytes())[:600_000])
    bible = tmp_path / "bible.txt"
    bible.write_text(real_text("kjv.txt").read_text()[:600_000])
    ours, theirs = pair(import_files([poems, bible], "both"), tmp_path / kind, kind, 5000)
    documents = list(Corpus.open("both").documents("val"))
    assert len(documents) > 3
    for text in documents:
        assert theirs.encode(text) == [ours.begin, *ours.encode(text)]
        assert theirs.decode(theirs.encode(text), skip_special_tokens=True) == text


@pytest.fixture(scope="module")
def small(tmp_path_factory, prepared):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(prepared))
        corpus = Corpus.open("book")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(tmp_path_factory.mktemp("home")))
        return pair(corpus, tmp_path_factory.mktemp("pair") / "bpe", "bpe", 500)


@given(text=st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \n\ta好🦊")))
@settings(max_examples=200)
def test_any_text_comes_back_there_too(small, text):
    ours, theirs = small
    # The sign for a space is a space there, and what reads like a control symbol is one; here they stay themselves.
    text = text.replace("\u2581", "_").replace("<", "_")
    numbers = theirs.encode(text, add_special_tokens=False)
    assert theirs.decode(numbers) == text == ours.decode(numbers)


def test_a_tokenizer_of_whole_words_has_no_such_words(book, tmp_path):
    trained = train_tokenizer(Corpus.open("book"), "t", TokenizerOptions(type="word", vocab_size=420))
    assert tokenizer_files(PieceModel.decode(trained.model)) == {}


def test_the_folder_of_a_model_opens_as_a_whole(tiny_model):
    """As its card says."""
    from transformers import AutoModelForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    prompt = tokenizer("The", return_tensors="pt")
    tokens = model.generate(**prompt, max_new_tokens=5, do_sample=False)
    assert tokenizer.decode(tokens[0], skip_special_tokens=True).startswith("The")
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 3)
