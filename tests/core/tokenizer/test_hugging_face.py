"""Tokenizers from elsewhere: tokenizer.json, and GPT-2's two files."""

import json

import pytest
from from_elsewhere import byte_fallback, byte_level
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, GPT2TokenizerFast

from newleaf.core.errors import UserError
from newleaf.core.tokenizer.tokenizer import Tokenizer

TEXTS = ["The fox said 好的", "", "a  b\n\n\tc", "na\u00efve \U0001f98a", "<|im_end|>", "\u2581x", "\x00\x7f"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return byte_level(tmp_path_factory.mktemp("elsewhere") / "model")


@pytest.fixture(scope="module")
def bytewise(folder):
    return Tokenizer.at(folder)


@pytest.fixture(scope="module")
def spelling(tmp_path_factory):
    return Tokenizer.at(byte_fallback(tmp_path_factory.mktemp("elsewhere") / "model"))


@given(text=st.text())
def test_every_text_comes_back(bytewise, text):
    text = text.encode("utf-8", "replace").decode()
    assert bytewise.decode(bytewise.encode(text)) == text
    assert bytewise.encode_documents([text, text])[1].tolist() == bytewise.encode(text)


@given(text=st.text().map(lambda text: text.replace("\u2581", "_")))
def test_every_text_comes_back_from_characters_and_bytes(spelling, text):
    text = text.encode("utf-8", "replace").decode()
    assert spelling.decode(spelling.encode(text)) == text


@given(parts=st.lists(st.sampled_from(["<|im_start|>", "<|im_end|>", "<|endoftext|>", "user", "\n", "好"])))
def test_a_control_symbol_cannot_be_typed(bytewise, parts):
    text = "".join(parts)
    numbers = bytewise.encode(text)
    assert not set(numbers) & set(bytewise.special.values())
    assert bytewise.decode(numbers) == text
    marked = bytewise.encode_marked(text)
    assert [n for n in marked if n in bytewise.special.values()] == [
        bytewise.special[part] for part in parts if part in bytewise.special
    ]


def test_pieces_are_those_that_transformers_takes(folder, bytewise):
    theirs = AutoTokenizer.from_pretrained(folder)
    for text in TEXTS:
        assert bytewise.encode_marked(text) == theirs.encode(text, add_special_tokens=False)
    assert bytewise.vocab_size == len(theirs)


def test_what_the_files_say_of_beginning_and_end(bytewise, spelling):
    assert bytewise.begin is None
    assert bytewise.end == {bytewise.special["<|im_end|>"]}
    assert bytewise.padding == bytewise.special["<|endoftext|>"]
    assert bytewise.chat_template
    assert (spelling.begin, spelling.end) == (1, {2})


def test_a_model_may_name_more_ends(folder, tmp_path, bytewise):
    other = byte_level(tmp_path / "other")
    numbers = [bytewise.special["<|endoftext|>"], bytewise.special["<|im_end|>"]]
    (other / "generation_config.json").write_text(json.dumps({"eos_token_id": numbers}))
    assert Tokenizer.at(other).end == set(numbers)


def test_a_byte_of_a_longer_character_is_shown_by_its_number(bytewise):
    shown = [piece.text for piece in bytewise.pieces("\U0001f98a")]
    assert all(text.startswith("<0x") for text in shown)
    assert all(bytewise.is_byte[piece.id] == (len(piece.bytes) == 1) for piece in bytewise.pieces("\U0001f98a"))


def test_it_goes_with_what_is_made_of_it(bytewise, tmp_path):
    for name, content in bytewise.files.items():
        (tmp_path / name).write_bytes(content)
    copied = Tokenizer.at(tmp_path)
    assert copied.fingerprint == bytewise.fingerprint
    assert copied.chat_template == bytewise.chat_template and copied.end == bytewise.end


def test_gpt2s_two_files(real_text):
    folder = real_text("gpt2-bpe")
    ours = Tokenizer.at(folder)
    theirs = GPT2TokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt"))
    text = real_text("kjv.txt").read_text()[:20_000] + "".join(TEXTS)
    assert ours.encode(text) == theirs.backend_tokenizer.encode(text, add_special_tokens=False).ids
    assert ours.decode(ours.encode(text)) == text
    assert ours.vocab_size == 50257 and ours.end == {50256}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("tokenizer.json", "{", r"tokenizer\.json is damaged"),
        ("tokenizer.json", "[]", r"tokenizer\.json is damaged"),
        ("tokenizer.json", "[" * 100_000, r"tokenizer\.json is damaged"),
        ("tokenizer.json", '{"model": {"type": "BPE", "vocab": {}, "merges": []}}', r"tokenizer\.json"),
        ("tokenizer.json", '{"model": {"type": "None"}}', r"tokenizer\.json is damaged"),
        ("tokenizer_config.json", "[1]", r"tokenizer_config\.json is damaged"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, content, words):
    folder = byte_level(tmp_path / "model")
    (folder / name).write_text(content)
    with pytest.raises(UserError, match=words):
        Tokenizer.at(folder)


def test_one_that_loses_bytes_is_refused(tmp_path):
    folder = byte_level(tmp_path / "model")
    values = json.loads((folder / "tokenizer.json").read_text())
    values["pre_tokenizer"], values["decoder"] = (
        {"type": "Whitespace"},
        {"type": "WordPiece", "prefix": "##", "cleanup": True},
    )
    (folder / "tokenizer.json").write_text(json.dumps(values))
    with pytest.raises(UserError, match="do not keep all bytes"):
        Tokenizer.at(folder)


@pytest.mark.parametrize("merges", ["a b c", "h", "x\u0000 y"])
def test_damaged_merges_are_named(tmp_path, merges):
    (tmp_path / "vocab.json").write_text('{"h": 0, "i": 1}')
    (tmp_path / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    with pytest.raises(UserError, match=r"merges\.txt is damaged"):
        Tokenizer.at(tmp_path)
    (tmp_path / "vocab.json").unlink()
    with pytest.raises(UserError, match=r"vocab\.json is missing"):
        Tokenizer.at(tmp_path)
