"""From files to a corpus: no duplicates, some held out, counts that are true, nothing left behind."""

import hashlib
import io
import itertools
import json
import os
import random
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newleaf.core import store
from newleaf.core.corpus import store as corpus_store
from newleaf.core.corpus.cleaning.cleaner import Cleaner
from newleaf.core.corpus.importing import ImportOptions, import_documents, import_files
from newleaf.core.corpus.store import Corpus, list_corpora
from newleaf.core.errors import UserError
from newleaf.core.home import folder
from newleaf.core.progress import Cancelled


def documents(number):
    return [(f"Document {n}. " + "Words and more words. " * (n % 7 + 1), f"source {n % 3}") for n in range(number)]


def split_of(corpus):
    return set(corpus.documents("train")), set(corpus.documents("val"))


def kept():
    return sorted(path.name for path in folder("corpora").iterdir())


# What is kept.


def test_counts_are_those_of_the_documents():
    corpus = import_documents([*documents(500), ("好诗一首", "zh")], "c")
    for split, counts in (("train", corpus.manifest.train), ("val", corpus.manifest.val)):
        texts = list(corpus.documents(split))
        assert counts.documents == len(texts)
        assert counts.bytes == sum(len(text.encode()) for text in texts)
        assert counts.characters == sum(map(len, texts))
    assert corpus.manifest.total.documents == len(list(corpus.documents())) == 501


def test_what_is_opened_is_what_was_made():
    made = import_documents(documents(20), "c")
    opened = Corpus.open("c")
    assert (opened.path, opened.manifest) == (made.path, made.manifest)
    assert list(opened.documents()) == [text.strip() for text, _source in documents(20)]
    summary = opened.summary()
    assert summary["name"] == "c" and summary["documents"] == 20 and summary["disk_bytes"] > 0
    assert summary["train"]["documents"] + summary["held_out"]["documents"] == 20


def test_corpora_are_listed_by_name():
    for name in ("b", "a"):
        import_documents(documents(3), name)
    assert [corpus.name for corpus in list_corpora()] == ["a", "b"]
    with pytest.raises(UserError, match=r"no corpus c\. There are: a, b"):
        Corpus.open("c")


def test_documents_keep_their_order_over_many_shards(monkeypatch):
    monkeypatch.setattr(corpus_store, "GROUP", 1000)
    monkeypatch.setattr(corpus_store, "SHARD", 5000)
    corpus = import_documents(documents(300), "c")
    assert len(corpus.manifest.shards) > 3
    assert [path.name for path in sorted(corpus.path.glob("*.parquet"))] == corpus.manifest.shards
    assert list(corpus.documents()) == [text.strip() for text, _source in documents(300)]


def test_the_fingerprint_is_that_of_the_documents():
    same, again = (import_documents(documents(30), name) for name in "ab")
    other = import_documents(documents(31), "c")
    assert same.manifest.fingerprint == again.manifest.fingerprint != other.manifest.fingerprint


def test_exact_duplicates_are_dropped_before_the_split():
    corpus = import_documents([*documents(50) * 3, ("Document 0. Words and more words.\r\n\n", "x")], "c")
    assert corpus.manifest.total.documents == 50
    assert corpus.report["duplicates"] == 101
    train, val = split_of(corpus)
    assert not train & val


def test_blank_documents_are_dropped():
    corpus = import_documents([*documents(5), ("", "x"), (" \n\t\n", "x"), ("\ufeff\0", "x"), ("\u3000", "x")], "c")
    assert corpus.manifest.total.documents == 5 and corpus.report["duplicates"] == 0


# What is held out.


def test_what_is_held_out_depends_on_the_text_alone():
    shuffled = [(text, "elsewhere") for text, _source in documents(300)]
    random.Random(0).shuffle(shuffled)
    assert split_of(import_documents(documents(300), "a")) == split_of(import_documents(shuffled, "b"))


def test_more_text_moves_nothing_from_one_split_to_the_other():
    few, many = (import_documents(documents(number), f"c{number}") for number in (300, 600))
    for before, after in zip(split_of(few), split_of(many), strict=True):
        assert before < after


