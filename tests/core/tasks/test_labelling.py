"""All texts of a file get labels, in a new file that is the same however often the work was broken off."""

import csv
import json
import shutil

import pytest

from newleaf.core.errors import UserError
from newleaf.core.progress import Cancelled
from newleaf.core.tasks import labelling
from newleaf.core.tasks.labelling import label_file

IDENTITY = {"model": "m", "labels": ["long", "short"]}
TEXTS = [
    "One line.",
    'Two lines:\nwith "quotes", and a comma',
    "",
    "A line separator\u2028and a next line\x85 in one text",
    "\r\nCarriage returns\r\n\r\n",
    "好的，狐狸说它会回来。",
    "\ta tab\t",
    "The fox said that it would come back, and it came.\n\n\nIt did.",
    "=1+1",
    "   ",
]


class Lengths:
    """Labels by how long a text is; `most` texts at most are looked at before somebody has had enough."""

    def __init__(self, most=10**9):
        self.most = most

    def weigh(self, texts, progress=None, cancelled=lambda: False):
        cancelled()
        self.most -= len(texts)
        if self.most < 0:
            raise Cancelled
        assert all(text.strip() for text in texts)
        return [self.one("long" if len(text) > 20 else "short", len(text)) for text in texts]

    def one(self, label, length):
        sure = 1 - 1 / (2 + length)
        return {"label": label, "probabilities": {label: sure, "the other": 1 - sure}}


