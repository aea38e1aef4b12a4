"""Questions, summaries and classification from tables and lists: columns are found or named, and each wrong record is
told with its file and its line."""

import gzip
import json
import zipfile
from itertools import islice

import pyarrow as pa
import pytest
from pyarrow import parquet

from newleaf.core.corpus.readers import parquet as parquet_reader
from newleaf.core.errors import UserError
from newleaf.core.tasks.all import task_of
from newleaf.core.tasks.data.found import MOST_PROBLEMS
from newleaf.core.tasks.data.options import DataOptions
from newleaf.core.tasks.data.reading import preview, read_records

CLASSIFY, SUMMARY, QA = task_of("classify"), task_of("summary"), task_of("qa")
REVIEWS = [{"text": f"The film number {n} was rather long.", "label": ("good", "bad")[n % 2]} for n in range(12)]


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that writes a file and gives its path."""
    monkeypatch.chdir(tmp_path)

    def written(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return written


def lines(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def csv(rows, separator=","):
    return "".join(separator.join(map(str, row)) + "\n" for row in rows)


def read(task, path, *columns, **options):
    return read_records(task, [path], DataOptions(column=list(columns), **options))


def problems(data):
    return [(problem.file, problem.where, problem.reason) for problem in data.problems]


# Kinds of files.


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", lines(REVIEWS)),
        ("a.json", json.dumps(REVIEWS)),
        ("a.json", json.dumps({"version": 1, "data": REVIEWS}, indent=1)),
        ("a.csv", csv([["text", "label"], *([row["text"], row["label"]] for row in REVIEWS)])),
        ("a.tsv", csv([["id", "Label", "Text"], *([9, row["label"], row["text"]] for row in REVIEWS)], "\t")),
        ("a.txt", csv([["text", "label"], *([row["text"], row["label"]] for row in REVIEWS)], "\t")),
        ("a.txt", "".join(f"__label__{row['label']} {row['text']}\n" for row in REVIEWS)),
        ("a.jsonl.gz", gzip.compress(lines(REVIEWS).encode())),
    ],
    ids=["JSON Lines", "list", "record with a list", "CSV", "TSV", "table in a text file", "fastText", "packed"],
)
def test_the_same_records_come_out_of_any_kind_of_file(write, name, content):
    data = read(CLASSIFY, write(name, content))
    assert data.records == REVIEWS and data.problems == [] and data.files == 1


def test_parquet_is_read_with_labels_that_are_numbers(tmp_path):
    table = pa.table({"text": ["Some words.", "More words."], "label": [1, 0], "picture": [b"\0", b"\1"]})
    parquet.write_table(table, tmp_path / "a.parquet")
    data = read(CLASSIFY, str(tmp_path / "a.parquet"))
    assert [record["label"] for record in data.records] == ["1", "0"]


def test_an_archive_is_read_member_by_member(tmp_path):
    with zipfile.ZipFile(tmp_path / "box.zip", "w") as box:
        box.writestr("one.jsonl", lines(REVIEWS[:6]))
        box.writestr("two.jsonl", lines([{"text": "x"}, *REVIEWS[6:]]))
        box.writestr("README.md", "What this is.")
    data = read(CLASSIFY, str(tmp_path / "box.zip"))
    assert data.records == REVIEWS and data.files == 2
    assert problems(data) == [("box.zip/two.jsonl", "line 1", "its label is empty")]


@pytest.mark.parametrize(
    ("label", "text"), [(True, "true"), (3, "3"), (2.0, "2"), (0.5, "0.5"), (["one"], "one"), (" pos ", "pos")]
)
def test_labels_become_text(write, label, text):
    assert read(CLASSIFY, write("a.jsonl", lines([{"text": "Words.", "label": label}]))).records[0]["label"] == text


def test_summaries_are_read(write):
    rows = [{"id": 1, "article": "A long text.", "highlights": "Short."}]
    data = read(SUMMARY, write("a.jsonl", lines(rows)))
    assert data.records == [{"document": "A long text.", "summary": "Short."}]
    assert data.columns == {"document": "article", "summary": "highlights"}


# Questions.

SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "Leaves",
            "paragraphs": [
                {
                    "context": "Leaves are green.",
                    "qas": [
                        {"question": "Which colour?", "answers": [{"text": "green", "answer_start": 11}]},
                        {"question": "Which smell?", "answers": [], "is_impossible": True},
                        {"question": "Which size?", "answers": []},
                    ],
                }
            ],
        }
    ],
}


@pytest.mark.parametrize("indent", [None, 2])
def test_squad_is_read_and_an_impossible_question_has_its_own_answer(write, indent):
    data = read(QA, write("dev.json", json.dumps(SQUAD, indent=indent)))
    assert [(each["question"], each["answer"]) for each in data.records] == [
        ("Which colour?", "green"),
        ("Which smell?", "The text does not say."),
    ]
    assert {each["context"] for each in data.records} == {"Leaves are green."}
    assert problems(data) == [("dev.json", "record 1, question 3", "its answer is empty")]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (
            {"text": ["green", "all green"], "answer_start": [1, 2]},
            {"answer": "green", "answers": ["green", "all green"]},
        ),
        ({"text": ["green", "green"], "answer_start": [1, 2]}, {"answer": "green"}),
        ([{"text": "green"}, {"text": "lime"}], {"answer": "green", "answers": ["green", "lime"]}),
        ({"text": [], "answer_start": []}, {"answer": "The text does not say."}),
        (["", "green"], {"answer": "green"}),
        ("green", {"answer": "green"}),
        (7, {"answer": "7"}),
    ],
)
def test_the_first_of_several_answers_is_taught_and_all_are_right(write, answers, expected):
    row = {"id": "x", "title": "t", "question": "Which colour?", "context": "It is green.", "answers": answers}
    data = read(QA, write("a.jsonl", lines([row])))
    assert data.records == [{"question": "Which colour?", "context": "It is green."} | expected]


def test_a_question_needs_no_context(write):
    data = read(QA, write("a.csv", "问题,答案\n什么颜色,绿色\n"))
    assert data.records == [{"question": "什么颜色", "context": "", "answer": "绿色"}]
    assert data.columns == {"question": "问题", "answer": "答案"}


# Columns.


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("id,Review,Sentiment", {"text": "Review", "label": "Sentiment"}),
        ("id,评论,标签", {"text": "评论", "label": "标签"}),
        ("id,foo,bar", {"text": "foo", "label": "bar"}),
        ("foo,text,kind", {"text": "text", "label": "kind"}),
    ],
)
def test_columns_are_found_by_name_then_by_what_is_in_them(write, header, columns):
    rows = [[n, row["text"], row["label"]] for n, row in enumerate(REVIEWS)]
    data = read(CLASSIFY, write("a.csv", header + "\n" + csv(rows)))
    assert data.columns == columns and data.records == REVIEWS


def test_a_table_without_a_header_has_numbers_for_columns(write):
    path = write("a.csv", csv([row["label"], row["text"]] for row in REVIEWS))
    assert read(CLASSIFY, path).columns == {"text": "2", "label": "1"}
    assert read(CLASSIFY, path, "text=2", "label=1").records == REVIEWS


def test_an_empty_column_of_the_best_name_is_not_taken(write):
    data = read(CLASSIFY, write("a.csv", "label,category,text\n,pos,Some words.\n,neg,More words.\n"))
    assert data.columns == {"text": "text", "label": "category"}


def test_a_summary_is_the_shorter_of_two_columns(write):
    rows = [{"a": "A headline of words", "b": "Many more words than there are in the headline. " * 3}]
    assert read(SUMMARY, write("a.jsonl", lines(rows))).columns == {"document": "b", "summary": "a"}


def test_columns_are_named_by_the_person(write):
    rows = [{"text": "Not this.", "review": {"body": "This one."}, "Stars": 5}]
    data = read(CLASSIFY, write("a.jsonl", lines(rows)), "text=review.body", "label=stars")
    assert data.records == [{"text": "This one.", "label": "5"}]
    assert data.columns == {"text": "review.body", "label": "Stars"}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["label=stars"], r"^a\.csv: it has no column stars; there are: id, text, note\.$"),
        (["lable=note"], r"^--column lable=…: classify has no field lable; its fields are text, label\.$"),
        (["label"], r"^--column is label: write it as FIELD=NAME, such as text=review\.$"),
        ([], r"a\.csv: which column is label is not clear; there are: id, text, note; name it with "
             r"--column label=NAME\."),
    ],
)  # fmt: skip
def test_a_column_that_is_not_there_names_those_that_are(write, columns, message):
    path = write("a.csv", "id,text,note\n1,Some words.,first note\n2,More words.,second note\n")
    with pytest.raises(UserError, match=message):
        read(CLASSIFY, path, *columns)


# What is wrong is told by file and line.


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x", "its number of fields is 1 and not 2"),
        ("x,y,z", "its number of fields is 3 and not 2"),
        ('"never closed,x', "a quote in it is not closed"),
        ("Some words.,", "its label is empty"),
        (" ,good", "its text is empty"),
    ],
)
def test_a_bad_row_of_a_table_is_told_by_its_line(write, row, reason):
    rows = [f"{each['text']},{each['label']}" for each in REVIEWS]
    rows.insert(3, row)
    data = read(CLASSIFY, write("a.csv", "text,label\n" + "\n".join(rows) + "\n"))
    assert problems(data) == [("a.csv", "line 5", reason)] and data.records == REVIEWS


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"text": "cut off', "it is no JSON at character"),
        ("[1, 2]", "it is not a record with fields"),
        ('{"text": "Some words."}', "its label is empty"),
        ('{"text": null, "label": "x"}', "its text is empty"),
        ('{"text": 5, "label": "x"}', "its text is no text"),
        ('{"text": "Some words.", "label": {"a": 1}}', "its label is no text"),
        ('{"text": "Some words.", "label": ["a", "b"]}', "it has several labels"),
    ],
)
def test_a_bad_line_of_json_is_told(write, row, reason):
    data = read(CLASSIFY, write("a.jsonl", lines(REVIEWS[:4]) + row + "\n" + lines(REVIEWS[4:])))
    ((file, where, why),) = problems(data)
    assert (file, where) == ("a.jsonl", "line 5") and why.startswith(reason) and data.records == REVIEWS


def test_a_bad_record_of_a_list_is_told_by_its_number(write):
    data = read(CLASSIFY, write("a.json", json.dumps([*REVIEWS[:4], {"text": "x", "label": ""}])))
    assert problems(data) == [("a.json", "record 5", "its label is empty")]


def test_strict_stops_at_the_first_problem(write):
    path = write("a.csv", "text,label\nSome words.,\nMore words.,x\n")
    with pytest.raises(UserError, match=r"^a\.csv, line 2: its label is empty\. Without --strict it is left out"):
        read(CLASSIFY, path, strict=True)


def test_where_nothing_is_left_the_first_reasons_are_told(write):
    path = write("a.jsonl", lines([{"text": f"Words {n}", "label": ""} for n in range(9)]))
    with pytest.raises(UserError) as error:
        read(CLASSIFY, path)
    message = str(error.value)
    assert message.startswith("There is no record for classify in ") and "line 3: its label is empty." in message
    assert message.endswith("And 6 more.")


@pytest.mark.parametrize("content", ["", "[]", "\n\n", "text,label\n"])
def test_a_file_without_records_says_so(write, content):
    with pytest.raises(UserError, match="There is no record for classify"):
        read(CLASSIFY, write("a.csv" if "," in content else "a.json", content))


def test_a_text_is_no_table(write):
    with pytest.raises(UserError, match=r"a\.md: it is no table or list of records; give JSON, JSON Lines"):
        read(SUMMARY, write("a.md", "# A title\n\nSome words.\n"))


def test_so_many_problems_are_kept_and_the_others_counted(write):
    rows = [*REVIEWS, *({"text": f"Words {n}", "label": ""} for n in range(MOST_PROBLEMS + 5))]
    data = read(CLASSIFY, write("a.jsonl", lines(rows)))
    assert len(data.problems) == MOST_PROBLEMS and data.problems_in_all == MOST_PROBLEMS + 5


def test_a_file_that_cannot_be_used_leaves_the_others(write):
    write("data/a.jsonl", lines(REVIEWS))
    write("data/b.csv", "n,m\n1,2\n3,4\n")
    write("data/README.md", "What this is.")
    data = read(CLASSIFY, "data")
    assert data.records == REVIEWS and data.files == 1
    assert [problem.file for problem in data.problems] == ["data/b.csv"]


def test_duplicates_are_taken_once(write):
    data = read(CLASSIFY, write("a.jsonl", lines(REVIEWS + REVIEWS[:5])))
    assert data.records == REVIEWS and data.duplicates == 5
    other = read(CLASSIFY, write("b.jsonl", lines([REVIEWS[0], REVIEWS[0] | {"label": "else"}])))
    assert len(other.records) == 2


def test_problems_are_told_in_the_order_of_the_file(write):
    content = lines([{"text": "a"}, *REVIEWS]) + "{\n" + lines([{"text": "b"}]) + "[\n"
    assert [where for _file, where, _reason in problems(read(CLASSIFY, write("a.jsonl", content)))] == [
        "line 1", "line 14", "line 15", "line 16"
    ]  # fmt: skip
    with pytest.raises(UserError, match="line 1: its label is empty"):
        read(CLASSIFY, "a.jsonl", strict=True)


@pytest.mark.parametrize("whole", [50, 250])
def test_what_is_before_the_damage_of_a_file_stays(tmp_path, monkeypatch, whole):
    rows = pa.table({"text": [f"Text number {n}." for n in range(300)], "label": ["a", "b"] * 150})
    parquet.write_table(rows, tmp_path / "a.parquet")
    undamaged = parquet_reader._rows

    def damaged(file, columns):
        yield from islice(undamaged(file, columns), whole)
        raise pa.ArrowInvalid("a bad page")

    monkeypatch.setattr(parquet_reader, "_rows", damaged)
    data = read(CLASSIFY, str(tmp_path / "a.parquet"))
    assert len(data.records) == whole and data.files == 1
    assert problems(data) == [("a.parquet", "", "the file is damaged: a bad page")]


# Folders by label.


@pytest.fixture
def folders(write):
    """Texts in folders that are called like their labels."""
    for n in range(3):
        write(f"reviews/good/{n}.txt", f"A fine film,\nnumber {n}.\n")
        write(f"reviews/bad/{n}.html", f"<html><body><p>A dull film, number {n}.</p></body></html>")
    write("reviews/README.txt", "What this is.")
    write("reviews/bad/9.txt", "")
    return "reviews"


def test_the_folder_of_a_text_is_its_label(folders):
    data = read(CLASSIFY, folders)
    assert {(each["label"], each["text"]) for each in data.records} == {
        (label, text.format(n=n))
        for label, text in (("good", "A fine film,\nnumber {n}."), ("bad", "A dull film, number {n}."))
        for n in range(3)
    }
    assert problems(data) == [("reviews/bad/9.txt", "", "it is empty")]


def test_folders_may_be_named_each_or_be_in_an_archive(folders, tmp_path):
    data = read(CLASSIFY, folders)
    both = read_records(CLASSIFY, ["reviews/bad", "reviews/good"])
    assert both.records == data.records
    with zipfile.ZipFile("box.zip", "w") as box:
        for path in sorted(tmp_path.rglob("[0-8].*")):
            box.write(path, path.relative_to(tmp_path))
    assert read(CLASSIFY, "box.zip").records == data.records


def test_one_folder_of_texts_has_no_labels(folders):
    with pytest.raises(UserError, match="not in one of several folders of labels"):
        read(CLASSIFY, "reviews/good")


def test_a_preview_shows_texts_of_each_folder(folders):
    assert {record["label"] for record in preview(CLASSIFY, [folders], limit=4).records} == {"good", "bad"}


# Sizes.


def test_a_preview_reads_only_the_beginning(write):
    rows = [{"text": f"Text number {n} of all.", "label": n % 3} for n in range(50_000)]
    path = write("a.jsonl.gz", gzip.compress(lines(rows).encode(), 1)[:-1000])
    data = preview(CLASSIFY, [path], limit=5)
    assert [record["label"] for record in data.records] == ["0", "1", "2", "0", "1"]
    assert data.columns == {"text": "text", "label": "label"} and data.problems == []
    assert "cut off" in read(CLASSIFY, path).problems[-1].reason


def test_a_thousand_labels_and_a_long_document_are_read(write):
    rows = [{"text": f"Text number {n} of all.", "label": f"kind {n % 1000}"} for n in range(3000)]
    assert len({record["label"] for record in read(CLASSIFY, write("a.jsonl", lines(rows))).records}) == 1000
    long = "Words and more words. " * 240_000
    for name, content in (
        ("b.jsonl", lines([{"document": long, "summary": "Words."}])),
        ("b.csv", f'document,summary\n"{long}",Words.\n'),
    ):
        assert read(SUMMARY, write(name, content)).records == [{"document": long.strip(), "summary": "Words."}]


def test_progress_is_told_in_bytes(write):
    path, told = write("a.jsonl", lines(REVIEWS)), []
    read_records(CLASSIFY, [path], None, lambda done, total, message="", **metrics: told.append((done, total)))
    assert told[-1][0] == told[-1][1] == len(lines(REVIEWS))
