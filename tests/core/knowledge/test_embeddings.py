"""Passages that say the same in other words: found by the vectors of a model that a person chose."""

import importlib.util
import json
import re
import sqlite3

import pytest

from newleaf.core.errors import UserError
from newleaf.core.knowledge import adding, vectors
from newleaf.core.knowledge.adding import add_to_named
from newleaf.core.knowledge.database import FILE
from newleaf.core.knowledge.embeddings import embedder
from newleaf.core.knowledge.everyday import CHINESE, ENGLISH
from newleaf.core.knowledge.searching import is_answered
from newleaf.core.knowledge.store import Knowledge
from newleaf.core.progress import Cancelled

TEXTS = {
    "cat.txt": "The cat sleeps on the stove.",
    "dog.txt": "The dog barks at the gate.",
    "ship.txt": "The vessel left the harbour with a cargo of oranges.",
}
SAME = (("cat", "feline"), ("dog", "hound"), ("vessel", "ship"), ("oranges", "fruit"), ("stove", "oven"))


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A real model, though a small one: the mean of random vectors of words, some of which mean the same."""
    return make_model(tmp_path_factory.mktemp("models") / "words", 128)


def make_model(folder, dimensions):
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace

    said = [
        *TEXTS.values(),
        *(text for pair in (*ENGLISH, *CHINESE) for text in pair),
        *(" ".join(two) for two in SAME),
    ]
    names = ["[UNK]", *sorted({word for text in said for word in re.findall(r"\w+|[^\w\s]+", text.lower())})]
    tokenizer = Tokenizer(WordLevel({name: number for number, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    weights = torch.randn(len(names), dimensions, generator=torch.Generator().manual_seed(5))
    for question, answer in ENGLISH:  # what a real model knows: these words are of one subject
        subject = torch.randn(dimensions, generator=torch.Generator().manual_seed(len(answer)))
        for word in re.findall(r"\w{4,}", f"{question} {answer}".lower()):
            weights[names.index(word)] += 0.6 * subject
    for name in ("the", "a", "of", "at", "on", "what", "is", "where", "does", "?", ".", "with"):
        if name in names:
            weights[names.index(name)] *= 0.05
    for one, other in SAME:
        weights[names.index(other)] = weights[names.index(one)]
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights.numpy())]).save(str(folder))
    return folder


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    return folder


def first(question):
    found = Knowledge.open("k").search(question)
    return found[0].passage.text if found else None


def vectors_in(knowledge):
    with sqlite3.connect(knowledge.path / FILE) as connection:
        return dict(connection.execute("SELECT passage, vector FROM vectors"))


def test_other_words_are_found_and_the_same_words_still_are(texts, model):
    assert add_to_named([texts], "k").embedded == 0
    assert first("Where is the feline?") is None  # by words alone
    report = add_to_named([texts], "k", embeddings=str(model))
    assert report.unchanged == 3 and report.embedded == 3
    assert first("Where is the feline?") == TEXTS["cat.txt"]
    assert first("hound") == TEXTS["dog.txt"] and first("Does the dog sleep?") == TEXTS["dog.txt"]
    assert first("fruit") == first("harbour") == TEXTS["ship.txt"]
    knowledge = Knowledge.open("k")
    assert is_answered(knowledge.search("feline oven")) and not is_answered(knowledge.search("Who wrote Hamlet?"))
    assert knowledge.summary()["embeddings"] == str(model)
    assert knowledge.search("") == knowledge.search(" ") == []


def test_the_base_remembers_the_model_and_embeds_what_is_new_only(texts, model, monkeypatch):
    add_to_named([texts], "k", embeddings=str(model))
    before = vectors_in(Knowledge.open("k"))
    monkeypatch.setattr(adding, "SETTLED", -1e9)
    (texts / "dog.txt").unlink()
    (texts / "hen.txt").write_text("The hound is a feline.")
    report = add_to_named([texts], "k")
    assert report.embedded == 1 and report.dropped == ["texts/dog.txt"]
    after = vectors_in(Knowledge.open("k"))
    assert len(after) == 3 and sum(after.get(row) == vector for row, vector in before.items()) == 2
    assert add_to_named([texts], "k", embeddings=str(model)).embedded == 0  # the same one, said again


def test_another_model_or_none_takes_its_place(texts, model, tmp_path):
    add_to_named([texts], "k", embeddings=str(model))
    other = make_model(tmp_path / "other", 16)
    assert add_to_named([texts], "k", embeddings=str(other)).embedded == 3
    assert {len(vector) for vector in vectors_in(Knowledge.open("k")).values()} == {32}  # bytes, of float16
    assert first("feline") == TEXTS["cat.txt"]
    add_to_named([texts], "k", embeddings="none")
    assert first("feline") is None and first("cat") == TEXTS["cat.txt"]
    assert Knowledge.open("k").summary()["embeddings"] is None


def test_who_stops_it_goes_on_where_it_was(tmp_path, model, monkeypatch):
    (tmp_path / "long.txt").write_text("\n\n".join(f"Number {n}. " + "The cat sleeps. " * 60 for n in range(20)))
    monkeypatch.setattr(vectors, "AT_ONCE", 4)
    told = []

    def progress(done, total, message="", **metrics):
        told.append(message)
        if message.startswith("8 of"):
            raise Cancelled

    with pytest.raises(Cancelled):
        add_to_named([tmp_path / "long.txt"], "k", progress=progress, embeddings=str(model))
    total = Knowledge.open("k").summary()["passages"]
    assert f"4 of {total} passages embedded" in told and len(vectors_in(Knowledge.open("k"))) == 8
    assert first("feline").startswith("Number")  # those that there are do their work
    assert add_to_named([tmp_path / "long.txt"], "k").embedded == total - 8


def test_a_kill_while_the_model_is_changed_mixes_nothing(texts, model, tmp_path, monkeypatch):
    add_to_named([texts], "k", embeddings=str(model))

    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(adding, "embed", killed)
        add_to_named([texts], "k", embeddings=str(make_model(tmp_path / "other", 16)))
    assert vectors_in(Knowledge.open("k")) == {} and first("cat") == TEXTS["cat.txt"]
    assert add_to_named([texts], "k").embedded == 3 and first("feline") == TEXTS["cat.txt"]


def test_what_is_no_model_is_told_and_changes_nothing(texts, tmp_path, monkeypatch):
    add_to_named([texts], "k")
    with pytest.raises(UserError, match=r"There is no folder \./absent"):
        add_to_named([texts], "k", embeddings="./absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty cannot be used for embeddings"):
        add_to_named([texts], "k", embeddings=str(tmp_path / "empty"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    embedder.cache_clear()
    with pytest.raises(UserError, match=re.escape("pip install 'newleaf[embeddings]'")):
        add_to_named([texts], "k", embeddings="some/model")
    assert first("cat") == TEXTS["cat.txt"] and json.loads((Knowledge.open("k").path / "manifest.json").read_text())