def write_rows(path, rows):
    """The rows in a file of the kind that its name says."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[0]), delimiter="," if path.suffix == ".csv" else "\t")
            table.writeheader()
            table.writerows(rows)
    return path


def read_rows(path):
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="," if path.suffix == ".csv" else "\t"))


ROWS = [{"id": str(number), "text": text} for number, text in enumerate(TEXTS)]


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch):
    monkeypatch.setattr(labelling, "TOGETHER", 3)


# What comes out.


@pytest.mark.parametrize("source", ["a.csv", "a.tsv", "a.jsonl", "a.json"])
@pytest.mark.parametrize("target", ["b.csv", "b.tsv", "b.jsonl"])
def test_each_row_has_its_label_and_all_else_that_it_had(tmp_path, source, target):
    path = write_rows(tmp_path / source, ROWS)
    before = path.read_bytes()
    told = []
    found = label_file(
        Lengths(), IDENTITY, path, tmp_path / target, progress=lambda done, total, message="": told.append(done / total)
    )
    rows = read_rows(tmp_path / target)
    assert [row["id"] for row in rows] == [row["id"] for row in ROWS]
    for row, text in zip(rows, TEXTS, strict=True):
        assert row["text"].split() == text.split()
        if text.strip():
            assert row["label"] == ("long" if len(row["text"]) > 20 else "short")
            assert 0.5 <= float(row["probability"]) <= 1
        else:
            assert row["label"] == row["probability"] == ""
    assert (found.rows, found.before, found.column) == (len(TEXTS), 0, "text")
    assert sum(found.counts.values()) == len(TEXTS) and found.counts[""] == 2
    assert path.read_bytes() == before
    assert {each.name for each in tmp_path.iterdir()} == {source, target}
    assert max(told) == 1.0


def test_the_column_is_found_or_named(tmp_path):
    rows = [{"a": "1", "b": f"Some words of the row {n}.", "c": f"x {n}"} for n in range(5)]
    path = write_rows(tmp_path / "a.csv", rows)
    assert label_file(Lengths(), IDENTITY, path, tmp_path / "b.csv").column == "b"
    assert label_file(Lengths(), IDENTITY, path, tmp_path / "c.csv", "c").counts == {"short": 5}
    with pytest.raises(UserError, match="no column d"):
        label_file(Lengths(), IDENTITY, path, tmp_path / "d.csv", "d")


@pytest.mark.parametrize("target", ["b.csv", "b.jsonl"])
def test_columns_that_are_called_so_already_stay(tmp_path, target):
    rows = [{"text": f"Some words of the row {n}.", "label": "mine", "probability": "no"} for n in range(7)]
    label_file(Lengths(), IDENTITY, write_rows(tmp_path / "a.csv", rows), tmp_path / target)
    for row in read_rows(tmp_path / target):
        assert (row["label"], row["probability"]) == ("mine", "no")
        assert row["predicted_label"] == "long" and float(row["predicted_probability"]) > 0.5


def test_rows_of_which_some_lack_a_column_keep_their_columns_in_a_table(tmp_path):
    rows = [
        {"text": f"Some words of the row {n}.", **({"label": "mine", "more": "m"} if n % 2 else {})} for n in range(9)
    ]
    label_file(Lengths(), IDENTITY, write_rows(tmp_path / "a.jsonl", rows), tmp_path / "b.csv")
    for number, row in enumerate(read_rows(tmp_path / "b.csv")):
        assert row["predicted_label"] == "long" and row["text"] == f"Some words of the row {number}."
        assert row["label"] == ("mine" if number % 2 else "")
        assert row["more"] == ("m" if number % 2 else "")


def test_bad_lines_are_told_with_their_number_and_the_rest_is_labelled(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "Some words."}\n{"text": \n{"text": "Other words."}\n')
    found = label_file(Lengths(), IDENTITY, path, tmp_path / "b.jsonl")
    assert found.rows == 2 and [where for where, _reason in found.left_out] == ["line 2"]
    (tmp_path / "a.csv").write_text("id,text\n1,Some words\n2,too,many,fields\n3,Other words\n")
    found = label_file(Lengths(), IDENTITY, tmp_path / "a.csv", tmp_path / "b.csv")
    assert found.rows == 2 and [where for where, _reason in found.left_out] == ["line 3"]


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("a.csv", "b.xlsx", "must end in one of"),
        ("a.csv", "there.csv", "exists already"),
        ("empty.csv", "b.csv", "empty"),
        ("a.txt", "b.csv", "is no table"),
        ("broken.csv", "b.csv", "."),
    ],
)
def test_what_cannot_be_labelled_is_told(tmp_path, source, target, words):
    write_rows(tmp_path / "a.csv", ROWS)
    (tmp_path / "there.csv").write_text("mine")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "a.txt").write_text("Only text, and nothing but text.")
    (tmp_path / "broken.csv").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(UserError, match=words):
        label_file(Lengths(), IDENTITY, tmp_path / source, tmp_path / target)
    assert (tmp_path / "there.csv").read_text() == "mine"


# Broken off, and gone on with.


def broken_off(tmp_path, source, target, most):
    """What a first try leaves that was cancelled after so many texts; and what comes out where none was."""
    path = write_rows(tmp_path / source, ROWS)
    whole = tmp_path / f"whole{target.suffix}"
    label_file(Lengths(), IDENTITY, path, whole)
    with pytest.raises(Cancelled):
        label_file(Lengths(most), IDENTITY, path, target)
    assert not target.exists()
    return path, whole.read_bytes()


@pytest.mark.parametrize("source", ["a.csv", "a.jsonl"])
@pytest.mark.parametrize("target", ["b.csv", "b.tsv", "b.jsonl"])
def test_gone_on_with_it_is_the_same_file_byte_for_byte(tmp_path, source, target):
    path, whole = broken_off(tmp_path, source, tmp_path / target, 6)
    found = label_file(Lengths(), IDENTITY, path, tmp_path / target)
    assert (tmp_path / target).read_bytes() == whole
    assert 0 < found.before < found.rows == len(TEXTS) and sum(found.counts.values()) == len(TEXTS)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("target", ["b.csv", "b.jsonl"])
def test_a_kill_at_any_byte_changes_nothing(tmp_path, target):
    target = tmp_path / target
    path, whole = broken_off(tmp_path, "a.csv", target, 7)
    partial = tmp_path / f".{target.name}.partial"
    state = tmp_path / f".{target.name}.partial.json"
    left, known = partial.read_bytes(), state.read_bytes()
    counts = label_file(Lengths(), IDENTITY, path, target).counts
    for size in range(0, len(left) + 1, 1 if target.suffix == ".csv" else 7):
        target.unlink()
        partial.write_bytes(left[:size])
        state.write_bytes(known)
        found = label_file(Lengths(), IDENTITY, path, target)
        assert target.read_bytes() == whole, size
        assert found.counts == counts, size


@pytest.mark.parametrize("changed", ["model", "labels", "source", "column"])
def test_what_another_model_labels_or_file_began_is_begun_anew(tmp_path, changed):
    path, _whole = broken_off(tmp_path, "a.csv", tmp_path / "b.csv", 6)
    identity, column = dict(IDENTITY), None
    if changed == "source":
        write_rows(path, [{**row, "text": row["text"].upper()} for row in ROWS])
    elif changed == "column":
        column = "id"
    else:
        identity[changed] = "other"
    found = label_file(Lengths(), identity, path, tmp_path / "b.csv", column)
    assert found.before == 0 and found.rows == len(TEXTS)
    shutil.copy(tmp_path / "b.csv", tmp_path / "first.csv")
    (tmp_path / "b.csv").unlink()
    label_file(Lengths(), identity, path, tmp_path / "b.csv", column)
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "first.csv").read_bytes()


def test_rows_of_different_columns_go_on_as_they_began(tmp_path):
    rows = [{"text": f"Some words of the row {n}.", **({"first": "1"} if n < 2 else {"later": "2"})} for n in range(9)]
    path = write_rows(tmp_path / "a.jsonl", rows)
    label_file(Lengths(), IDENTITY, path, tmp_path / "whole.csv")
    with pytest.raises(Cancelled):
        label_file(Lengths(5), IDENTITY, path, tmp_path / "b.csv")
    label_file(Lengths(), IDENTITY, path, tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_who_breaks_it_off_in_the_middle_of_many_rows_is_heard(tmp_path):
    path, asked = write_rows(tmp_path / "a.csv", ROWS), []

    def progress(done, total, message=""):
        asked.append(done)
        if len(asked) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        label_file(Lengths(), IDENTITY, path, tmp_path / "b.csv", progress=progress)
    assert label_file(Lengths(), IDENTITY, path, tmp_path / "b.csv").before == 3


def test_texts_that_files_hold_with_pains_are_labelled_too(tmp_path):
    path = tmp_path / "a.jsonl"
    texts = [
        "Half a character: \ud83d.",
        "Very long. " * 20_000,
        "A zero:\0.",
        "The last but one.",
        "The last of the texts.",
    ]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    for name in ("b.csv", "b.jsonl"):
        label_file(Lengths(), IDENTITY, path, tmp_path / f"whole-{name}")
        with pytest.raises(Cancelled):
            label_file(Lengths(3), IDENTITY, path, tmp_path / name)
        found = label_file(Lengths(), IDENTITY, path, tmp_path / name)
        assert (found.rows, found.before) == (4, 3) and found.left_out[0][0] == "line 1"
        assert (tmp_path / name).read_bytes() == (tmp_path / f"whole-{name}").read_bytes()
