"""A vocabulary size that is left open: what is compared, what is taken, and the reason that is given."""

import pytest

from newleaf.core.corpus.importing import import_documents
from newleaf.core.corpus.store import Corpus
from newleaf.core.formats.sentencepiece_model import PieceModel, truncated
from newleaf.core.tokenizer.choice import NEAR, SHAPES
from newleaf.core.tokenizer.options import TYPES, TokenizerOptions
from newleaf.core.tokenizer.store import TokenizerInfo
from newleaf.core.tokenizer.training import train_tokenizer

kinds = pytest.mark.parametrize("kind", TYPES)


@pytest.fixture
def large(prepared):
    """A corpus that supports vocabularies of a thousand pieces and more."""
    from pydoc_data.topics import topics

    return import_documents([(text, name) for name, text in topics.items()], "large")


@kinds
def test_all_sizes_are_told_with_what_they_cost(large, kind):
    tokenizer = train_tokenizer(large, "t", TokenizerOptions(type=kind))
    report = TokenizerInfo.open("t").report
    choice, (_most, layers, width) = report["choice"], SHAPES[0]
    assert (choice["layers"], choice["width"]) == (layers, width)
    assert report["requested_vocab_size"] == "auto" and report["vocab_size"] == tokenizer.vocab_size
    body, costs = 12 * layers * width**2, {}
    for candidate in choice["candidates"]:
        size = candidate["vocab_size"]
        assert candidate["embedding_parameters"] == size * width
        assert candidate["embedding_share"] == pytest.approx(size * width / (body + size * width), abs=1e-4)
        costs[size] = (body + size * width) / candidate["bytes_per_token"]
    lowest = min(costs.values())
    assert {entry["vocab_size"]: entry["cost"] for entry in choice["candidates"]} == pytest.approx(
        {size: cost / lowest for size, cost in costs.items()}, abs=1e-3
    )
    assert tokenizer.vocab_size == max(size for size, cost in costs.items() if cost <= NEAR * lowest)
    assert f"{tokenizer.vocab_size:,} pieces" in choice["reason"]


def test_what_is_taken_is_what_that_size_gives_when_it_is_asked_for(large):
    auto = train_tokenizer(large, "auto")
    asked = train_tokenizer(large, "asked", TokenizerOptions(vocab_size=auto.vocab_size))
    assert auto.model == asked.model
    assert TokenizerInfo.open("asked").report["choice"] is None


@pytest.mark.parametrize("kind", ["bpe", "char", "word"])
@pytest.mark.parametrize("size", [400, 420, 550])
def test_a_small_vocabulary_is_the_beginning_of_a_large_one(book, kind, size):
    def train(name, vocab_size):
        options = TokenizerOptions(type=kind, vocab_size=vocab_size)
        return train_tokenizer(Corpus.open("book"), name, options).model

    large, small = train("large", 600), train("small", size)
    assert truncated(large, len(PieceModel.decode(small).pieces)) == small


def test_the_characters_of_a_vocabulary_stay(book):
    model = train_tokenizer(Corpus.open("book"), "t", TokenizerOptions(vocab_size=420)).model
    with pytest.raises(ValueError, match="needed at least"):
        truncated(model, 290)


@kinds
def test_the_least_text_takes_what_it_supports(kind):
    import_documents([("a b", "x"), ("好", "y")], "least")
    tokenizer = train_tokenizer(Corpus.open("least"), "t", TokenizerOptions(type=kind))
    report = TokenizerInfo.open("t").report
    assert report["vocab_size"] == report["choice"]["candidates"][-1]["vocab_size"]
    assert report["remarks"] == [] and "the text supports no other size" in report["choice"]["reason"]
    assert tokenizer.decode(tokenizer.encode("a b, 好 and more")) == "a b, 好 and more"


def test_many_characters_rule_out_small_vocabularies():
    han = "".join(map(chr, range(0x4E00, 0x4E00 + 900)))
    corpus = import_documents([(han[n:] + han[:n], "x") for n in range(0, 900, 5)], "han")
    train_tokenizer(corpus, "t")
    sizes = [candidate["vocab_size"] for candidate in TokenizerInfo.open("t").report["choice"]["candidates"]]
    assert min(sizes) > 900 + 256


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "size"),
    [("kjv.txt", 4096), pytest.param("tang-poems.txt.gz", 8192, marks=pytest.mark.long)],
)
def test_it_takes_the_sizes_that_trained_best(real_text, text, size):
    """docs/recipe.md, 2026-11-25: a vocabulary for five minutes."""
    import gzip

    data = real_text(text).read_bytes()
    book = (gzip.decompress(data) if text.endswith(".gz") else data).decode()
    corpus = import_documents([(part, "x") for part in book.split("\n\n")], "real")
    assert train_tokenizer(corpus, "t").vocab_size == size
