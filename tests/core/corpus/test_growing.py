"""Corpora that grow, are merged, cleaned again and split: what was there stays, and nothing is on both sides."""

import contextlib
import random
import sys

import pytest

from newleaf.core.corpus.importing import ImportOptions, MergeOptions, extend, import_documents, import_files, merge
from newleaf.core.corpus.store import Corpus
from newleaf.core.errors import UserError
from newleaf.core.progress import Cancelled

WORDS = [f"w{number:03d}" for number in range(900)]


def text(seed, words=60):
    """A text that has nothing to do with that of another seed."""
    generator = random.Random(seed)
    return " ".join(generator.choices(WORDS, k=words)) + "."


def nearly(seed):
    """A near duplicate of it: three of its sixty words are others."""
    words = text(seed).split()
    for place in (10, 30, 50):
        words[place] = f"x{seed}{place}"
    return " ".join(words)


def rows(corpus):
    return {text: (source, split) for text, source, split in corpus.rows()}


def write(path, texts):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n\n".join(texts))
    return path


# Extended.


def test_what_was_there_stays_where_it_was_and_new_documents_follow(tmp_path):
    options = ImportOptions(documents="paragraph", held_out=0.2)
    write(tmp_path / "a.txt", [text(n) for n in range(100)])
    before = import_files([tmp_path / "a.txt"], "c", options)
    first = list(before.rows())
    write(tmp_path / "b.txt", [text(n) for n in range(50, 150)])
    after = extend("c", [tmp_path / "b.txt"], options)
    second = list(after.rows())
    assert second[:100] == first
    assert [row[0] for row in second[100:]] == [text(n) for n in range(100, 150)]
    assert after.report["duplicates"] == 50
    assert after.report["origin"] == [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    assert 5 <= sum(split == "val" for _text, _source, split in second[100:]) <= 20
    assert after.manifest.fingerprint != before.manifest.fingerprint


def test_the_same_again_changes_nothing(tmp_path):
    path = write(tmp_path / "a.txt", [text(n) for n in range(40)])
    before = list(import_files([path], "c", ImportOptions(documents="line")).rows())
    assert list(extend("c", [path], ImportOptions(documents="line")).rows()) == before


def test_what_resembles_a_held_out_document_is_held_out_too(tmp_path):
    options = ImportOptions(held_out=0.3)
    before = rows(import_documents([(text(n), "x") for n in range(40)], "c", options))
    path = write(tmp_path / "b.txt", [nearly(n) for n in range(40)])
    after = rows(extend("c", [path], ImportOptions(documents="paragraph", held_out=0.3)))
    assert len(after) == 80
    assert [after[nearly(n)][1] for n in range(40)] == [before[text(n)][1] for n in range(40)]


@pytest.mark.parametrize("moment", [0.0, 0.3, 0.82, 0.95])
def test_a_cancelled_extension_leaves_the_old_corpus(tmp_path, moment):
    before = import_documents([(text(n), "x") for n in range(30)], "c")
    path = write(tmp_path / "b.txt", [text(n) for n in range(30, 60)])

    def stop(done, total, message="", **metrics):
        if done >= moment * total:
            raise Cancelled

    with pytest.raises(Cancelled):
        extend("c", [path], progress=stop)
    assert Corpus.open("c").manifest == before.manifest
    assert len(list(Corpus.open("c").rows())) == 30
    assert [folder.name for folder in before.path.parent.iterdir()] == ["c"]


def test_only_what_there_is_can_be_extended(tmp_path):
    with pytest.raises(UserError, match="no corpus c"):
        extend("c", [write(tmp_path / "a.txt", ["text"])])


# Merged, and cleaned again.


def test_merged_corpora_have_each_document_once():
    import_documents([(text(n), "one") for n in range(60)], "a")
    import_documents([(text(n), "two") for n in range(30, 90)], "b")
    merged = merge(["a", "b"], "c")
    assert [row[0] for row in merged.rows()] == [text(n) for n in range(90)]
    assert {source for _text, source, _split in merged.rows()} == {"one", "two"}
    assert merged.report["duplicates"] == 30
    assert len(list(Corpus.open("a").rows())) == len(list(Corpus.open("b").rows())) == 60


def test_a_corpus_can_be_cleaned_again_with_other_steps_and_take_its_own_place():
    import_documents([(f"Write to me{n}@example.org. " + text(n), "x") for n in range(30)], "c")
    cleaned = merge(["c"], "c", MergeOptions(personal="on"))
    assert all("@" not in line and "<EMAIL>" in line for line in cleaned.documents())
    assert cleaned.report["cleaning"]["steps"]["personal"]["changed"] == 30
    assert cleaned.manifest.total.documents == 30


def test_no_cleaning_at_all_keeps_even_copies():
    corpus = import_documents([("The same.\r\n", "x"), ("The same.\r\n", "y")], "c", ImportOptions(clean="none"))
    assert [row[0] for row in corpus.rows()] == ["The same.\r"] * 2


# The split.


def test_near_duplicates_never_straddle_the_split():
    documents = [(make(n), "x") for n in range(200) for make in (text, nearly)]
    random.Random(0).shuffle(documents)
    corpus = import_documents(documents, "c", ImportOptions(held_out=0.3))
    found = rows(corpus)
    assert len(found) == 400 and corpus.report["near_duplicates"] == 200
    assert all(found[text(n)][1] == found[nearly(n)][1] for n in range(200))
    assert 60 <= corpus.manifest.val.documents <= 180


def test_near_duplicates_are_dropped_where_that_is_asked():
    documents = [(make(n), "x") for make in (text, nearly) for n in range(50)]
    corpus = import_documents(documents, "c", ImportOptions(near_duplicates="on"))
    assert [row[0] for row in corpus.rows()] == [text(n) for n in range(50)]
    example = corpus.report["near_duplicate_examples"][0]
    assert example == {"text": nearly(0)[:200], "like": text(0)[:200]}


def test_a_source_is_held_out_as_a_whole():
    documents = [(text(n), f"book {n % 40}") for n in range(400)]
    corpus = import_documents(documents, "c", ImportOptions(held_out=0.2, held_out_by="source"))
    splits = {}
    for _text, source, split in corpus.rows():
        splits.setdefault(source, set()).add(split)
    assert all(len(sides) == 1 for sides in splits.values())
    assert 1 <= sum(sides == {"val"} for sides in splits.values()) <= 20


def test_texts_that_are_all_alike_are_split_all_the_same_and_that_is_said():
    corpus = import_documents([(text(1, 200) + f" {n}", "x") for n in range(100)], "c")
    assert corpus.manifest.val.documents > 0 and corpus.report["held_out_is_alike"]


# The same input, the same corpus.


def shards(corpus):
    return [(corpus.path / shard).read_bytes() for shard in corpus.manifest.shards]


def test_the_same_files_give_the_same_corpus_byte_for_byte(tmp_path, monkeypatch):
    for number in range(3):
        write(tmp_path / "texts" / f"{number}.txt", [text(n, 3000) for n in range(number * 60, number * 60 + 80)])
    one = import_files([tmp_path / "texts"], "one", ImportOptions(documents="paragraph"))
    two = import_files([tmp_path / "texts"], "two", ImportOptions(documents="paragraph"))
    monkeypatch.setattr("newleaf.core.corpus.preparing._processors", lambda: 1)
    three = import_files([tmp_path / "texts"], "three", ImportOptions(documents="paragraph"))
    assert shards(one) == shards(two) == shards(three)
    assert one.report == two.report == three.report
    assert one.manifest.fingerprint == two.manifest.fingerprint == three.manifest.fingerprint


def test_a_limit_stops_in_the_middle_of_a_file(tmp_path):
    path = write(tmp_path / "a.txt", [text(n) for n in range(1000)])
    corpus = import_files([path], "c", ImportOptions(documents="paragraph", limit=30_000))
    assert 30_000 <= corpus.manifest.total.bytes < 31_000


def test_strict_stops_at_the_first_file_that_cannot_be_read(tmp_path):
    folder = write(tmp_path / "texts" / "a.txt", [text(1)]).parent
    (folder / "b.txt").touch()
    with pytest.raises(UserError, match=r"b\.txt: it is empty\. Without --strict"):
        import_files([folder], "c", ImportOptions(strict=True))
    assert import_files([folder], "c").report["skipped_in_all"] == 1


# Processes.


def explode(payload):
    """What a library does on a file that its authors never saw."""
    if b"bomb" in payload:
        import ctypes

        ctypes.string_at(0)
    if b"odd" in payload:
        raise RuntimeError("nobody expected this")
    return [payload.decode()]


def test_a_reader_that_fails_in_an_unforeseen_way_costs_its_file_alone(tmp_path, monkeypatch):
    from newleaf.core.corpus.readers import formats
    from newleaf.core.corpus.readers.base import Format

    def read(stream, notes, options):
        data = stream.read()
        yield data.decode()
        if b"is in it" in data:
            raise KeyError("what is this")

    monkeypatch.setattr(formats, "load", lambda module: Format("strange", (".html",), read))
    for number in range(3):
        write(tmp_path / "texts" / f"{number}.html", [text(number)])
    write(tmp_path / "texts" / "1.html", ["odd is in it"])
    corpus = import_files([tmp_path / "texts"], "c")
    assert len(list(corpus.rows())) == 3  # what it gave before stays
    (skipped,) = corpus.report["skipped"]
    assert skipped["reason"] == "it cannot be read (KeyError: 'what is this')"


def test_a_file_that_makes_its_reader_crash_costs_that_file_alone(tmp_path, monkeypatch):
    from newleaf.core.corpus.readers import formats
    from newleaf.core.corpus.readers.base import Format

    strange = Format("strange", (".html",), lambda stream, notes, options: iter([stream.read()]), explode)
    monkeypatch.setattr(formats, "load", lambda module: strange)
    for number in range(5):
        (tmp_path / f"{number}.html").write_text(text(number))
    (tmp_path / "2.html").write_text("bomb")
    (tmp_path / "3.html").write_text("odd")
    corpus = import_files([tmp_path], "c")
    assert [row[0] for row in corpus.rows()] == [text(number) for number in (0, 1, 4)]
    reasons = {skipped["source"].rpartition("/")[2]: skipped["reason"] for skipped in corpus.report["skipped"]}
    assert reasons == {
        "2.html": "it makes the program that reads it crash",
        "3.html": "it cannot be read (RuntimeError: nobody expected this)",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="counts processes in /proc")
def test_a_cancelled_import_leaves_no_process_behind(tmp_path):
    import psutil

    write(tmp_path / "a.txt", [text(n, 3000) for n in range(300)])

    def stop(done, total, message="", **metrics):
        if done > 0.3 * total:
            raise Cancelled

    with pytest.raises(Cancelled):
        import_files([tmp_path], "c", ImportOptions(documents="paragraph"), stop)
    names = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # one of an earlier test that ends just now
            names.append(" ".join(child.cmdline()))
    assert not [name for name in names if "spawn_main" in name]
