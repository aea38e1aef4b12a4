"""A model is measured by a job, on a corpus or at a task, beside a simple method."""

import pytest
from toys import go_on, here, write

from newleaf.core.errors import UserError
from newleaf.core.files import read_object
from newleaf.core.home import folder
from newleaf.core.model.store import ModelInfo
from newleaf.core.scores.report import Evaluation
from newleaf.core.tasks.data.options import DataOptions
from newleaf.trainer import evaluating as the_work
from newleaf.trainer.evaluation_options import EvaluationOptions
from newleaf.trainer.work import evaluating

ROWS = [{"text": f"The text {n} is {('good', 'bad')[n % 2]}.", "label": ("good", "bad")[n % 2]} for n in range(60)]


def result_of(job):
    assert job.status()["state"] == "finished", job.status()
    return read_object(job.path / "evaluation.json")


def test_on_a_corpus_it_is_bits_per_byte(book, tiny_model, monkeypatch):
    job, _messages = here(monkeypatch, evaluating.submit, "tiny", ["book"])
    found = result_of(job)
    assert found["corpus"] == "book" and found["model"] == "tiny" and found["tokens"] > 100
    assert 3 < found["bits_per_byte"] < 30
    assert (
        job.status()["message"] == found["verdict"] == f"{found['bits_per_byte']:.4f} bits per byte of held-out text."
    )


def test_on_records_it_is_the_tasks_scores_with_intervals_and_mistakes(taught_model, monkeypatch, tmp_path):
    path = write(tmp_path / "c.jsonl", ROWS)
    job, _messages = here(
        monkeypatch, evaluating.submit, "taught", [path], "classify", EvaluationOptions(everything=True)
    )
    found = result_of(job)
    evaluation = Evaluation.from_dict(found["evaluation"])
    assert evaluation.main.name == "accuracy" and evaluation.records == 60
    assert evaluation.main.low <= evaluation.main.value <= evaluation.main.high
    assert evaluation.main.baseline is not None
    assert found["taught"] and found["problems"] == 0 and found["seconds_a_record"] > 0
    assert found["verdict"] == f"classification: accuracy {evaluation.main.value:.3f}"
    again, _messages = here(
        monkeypatch, evaluating.submit, "taught", [path], "classify", EvaluationOptions(everything=True)
    )
    assert result_of(again)["evaluation"] == found["evaluation"]


def test_only_the_held_out_or_so_many_records_are_measured(taught_model, monkeypatch, tmp_path):
    path = write(tmp_path / "c.jsonl", ROWS)
    numbers = []
    for options in (EvaluationOptions(), EvaluationOptions(records=3), EvaluationOptions(everything=True, records=10)):
        job, _messages = here(monkeypatch, evaluating.submit, "taught", [path], "classify", options)
        numbers.append(result_of(job)["evaluation"]["records"])
    assert 3 < numbers[0] < 20 and numbers[1:] == [3, 10]


def test_translations_are_written_as_the_options_say(taught_model, monkeypatch, tmp_path):
    path = write(tmp_path / "t.jsonl", [{"en": f"Text {n}.", "zh": f"文{n}。"} for n in range(8)])
    options = EvaluationOptions(records=2, beams=1, everything=True)
    job, _messages = here(monkeypatch, evaluating.submit, "taught", [path], "translate", options, DataOptions())
    assert result_of(job)["verdict"].startswith("translation: chrf")


def test_one_that_was_not_taught_takes_the_labels_of_the_records(tiny_model, monkeypatch, tmp_path):
    path = write(tmp_path / "c.jsonl", [{"text": f"A {n}", "label": "ab"[n % 2]} for n in range(30)])
    job, _messages = here(monkeypatch, evaluating.submit, "tiny", [path], "classify")
    assert not result_of(job)["taught"]


def test_a_cancel_ends_it_and_it_can_be_begun_again(taught_model, monkeypatch, tmp_path):
    path, true, answered = write(tmp_path / "c.jsonl", ROWS * 1), the_work.solve, []

    def solve(writer, task, records, about, values, progress):
        def stop(done, total, message="", **metrics):
            answered.append(done)
            (folder("jobs") / "evaluate-taught" / "stop").touch()
            reporters[0].request_stop()
            progress(done, total, message)

        return true(writer, task, records, about, values, stop)

    reporters = []
    real = the_work.evaluate
    monkeypatch.setattr(the_work, "evaluate", lambda job, reporter: (reporters.append(reporter), real(job, reporter)))
    with monkeypatch.context() as patch:
        patch.setattr(the_work, "solve", solve)
        job, _messages = here(patch, evaluating.submit, "taught", [path], "classify")
    assert job.status()["state"] == "stopped" and answered
    assert not (job.path / "evaluation.json").exists()
    (job.path / "stop").unlink(missing_ok=True)
    assert result_of(go_on(job)[0])["evaluation"]["records"] > 3


def test_what_cannot_be_measured_is_told_before_anything_is_made(taught_model, tiny_model, book):
    for arguments, words in (
        (("absent", ["book"]), "no model absent"),
        (("tiny", ["x.csv"]), "Say what the records in x.csv are: --task"),
        (("taught", ["x.csv"]), "Say what the records in x.csv are: --task"),
        (("taught", ["x.csv"], "sing"), "no task sing"),
    ):
        with pytest.raises(UserError, match=words):
            evaluating.submit(*arguments)
    assert not list(folder("jobs").glob("*"))
    assert len(ModelInfo.open("taught").taught) == 4


@pytest.mark.parametrize("data", ["absent.csv", "empty.jsonl"])
def test_data_without_records_is_told(taught_model, monkeypatch, tmp_path, data):
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(UserError):
        here(monkeypatch, evaluating.submit, "taught", [str(tmp_path / data)], "classify")
