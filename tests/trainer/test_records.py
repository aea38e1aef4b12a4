"""The records of a fine-tuning: read, checked and encoded once, with all that was left out told."""

import json

import numpy as np
import pytest
from toys import answered, classified, write

from newleaf.core.errors import UserError
from newleaf.core.tasks.all import task_of
from newleaf.core.tasks.data.options import DataOptions
from newleaf.core.tasks.encoding import encode_record
from newleaf.core.tasks.template import teach_to_chat
from newleaf.trainer.records import Source, prepare_records, report_text


@pytest.fixture(scope="module")
def tokenizer(prepared, tmp_path_factory):
    return teach_to_chat(prepared / "models" / "tiny", tmp_path_factory.mktemp("taught") / "tokenizer")


@pytest.fixture
def prepare(tmp_path, tokenizer):
    """A function from tasks and their rows to the records."""

    (tmp_path / "job").mkdir()

    def make(longest=128, options=None, **tasks):
        sources = []
        for name, rows in tasks.items():
            path = rows if isinstance(rows, str) else write(tmp_path / f"{name}.jsonl", rows)
            sources.append(Source(name, (path,)))
        return prepare_records(tmp_path / "job", sources, options or DataOptions(), tokenizer, longest)

    return make


def test_all_records_are_there_in_tokens_once(prepare, tokenizer):
    records = prepare(classify=classified(), qa=answered())
    counts = records.report["counts"]
    examples = records.examples("train")
    assert counts["train"] == len(examples.ends) and counts["val"] == len(records.examples("val").ends)
    assert counts["train"] + counts["val"] == 2 * len(classified())
    held_out = records.held_out()
    learnt = {tuple(examples.one(index)[0].tolist()) for index in range(len(examples.ends))}
    for name, rows in (("classify", classified()), ("qa", answered())):
        for row in rows:
            tokens = tuple(encode_record(task_of(name), tokenizer, row, 128).tokens)
            assert (tokens in learnt) != ((name, row) in held_out)
    assert counts["train_answer_tokens"] == int(examples.learnt.sum())
    assert records.tasks["classify"]["labels"] and records.tasks["qa"]["records"] > 100


def test_they_are_read_once_whatever_becomes_of_the_file(prepare, tmp_path):
    before = prepare(classify=classified())
    (tmp_path / "classify.jsonl").write_text("nonsense")
    again = prepare(classify=str(tmp_path / "classify.jsonl"))
    assert again.report == before.report
    assert np.array_equal(again.examples("train").tokens, before.examples("train").tokens)
    (tmp_path / "classify.jsonl").unlink()
    assert again.held_out() == before.held_out()


def test_what_cannot_be_used_is_told_with_its_place_and_the_rest_is_taken(prepare, tmp_path):
    rows = "".join(json.dumps(row) + "\n" for row in classified())
    (tmp_path / "bad.jsonl").write_text(
        rows + '{"text": "A cat", "label": ""}\n{"text": \n{"text": "", "label": "dog"}\n'
    )
    records = prepare(classify=str(tmp_path / "bad.jsonl"))
    problems = records.report["problems"]
    number = len(classified())
    assert [f"line {number + more}" in problem for more, problem in enumerate(problems, 1)] == [True] * 3
    assert "its label is empty" in problems[0] and "its text is empty" in problems[2]
    assert any("3 cannot be used. The first:" in text for text in report_text(records.report))


def test_a_strict_reading_ends_at_the_first_problem(prepare, tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"text": "A cat", "label": "cat"}\n{"text": "A dog", "label": ""}\n')
    with pytest.raises(UserError, match=r"line 2.*its label is empty"):
        prepare(classify=str(tmp_path / "bad.jsonl"), options=DataOptions(strict=True))
    assert not (tmp_path / "job" / "records").exists()


def test_long_records_are_cut_or_left_out_and_counted(prepare):
    rows = [
        *answered(),
        *({"question": f"Who {n}?", "context": "The cow is here. " * 40, "answer": "cow"} for n in range(20)),
        *({"question": f"Why {n}?", "context": "", "answer": "Because it is so. " * 40} for n in range(30)),
    ]
    records = prepare(qa=rows)
    counts = records.report["counts"]
    assert counts["train_cut"] + counts["val_cut"] == 20
    assert counts["train_too_long"] + counts["val_too_long"] == 30
    assert max(records.examples("train").lengths) <= 128
    told = " ".join(report_text(records.report))
    assert "20 are longer than the model sees" in told and "30 are too long to be cut" in told


def test_the_label_of_a_record_that_is_left_out_is_none(prepare):
    rows = [*classified(), {"text": "Good.", "label": "L" * 300}]
    records = prepare(classify=rows)
    assert records.report["counts"]["train_too_long"] + records.report["counts"]["val_too_long"] == 1
    assert records.tasks["classify"]["labels"] == task_of("classify").about(classified())["labels"]


def test_one_label_is_none_to_tell_from_another(prepare, tmp_path):
    with pytest.raises(UserError, match="All records have the label good"):
        prepare(classify=[{"text": f"Text {number}.", "label": "good"} for number in range(30)])
    assert not (tmp_path / "job" / "records").exists()


def test_where_all_are_too_long_it_is_told(prepare, tmp_path):
    rows = [{"question": f"Why {n}?", "context": "", "answer": "Because it is so. " * 40} for n in range(30)]
    with pytest.raises(UserError, match="each is longer than the 127 tokens that the model sees"):
        prepare(qa=rows)
    assert not (tmp_path / "job" / "records").exists()


def test_an_unknown_language_is_told(prepare, tmp_path):
    rows = [{"source": f"miu {n}", "target": f"vau {n}"} for n in range(20)]
    with pytest.raises(UserError, match="language"):
        prepare(translate=rows)
    with pytest.raises(UserError, match="klingon"):
        prepare(translate=rows, options=DataOptions(source_language="klingon", target_language="en"))


def test_two_files_of_one_task_are_one_task(tmp_path, tokenizer):
    (tmp_path / "job").mkdir()
    paths = [write(tmp_path / f"{n}.jsonl", classified()[n::2]) for n in range(2)]
    some = [{"text": f"Text {n}", "label": ("new", "newer")[n % 2]} for n in range(30)]
    sources = [Source("classify", tuple(paths)), Source("classify", (write(tmp_path / "some.jsonl", some),))]
    records = prepare_records(tmp_path / "job", sources, DataOptions(), tokenizer, 128)
    assert {"cat", "fox", "new", "newer"} <= {*records.tasks["classify"]["labels"]}
    assert records.tasks["classify"]["records"] == records.report["counts"]["train"]


def test_the_first_held_out_records_are_of_all_kinds_though_the_file_is_sorted(prepare):
    rows = [{"text": f"Number {n}", "label": "low" if n < 300 else "high"} for n in range(600)]
    held_out = prepare(classify=rows).held_out()
    labels = [record["label"] for _task, record in held_out[:20]]
    assert len(held_out) > 30 and {"low", "high"} == set(labels)
