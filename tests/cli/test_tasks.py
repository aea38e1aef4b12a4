"""`newleaf finetune`, `classify`, `translate`, `summarize` and `evaluate` as a person and a script see them."""

import csv
import signal
import subprocess
import sys
import time

import pytest
from command_line import data, newleaf
from toys import classified, write

from newleaf.core.home import folder, home

QUICK = ["--steps", "2", "--batch-tokens", "256", "--scored", "2", "--device", "cpu", "--dtype", "float32"]


@pytest.fixture(autouse=True)
def home_exists():
    return home()


# A model learns, and is measured.


@pytest.mark.slow
def test_a_model_is_taught_used_and_measured(book, tiny_model, tmp_path):
    path = write(tmp_path / "c.jsonl", classified())
    done = newleaf("finetune", "tiny", path, "--task", "classify", "--name", "m", *QUICK, "--compile", "off")
    assert done.returncode == 0, done.stderr
    assert "Next: newleaf classify m" in done.stderr and "records to learn from" in done.stderr and done.stdout == ""
    found = data("classify", "m", "A red cat")
    assert {*found["probabilities"]} == {"cat", "dog", "cow", "pig", "hen", "fox"} and found["notices"] == []
    measured = data("evaluate", "m", path, "--records", "5")
    assert measured["task"] == "classify" and measured["evaluation"]["records"] == 5
    shown = newleaf("model", "show", "m")
    assert shown.returncode == 0 and "classification: accuracy" in shown.stdout and "from" in shown.stdout, shown.stderr
    assert "classification: accuracy" in (folder("models") / "m" / "README.md").read_text()


def test_records_are_shown_as_the_model_will_see_them(tiny_model, tmp_path):
    path = write(tmp_path / "c.jsonl", [{"text": "One <|end|> of 1", "label": "a"}, {"text": "Two", "label": ""}] * 3)
    done = newleaf("finetune", "tiny", f"classify={path}", "--preview")
    assert done.returncode == 0, done.stderr
    assert "<|user|>One <|end|> of 1<|end|><|assistant|>a<|end|>" in done.stdout and "its label is empty" in done.stderr
    (task,) = data("finetune", "tiny", path, "--task", "classify", "--preview")
    assert task["records"][0]["parts"][-1] == ["a<|end|>", True]
    assert not (folder("jobs") / "finetune-m").exists()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["finetune", "tiny", "c.jsonl", "--name", "m"], 2, "--task chat|qa|summary|translate|classify"),
        (["finetune", "tiny", "c.jsonl", "--task", "sing", "--name", "m"], 2, "--task"),
        (["finetune", "tiny", "c.jsonl", "--task", "chat"], 2, "--name NAME"),
        (["finetune", "tiny", "c.jsonl", "--task", "chat", "--name", "m", "--rank", "0"], 2, "--rank"),
        (["finetune", "absent", "c.jsonl", "--task", "chat", "--name", "m"], 1, "no model absent"),
        (["classify", "taught"], 1, "nothing to classify"),
        (["classify", "absent", "x"], 1, "no model absent"),
        (["classify", "taught", "x", "--out", "y.csv"], 2, "go with --input"),
        (["classify", "taught", "--input", "absent.csv", "--out", "y.csv"], 1, "no file absent.csv"),
        (["classify", "taught", "--input", "absent.csv"], 2, "--out FILE"),
        (["translate", "taught"], 1, "nothing to translate"),
        (["translate", "taught", "x", "--max-tokens", "none"], 2, "--max-tokens"),
        (["summarize", "taught"], 1, "nothing to sum up"),
        (["summarize", "taught", "x", "--style", "song"], 2, "--style"),
        (["summarize", "taught", "x", "--words", "few"], 2, "--words"),
        (["evaluate", "taught", "x.csv"], 1, "--task"),
        (["evaluate", "absent", "x.csv"], 1, "no model absent"),
        (["evaluate", "taught", "x.csv", "--task", "classify", "--records", "0"], 2, "--records"),
    ],
)
def test_what_cannot_be_has_one_sentence_and_its_exit_code(tiny_model, taught_model, words, code, sentence):
    done = newleaf(*words)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr and len(done.stderr.strip().splitlines()) == 1 and done.stdout == ""


# Texts.


def test_a_text_a_file_or_what_is_piped_is_sorted(taught_model, tmp_path):
    (tmp_path / "a.txt").write_text("It was good.")
    expected = data("classify", "taught", tmp_path / "a.txt")["probabilities"]
    shown = newleaf("classify", "taught", stdin="It was good.").stdout
    assert next(iter(expected)) in shown and f"{max(expected.values()):.1%}" in shown


@pytest.mark.long
def test_a_file_is_labelled_and_gone_on_with_after_a_stop(taught_model, tmp_path):
    table = tmp_path / "a.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([["id", "text"], *([n, f"Text {n}\nof two lines"] for n in range(3000))])
    words = ["classify", "taught", "--input", table, "--out", tmp_path / "b.csv"]
    process = subprocess.Popen([sys.executable, "-m", "newleaf", *map(str, words)], stderr=subprocess.PIPE, text=True)
    partial = tmp_path / ".b.csv.partial"
    deadline = time.monotonic() + 120
    while not (partial.exists() and partial.stat().st_size):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _out, told = process.communicate(timeout=60)
    assert process.returncode == 130 and "the same command goes on with it" in told and "Traceback" not in told
    assert not (tmp_path / "b.csv").exists()
    found = data(*words)
    assert 0 < found["before"] < found["rows"] == 3000 and found["column"] == "text" and found["left_out"] == []
    with (tmp_path / "b.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [str(n) for n in range(3000)]
    assert {row["label"] for row in rows} <= {"good", "bad", "so so"}
    done = newleaf(*words)
    assert done.returncode == 1 and "exists already" in done.stderr


def test_a_text_is_translated_and_its_lines_stay(taught_model):
    words = ["translate", "taught", "One.\n\n- Two 2", "--to", "zh", "--max-tokens", "4", "--beams", "1"]
    found = data(*words)
    assert (found["from"], found["to"], found["sentences"]) == ("en", "zh", 2)
    assert found["text"].split("\n")[1] == "" and found["text"].split("\n")[2].startswith("- ")
    shown = newleaf(*words).stdout
    assert shown.split() == found["text"].split()


def test_a_file_is_summed_up_by_a_model_that_cannot(tiny_model, tmp_path):
    (tmp_path / "a.txt").write_text(
        "The fox came home. " + "It was late, and nobody was there. " * 3 + "So it left again."
    )
    done = newleaf("summarize", "tiny", tmp_path / "a.txt", "--style", "bullets", "--words", "20")
    assert done.returncode == 0 and done.stdout.startswith("- ")
    assert "these are the text's own sentences" in done.stderr
