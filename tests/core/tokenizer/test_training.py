"""Training a tokenizer: what is asked, what the text allows, and what is said of it."""

import pytest

from newleaf.core.corpus.importing import import_documents
from newleaf.core.corpus.store import Corpus
from newleaf.core.errors import UserError
from newleaf.core.home import folder
from newleaf.core.progress import Cancelled
from newleaf.core.tokenizer.options import TYPES, TokenizerOptions
from newleaf.core.tokenizer.store import TokenizerInfo, list_tokenizers, tokenizers_for
from newleaf.core.tokenizer.tokenizer import Tokenizer
from newleaf.core.tokenizer.training import train_tokenizer

HAN = "".join(map(chr, range(0x4E00, 0x4E00 + 2000)))

kinds = pytest.mark.parametrize("kind", TYPES)


def train(kind="bpe", vocab_size=350, name="t", corpus="book", **further):
    options = TokenizerOptions(type=kind, vocab_size=vocab_size)
    return train_tokenizer(Corpus.open(corpus), name, options, **further)


def kept():
    return sorted(path.name for path in folder("tokenizers").iterdir())


@kinds
def test_what_is_opened_is_what_was_trained(book, kind):
    made = train(kind)
    assert Tokenizer.open("t").model == made.model
    assert sorted(path.name for path in (folder("tokenizers") / "t").iterdir()) == ["report.json", "tokenizer.model"]


@pytest.mark.parametrize("vocab_size", [460, 500, 1000])
def test_the_vocabulary_has_the_size_that_was_asked(book, vocab_size):
    assert train(vocab_size=vocab_size).vocab_size == vocab_size
    assert TokenizerInfo.open("t").report["remarks"] == []


def test_the_same_text_gives_the_same_tokenizer(book):
    assert train(name="a").fingerprint == train(name="b").fingerprint


def test_a_larger_vocabulary_makes_shorter_texts(book):
    lengths = {}
    for vocab_size in (300, 1000):
        tokenizer = train(vocab_size=vocab_size, name=f"t{vocab_size}")
        lengths[vocab_size] = sum(len(tokenizer.encode(text)) for text in Corpus.open("book").documents("val"))
    assert lengths[1000] < 0.8 * lengths[300]


@kinds
def test_a_vocabulary_that_is_too_large_becomes_the_largest_possible(kind):
    import_documents([(f"Text {n} of some few words. " * 3, "x") for n in range(50)], "small")
    tokenizer = train(kind, 90_000, corpus="small")
    report = TokenizerInfo.open("t").report
    assert report["vocab_size"] == tokenizer.vocab_size < 90_000 == report["requested_vocab_size"]
    (remark,) = report["remarks"]
    assert remark == f"The text supports {tokenizer.vocab_size} pieces, not 90000: took {tokenizer.vocab_size}."
    text = "Text of no words that were there: 好\n"
    assert tokenizer.decode(tokenizer.encode(text)) == text


@kinds
def test_too_many_characters_for_a_vocabulary_are_spelled_in_bytes(kind):
    import_documents([(HAN * 2, "a"), (HAN[::-1], "b"), ("The fox. " * 50, "c")], "han")
    tokenizer = train(kind, 400, corpus="han")
    assert tokenizer.vocab_size <= 400
    assert tokenizer.decode(tokenizer.encode(HAN)) == HAN
    assert len(tokenizer.encode("The fox. ")) <= 9  # the common characters keep their pieces


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_that_characters_are_spelled_in_bytes_is_told(kind):
    fox = "The fox. " * 50  # in both: whichever is held out
    import_documents([(HAN * 2 + fox, "a"), (HAN[::-1] + fox, "b")], "han")
    train(kind, 400, corpus="han")
    (first, *_others) = TokenizerInfo.open("t").report["remarks"]
    assert first.startswith("The text has 2008 different characters: all but the 60 commonest")


@kinds
@pytest.mark.parametrize("text", ["a", "好", "12", "a  b", "\u2581", "word", "🦊\u200d", "\t|"])
def test_the_least_text_is_enough(kind, text):
    import_documents([(text, "x"), (text * 2, "y"), (text * 3, "z")], "least")
    tokenizer = train(kind, 300, corpus="least")
    for each in (text, text * 5, f"{text} {text}\n", "The fox, 好"):
        assert tokenizer.decode(tokenizer.encode(each)) == each


def test_the_report_tells_what_was_made(book):
    tokenizer = train("unigram")
    report = TokenizerInfo.open("t").report
    held_out = "".join(Corpus.open("book").documents("val"))
    tokens = sum(len(tokenizer.encode(text)) for text in Corpus.open("book").documents("val"))
    assert report["corpus"] == "book" and report["type"] == "unigram"
    assert report["vocab_size"] == report["requested_vocab_size"] == 350
    assert report["bytes_per_token"] == pytest.approx(len(held_out.encode()) / tokens, abs=1e-3)
    assert report["characters_per_token"] == pytest.approx(len(held_out) / tokens, abs=1e-3)
    assert 0 <= report["spelled_in_bytes"] < 0.1
    assert report["fingerprint"] == tokenizer.fingerprint
    summary = TokenizerInfo.open("t").summary()
    assert summary["name"] == "t" and summary["path"] == str(folder("tokenizers") / "t")


def test_tokenizers_are_listed_and_found_for_their_corpus(book):
    import_documents([("Some other text. " * 20, "x"), ("And more. " * 20, "x")], "other")
    for name, corpus in (("b", "book"), ("c", "other"), ("a", "book")):
        train(vocab_size=300, name=name, corpus=corpus)
    assert [info.name for info in list_tokenizers()] == ["a", "b", "c"]
    assert [info.name for info in tokenizers_for("book")] == ["a", "b"]  # the newest first
    assert [info.vocab_size for info in tokenizers_for("other")] == [300] and tokenizers_for("absent") == []


def test_progress_goes_from_the_beginning_to_the_end(book, capfd):
    shares, words = [], set()

    def progress(done, total, message="", **metrics):
        shares.append(done / total)
        words.add(message)

    with capfd.disabled():  # SentencePiece tells its progress on the real standard error
        train(vocab_size=1000, progress=progress)
    assert shares == sorted(shares) and shares[0] < 0.1 and shares[-1] == 1
    assert {"reading", "merging"} <= words


@kinds
@pytest.mark.parametrize("moment", [0.0, 0.3, 1.0])
def test_when_it_is_cancelled_nothing_is_left(book, kind, moment):
    def stop(done, total, message="", **metrics):
        if done / total >= moment:
            raise Cancelled

    with pytest.raises(Cancelled):
        train(kind, progress=stop)
    assert kept() == []


def test_it_can_be_cancelled_while_it_merges(book, capfd):
    def stop(done, total, message="", **metrics):
        if message == "merging":
            raise Cancelled

    with capfd.disabled(), pytest.raises(Cancelled):
        train(vocab_size=1000, progress=stop)
    assert kept() == []


def test_what_goes_wrong_with_the_text_is_said_as_it_is(book):
    for shard in Corpus.open("book").manifest.shards:
        (book / shard).unlink()
    with pytest.raises(FileNotFoundError):
        train()
    assert kept() == []


def test_a_name_that_is_taken_or_cannot_be_is_told_before_anything_is_read(book):
    def progress(done, total, message="", **metrics):
        raise AssertionError("it was read")

    before = train()
    with pytest.raises(UserError, match="t exists already"):
        train("char", progress=progress)
    with pytest.raises(UserError, match="cannot be used"):
        train(name="../t", progress=progress)
    assert Tokenizer.open("t").fingerprint == before.fingerprint and kept() == ["t"]
