"""The text that every machine has: the documentation inside Python's own library."""

import pytest

from newleaf.core.corpus.importing import import_documents
from newleaf.core.corpus.python_text import import_python_text, python_documents
from newleaf.core.home import folder
from newleaf.core.progress import Cancelled


@pytest.fixture(scope="module")
def found():
    """What is gathered here."""
    return list(python_documents())


def test_it_brings_megabytes(found):
    assert sum(len(text) for text, _source in found) > 2_000_000
    assert len(found) > 300


def test_every_document_says_something(found):
    assert all(len(text.strip()) > 50 for text, _source in found)
    assert len({source for _text, source in found}) == len(found)


def test_it_is_prose_of_the_language_its_library_and_its_modules_in_c(found):
    texts = {source: text for text, source in found}
    assert "JSON" in texts["json/__init__.py"]
    assert any(source.startswith("topic ") for source in texts)
    assert "Return the arc cosine" in texts["math"]
    assert not any("site-packages" in source or source.startswith("test/") for source in texts)


def test_examples_of_the_prompt_are_left_out(found):
    assert not any(">>> " in text for text, _source in found)


@pytest.mark.long
def test_a_second_time_gives_the_same(found):
    assert list(python_documents()) == found


def test_it_becomes_a_corpus(found):
    corpus = import_documents(found, "direct")
    assert corpus.manifest.total.bytes > 2_000_000 and corpus.manifest.val.documents > 10


def test_it_can_be_cancelled():
    def stop(done, total, message="", **metrics):
        raise Cancelled

    with pytest.raises(Cancelled):
        import_python_text("python", stop)
    assert list(folder("corpora").iterdir()) == []