@pytest.mark.parametrize("salt", range(5))
def test_the_smallest_share_depends_on_the_text_alone_too(salt):
    texts = [(f"{salt} {n}", "x") for n in range(3000)]
    options = ImportOptions(held_out=0.001)
    shuffled = random.Random(salt).sample(texts, len(texts))
    assert split_of(import_documents(texts, "a", options)) == split_of(import_documents(shuffled, "b", options))


@pytest.mark.parametrize("share", [0.01, 0.05, 0.3, 0.5])
def test_the_share_is_about_what_was_asked(share):
    corpus = import_documents(documents(3000), "c", ImportOptions(held_out=share))
    deviation = (share * (1 - share) / 3000) ** 0.5
    assert abs(corpus.manifest.val.documents / 3000 - share) < 4 * deviation


numbers = itertools.count()


@given(
    texts=st.lists(st.text("abc好 \n", min_size=1), min_size=1, max_size=6), share=st.sampled_from([0.001, 0.05, 0.5])
)
@example(texts=["abc"], share=0.5)
@example(texts=["a", "b", "c"], share=0.5)
@settings(max_examples=60)
def test_however_few_documents_both_splits_have_text(texts, share):
    cleaned = {Cleaner().clean(text.strip("\n")) for text in texts}
    expected = {text for text in cleaned if text}
    name = f"c{next(numbers)}"
    if not expected:
        with pytest.raises(UserError, match="no text"):
            import_documents([(text, "x") for text in texts], name)
        return
    train, val = split_of(import_documents([(text, "x") for text in texts], name, ImportOptions(held_out=share)))
    assert train and not train & val
    if len(expected) > 1:
        assert val and train | val == expected


@pytest.mark.parametrize("number", range(10))
def test_a_document_that_is_most_of_the_text_is_trained_on(number):
    texts = [f"{number} " + "much of it, " * 500, *(f"and a word, number {other}" for other in range(9))]
    train, val = split_of(import_documents([(text, "x") for text in texts], "c", ImportOptions(held_out=0.5)))
    assert val and max(train, key=len).count("much") == 500


@pytest.mark.parametrize("number", range(40))
def test_a_single_document_is_never_held_out_whole(number):
    corpus = import_documents([(f"The one and only document, number {number}.", "x")], "c", ImportOptions(held_out=0.5))
    assert corpus.manifest.train.documents == corpus.manifest.val.documents == 1


@pytest.mark.parametrize("separator", ["\n", " ", ""])
def test_of_one_document_the_last_tenth_is_held_out(separator):
    text = separator.join(f"Line{n:03}" for n in range(100))
    corpus = import_documents([(text, "x")], "c")
    (beginning,), (end,) = corpus.documents("train"), corpus.documents("val")
    assert beginning + separator + end == text
    assert 0.05 < len(end) / len(text) <= 0.1


# Files, and what is said of them.


@pytest.fixture
def books(tmp_path):
    """Four files: English with untidy ends, Chinese in GB18030, one empty, one that is no text."""
    path = tmp_path / "books"
    path.mkdir()
    (path / "english.txt").write_bytes("\r\n\r\n".join(text * 50 for text, _source in documents(20)).encode())
    (path / "chinese.txt").write_bytes(("芳林新叶催陈叶，流水前波让后波。\n" * 100).encode("gb18030"))
    (path / "empty.txt").touch()
    (path / "picture.txt").write_bytes(bytes(range(256)) * 50)
    return path


