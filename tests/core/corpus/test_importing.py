"""From files to a corpus: no duplicates, some held out, counts that are true, nothing left behind."""

import random

import pytest

from newleaf.core import store
from newleaf.core.corpus.importing import ImportOptions, import_documents, import_files
from newleaf.core.corpus.python_text import python_documents
from newleaf.core.corpus.store import Corpus
from newleaf.core.errors import UserError
from newleaf.core.home import folder
from newleaf.core.progress import Cancelled


def documents(number):
    return [(f"Document {n}. " + "Words and more words. " * (n % 7 + 1), "test") for n in range(number)]


def test_counts_are_those_of_the_documents():
    corpus = import_documents(documents(500), "c")
    for split, counts in (("train", corpus.manifest.train), ("val", corpus.manifest.val)):
        texts = list(corpus.documents(split))
        assert counts.documents == len(texts)
        assert counts.bytes == sum(len(text.encode()) for text in texts)
        assert counts.characters == sum(map(len, texts))
    assert corpus.manifest.total.documents == 500
    assert 5 <= corpus.manifest.val.documents <= 60


def test_what_is_held_out_depends_on_the_text_alone():
    shuffled = documents(300)
    random.Random(0).shuffle(shuffled)
    held = [set(import_documents(each, f"c{i}").documents("val")) for i, each in enumerate((documents(300), shuffled))]
    assert held[0] == held[1]


def test_exact_duplicates_are_dropped_before_the_split():
    corpus = import_documents(documents(50) * 3, "c")
    assert corpus.manifest.total.documents == 50
    assert corpus.report["duplicates"] == 100
    assert not set(corpus.documents("train")) & set(corpus.documents("val"))


@pytest.mark.parametrize("number", [2, 3, 10])
def test_few_documents_still_give_one_to_measure_on(number):
    corpus = import_documents(documents(number), "c")
    assert corpus.manifest.val.documents >= 1 and corpus.manifest.train.documents >= 1


def test_of_one_document_the_end_is_held_out():
    text = "\n".join(f"Line {n}" for n in range(100))
    corpus = import_documents([(text, "x")], "c")
    (beginning,), (end,) = corpus.documents("train"), corpus.documents("val")
    assert beginning + "\n" + end == text
    assert 0.05 < len(end) / len(text) < 0.15


def test_the_share_can_be_chosen():
    corpus = import_documents(documents(2000), "c", ImportOptions(held_out=0.3))
    assert 0.25 < corpus.manifest.val.documents / 2000 < 0.35


def test_a_cancelled_import_leaves_nothing(tmp_path):
    (tmp_path / "f.txt").write_text("\n\n".join(text * 40 for text, _ in documents(300)))

    def stop(done, total, message="", **metrics):
        if done > total / 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        import_files([tmp_path / "f.txt"], "c", progress=stop)
    assert list(folder("corpora").iterdir()) == []


def test_files_that_are_no_text_are_left_out_with_their_reason(tmp_path):
    (tmp_path / "a.txt").write_text("Some text.\n")
    (tmp_path / "b.txt").write_bytes(bytes(range(256)) * 50)
    corpus = import_files([tmp_path], "c")
    assert [skipped["source"].split("/")[-1] for skipped in corpus.report["skipped"]] == ["b.txt"]
    with pytest.raises(UserError, match=r"b\.txt was not imported"):
        import_files([tmp_path / "b.txt"], "d")
    assert store.names("corpora") == ["c"]


def test_a_name_is_taken_once():
    import_documents(documents(5), "c")
    with pytest.raises(UserError, match="exists already"):
        import_documents(documents(5), "c")
    with pytest.raises(UserError, match="Did you mean corpus1"):
        import_documents(documents(5), "corpus1")
        Corpus.open("corpus2")


def test_python_brings_megabytes_of_prose():
    found = list(python_documents())
    assert sum(len(text) for text, _source in found) > 2_000_000
    assert all(text.strip() and ">>> " not in text for text, _source in found)
    assert found == list(python_documents())


def test_a_real_book(real_text):
    corpus = import_files([real_text("kjv.txt")], "kjv")
    assert corpus.manifest.total.documents > 500
    assert next(corpus.documents()).startswith("Genesis 1\n")
    assert "In the beginning God created the heaven and the earth." in next(corpus.documents())
