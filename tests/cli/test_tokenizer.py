"""`newleaf tokenizer` as a person and a script see it."""

import pytest
from command_line import data, newleaf
from from_elsewhere import byte_level

TINY = ["--size", "nano", "--context", "32", "--batch-tokens", "128", "--device", "cpu", "--dtype", "float32"]


def test_a_size_that_is_left_open_is_chosen_and_the_reason_is_shown(book):
    done = newleaf("tokenizer", "train", "book", "--name", "t")
    assert done.returncode == 0, done.stderr
    shown = data("tokenizer", "show", "t")
    assert shown["requested_vocab_size"] == "auto" and shown["choice"]["candidates"]
    assert shown["choice"]["reason"] in done.stderr
    told = newleaf("tokenizer", "show", "t").stdout
    assert shown["choice"]["reason"] in told
    for words in ("bytes a piece", "characters a piece", "rare pieces", "longest pieces", "latin", "work for a byte"):
        assert words in told


def test_options_reach_the_tokenizer(book):
    words = ["--vocab-size", "400", "--symbol", "<think>", "--symbol", "a, b", "--byte-fallback", "off"]
    more = ["--split-digits", "off", "--normalization", "nfkc", "--sample", "2MB", "--character-coverage", "1"]
    assert newleaf("tokenizer", "train", "book", "--name", "t", *words, *more).returncode == 0
    shown = data("tokenizer", "show", "t")
    assert shown["symbol"] == ["<think>", "a, b"] and shown["byte_fallback"] is False
    assert (shown["split_digits"], shown["normalization"], shown["sample"]) == (False, "nfkc", 2_000_000)
    assert shown["lossless"] is False
    assert data("tokenizer", "encode", "t", "x<think>y")["pieces"] == ["x", "<think>", "y"]


def test_two_are_compared_on_a_corpus_a_file_or_what_is_piped(book, tokenizer, tmp_path):
    newleaf("tokenizer", "train", "book", "--name", "large", "--vocab-size", "1000")
    text = "The language of the reference manual is terse."
    (tmp_path / "text.txt").write_text(text)
    by_file = data("tokenizer", "compare", "pieces", "large", tmp_path / "text.txt")
    piped = data("tokenizer", "compare", "pieces", "large", stdin=text)
    assert by_file == {**piped, "bytes": len(text)}
    assert by_file["first"]["tokens"] > by_file["second"]["tokens"]
    assert by_file["examples"][0]["text"] == text
    of_corpus = data("tokenizer", "compare", "pieces", "large", "--corpus", "book")
    assert of_corpus["second"]["bytes_per_token"] == data("tokenizer", "show", "large")["bytes_per_token"]
    told = newleaf("tokenizer", "compare", "pieces", "large", "--corpus", "book").stdout
    assert "pieces are in both" in told and "420" in told and "1,000" in told


def test_pieces_are_searched(tokenizer):
    found = data("tokenizer", "search", "pieces", "th")
    assert found and all("th" in piece["text"].lower() for piece in found)
    assert bytes.fromhex(found[0]["bytes"]).decode() == found[0]["text"]
    assert str(found[0]["id"]) in newleaf("tokenizer", "search", "pieces", "th").stdout
    assert len(data("tokenizer", "search", "pieces", "e", "--limit", "2")) == 2
    assert "No piece of pieces contains" in newleaf("tokenizer", "search", "pieces", "qqq").stderr


def test_one_from_elsewhere_is_imported_shown_and_trained_with(book, tmp_path):
    folder = byte_level(tmp_path / "model")
    done = newleaf("tokenizer", "import", folder, "--name", "t", "--corpus", "book")
    assert done.returncode == 0 and "--tokenizer t" in done.stderr
    shown = data("tokenizer", "show", "t")
    assert shown["origin"] == str(folder) and shown["measured_corpus"] == "book"
    assert str(folder) in newleaf("tokenizer", "show", "t").stdout
    assert "model" in newleaf("tokenizer", "list").stdout
    done = newleaf("train", "book", "--tokenizer", "t", "--name", "m", "--steps", "3", *TINY)
    assert done.returncode == 0, done.stderr
    assert data("generate", "m", "The", "--max-tokens", "3")["model"] == "m"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["train", "book", "--name", "t", "--vocab-size", "many"], 2, "auto, or a whole number from 300"),
        (["train", "book", "--name", "t", "--sample", "big"], 2, "200MB"),
        (["train", "book", "--name", "t", "--symbol", "<s>"], 2, "a piece of its own"),
        (["train", "book", "--name", "t", "--byte-fallback", "maybe"], 2, "--byte-fallback"),
        (["compare", "pieces", "pieces"], 2, "Which text"),
        (["compare", "pieces", "pieces", "absent.txt"], 1, "no file absent.txt"),
        (["compare", "pieces", "pieces", "x.txt", "--corpus", "book"], 2, "not both"),
        (["compare", "pieces", "absent", "--corpus", "book"], 1, "no tokenizer absent"),
        (["search", "absent", "x"], 1, "no tokenizer absent"),
        (["import", "absent", "--name", "t"], 1, "no file or folder absent"),
    ],
)
def test_wrong_input_has_one_sentence_and_its_exit_code(book, tokenizer, words, code, sentence):
    done = newleaf("tokenizer", *words)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr and len(done.stderr.strip().splitlines()) == 1 and done.stdout == ""