def test_the_report_tells_how_it_went(books):
    corpus = import_files([books], "c", ImportOptions(held_out=0.1))
    report = corpus.report
    assert report["origin"] == [str(books)]
    assert report["options"]["documents"] == "auto" and report["options"]["held_out"] == 0.1
    assert report["sources"] == 2 and report["encodings"] == {"utf-8": 1, "gb18030": 1}
    english, chinese = report["largest_sources"]
    assert (english["source"], english["encoding"]) == ("books/english.txt", "utf-8")
    assert (chinese["source"], chinese["encoding"]) == ("books/chinese.txt", "gb18030")
    assert english["documents"] + chinese["documents"] == corpus.manifest.total.documents
    assert english["bytes"] + chinese["bytes"] == corpus.manifest.total.bytes
    assert {skipped["source"]: skipped["reason"] for skipped in report["skipped"]} == {
        "books/empty.txt": "it is empty",
        "books/picture.txt": "it is not text",
    }
    assert report["skipped_in_all"] == 2
    assert report["cleaning"]["steps"]["white_space"]["changed"] > 0
    assert report["unreadable_characters"] == report["duplicates"] == 0
    texts = list(corpus.documents())
    assert report["samples"][0] == texts[0][:600] and report["samples"][-1] == texts[-1][:600]
    lengths = sorted(map(len, texts))
    assert (report["lengths"]["shortest"], report["lengths"]["longest"]) == (lengths[0], lengths[-1])
    assert sum(report["lengths"]["histogram"].values()) == len(texts)
    assert set(report["languages"]) == {"en", "zh"} and abs(sum(report["languages"].values()) - 1) < 0.001


def test_unreadable_characters_are_counted(tmp_path):
    (tmp_path / "a.txt").write_bytes("芳林新叶催陈叶。\n".encode() * 50 + b"\xff")
    assert import_files([tmp_path], "c").report["unreadable_characters"] == 1


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("auto", {"One\ntwo\n\nthree"}),
        ("file", {"One\ntwo\n\nthree"}),
        ("paragraph", {"One\ntwo", "three"}),
        ("line", {"One", "two", "three"}),
    ],
)
def test_the_person_says_what_a_document_is(tmp_path, mode, expected):
    (tmp_path / "a.txt").write_text("One\ntwo\n\nthree\n")
    (tmp_path / "b.txt").write_text("Another file.\n")
    corpus = import_files([tmp_path], "c", ImportOptions(documents=mode))
    assert set(corpus.documents()) == expected | {"Another file."}


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are UTF-8")
def test_a_file_may_have_any_name(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xca\xe9.txt")
    Path(path).write_text("\n".join(text for text, _source in documents(30)))
    said = []
    corpus = import_files([path], "c", progress=lambda done, total, message="", **metrics: said.append(message))
    assert corpus.report["origin"] == [path]
    assert {corpus.report["largest_sources"][0]["source"]} == {"\ufffd\ufffd.txt"} <= set(said)


def test_progress_goes_from_the_beginning_to_the_end(books):
    steps = []
    import_files([books], "c", progress=lambda done, total, message="", **metrics: steps.append((done, total, message)))
    shares = [done / total for done, total, _message in steps]
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] == 1


# What goes wrong leaves nothing.


def test_when_nothing_is_left_the_first_reason_is_told(books):
    with pytest.raises(UserError, match=r"empty\.txt was not imported: it is empty\. So were 1 others\."):
        import_files([books / "empty.txt", books / "picture.txt"], "c")
    with pytest.raises(UserError, match=r"picture\.txt was not imported: it is not text\.$"):
        import_files([books / "picture.txt"], "c")
    assert kept() == []


def test_blank_text_is_no_corpus(tmp_path):
    (tmp_path / "a.txt").write_text("\n \n\t\n")
    with pytest.raises(UserError, match="only blank lines"):
        import_files([tmp_path], "c")
    assert kept() == []


def test_a_missing_path_is_told_before_anything_is_made(tmp_path):
    with pytest.raises(UserError, match="no file or folder"):
        import_files([tmp_path / "absent"], "c")
    assert kept() == []


def test_a_name_is_taken_once():
    before = import_documents(documents(5), "c")
    with pytest.raises(UserError, match=r"c exists already.*newleaf corpus remove c"):
        import_documents(documents(6), "c")
    assert Corpus.open("c").manifest == before.manifest
    store.remove("corpora", "c")
    assert import_documents(documents(6), "c").manifest.total.documents == 6


@pytest.mark.parametrize("name", ["", "a/b", "..", ".x"])
def test_a_name_that_cannot_be_makes_nothing(name):
    with pytest.raises(UserError, match="cannot be used"):
        import_documents(documents(5), name)
    assert kept() == []


@pytest.mark.parametrize("moment", [0, 0.5, 0.95])
def test_a_cancelled_import_leaves_nothing(books, moment):
    def stop(done, total, message="", **metrics):
        if done >= moment * total:
            raise Cancelled

    with pytest.raises(Cancelled):
        import_files([books / "english.txt"], "c", progress=stop)
    assert kept() == []


def test_documents_that_fail_on_the_way_leave_nothing():
    def failing():
        yield from documents(50)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        import_documents(failing(), "c")
    assert kept() == []


# Real text.


def test_a_real_book(real_text):
    corpus = import_files([real_text("kjv.txt")], "kjv")
    assert corpus.manifest.total.documents > 500
    assert next(corpus.documents()).startswith("Genesis 1\n")
    assert "In the beginning God created the heaven and the earth." in next(corpus.documents())
    assert 0.03 < corpus.manifest.val.bytes / corpus.manifest.total.bytes < 0.07
    assert "".join("".join(corpus.documents()).split()) == "".join(real_text("kjv.txt").read_text().split())


def test_the_languages_of_many_documents_are_not_those_of_the_first_ones(newleaf_home):
    chinese = [(f"第{n}章，春天来了，花开了，鸟儿在树上歌唱。", "a") for n in range(200)]
    english = [(f"In chapter {n} the heron stands in the water and waits for a fish.", "b") for n in range(60_000)]
    languages = import_documents(chinese + english, "c", ImportOptions(near_duplicates="off")).report["languages"]
    assert languages["en"] > 0.99


def test_of_standard_input_it_is_told_how_much_was_read_and_not_how_much_is_left(newleaf_home, monkeypatch):
    text = "\n\n".join(f"Line {n} says that the number is {n * n}." for n in range(60_000)).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    told = []
    options = ImportOptions(documents="paragraph", near_duplicates="off")
    import_files(["-"], "c", options, lambda *seen, **rate: told.append((seen, rate)))
    reading = [(seen, rate) for seen, rate in told if "MB" in seen[2]]
    assert all(seen[0] == 0 for seen, _rate in reading) and reading[-1][1]["bytes_per_second"] > 0
    assert reading[-1][0][2].startswith("standard input, ")


def test_a_text_at_which_cleaning_fails_costs_that_text_alone(newleaf_home, monkeypatch):
    clean = Cleaner.clean

    def failing(self, text, *more):
        if "bad" in text:
            raise ValueError("nobody foresaw this")
        return clean(self, text, *more)

    monkeypatch.setattr(Cleaner, "clean", failing)
    texts = [(f"Text {n}.", "a") for n in range(9)]
    corpus = import_documents([*texts, ("A bad one\u200b.", "b")], "c")
    assert corpus.manifest.total.documents == 9
    assert "nobody foresaw this" in str(corpus.report)


@pytest.mark.parametrize("preset", ["standard", pytest.param("none", marks=pytest.mark.long)])
def test_a_file_of_many_lines_gives_the_same_however_it_is_read(newleaf_home, tmp_path, preset):
    letters = "etaoin shrdlu 春眠不觉晓"
    lines = []
    for number in range(6000):
        digits = hashlib.sha256(str(number % 5000).encode()).digest() * 12
        text = "".join(letters[digit % len(letters)] for digit in digits) + "\u200b" * (number % 9 == 0)
        lines.append(json.dumps({"id": number, "text": text}, ensure_ascii=False))
    lines[4500], lines[5500], lines[5501] = "no JSON", '{"id": 1}', '{"text": "half a pair: \\ud83d"}'
    path = tmp_path / "lines.jsonl"
    path.write_text("\n".join(lines))
    in_parts = import_files([path], "parts", ImportOptions(clean=preset))
    text_by_text = import_files([path], "texts", ImportOptions(clean=preset, limit=1 << 40))
    assert list(in_parts.rows()) == list(text_by_text.rows())
    assert in_parts.manifest.fingerprint == text_by_text.manifest.fingerprint
    reports = [corpus.report | {"options": {}} for corpus in (in_parts, text_by_text)]
    assert reports[0] == reports[1] and reports[0]["skipped_in_all"] == 3
    assert reports[0]["duplicates"] == (998 if preset == "standard" else 0)
