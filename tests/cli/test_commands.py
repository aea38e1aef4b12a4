"""The command line, as a person and a script see it: what it prints where, and its exit codes."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from command_line import data, newleaf

from newleaf.trainer.jobs import LIVE, Job

TINY = ["--size", "nano", "--context", "32", "--batch-tokens", "128", "--device", "cpu", "--dtype", "float32"]
TINY += ["--compile", "off"]  # which is worth its time for many steps, on some machines
ENDLESS = ["--steps", "100000", *TINY]


@pytest.fixture(autouse=True)
def home_exists(tmp_path):
    from newleaf.core.home import home

    return home()


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "story.txt"
    path.write_text("\n\n".join(f"Chapter {n}. The fox number {n} saw {n * 7} geese." for n in range(800)), "utf-8")
    return path


def test_from_a_file_to_a_text(text_file):
    done = newleaf("corpus", "add", text_file, "--name", "story")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "" and "story" in done.stderr  # words to stderr, data to stdout
    assert data("corpus", "show", "story")["documents"] >= 2
    assert newleaf("tokenizer", "train", "story", "--name", "t", "--vocab-size", "400").returncode == 0
    pieces = data("tokenizer", "encode", "t", "The fox")
    assert "".join(pieces["pieces"]) == "The fox"
    done = newleaf("train", "story", "--tokenizer", "t", "--name", "m", "--steps", "20", *TINY)
    assert done.returncode == 0, done.stderr
    assert "bits per byte" in done.stderr
    model = data("model", "show", "m")
    assert model["bits_per_byte"] > 0
    assert {"name", "path", "architecture", "parameters", "context", "bits_per_byte"} <= set(model)
    job = data("job", "show", "train-m")
    assert (job["kind"], job["state"], job["name"]) == ("train", "finished", "train-m")
    assert job["path"].endswith("train-m") and job["progress"] == 1
    one = data("generate", "m", "The", "-n", "2", "--seed", "1", "--max-tokens", "8")
    two = data("generate", "m", "The", "-n", "2", "--seed", "1", "--max-tokens", "8")
    texts = [completion["text"] for completion in one["completions"]]
    assert texts == [completion["text"] for completion in two["completions"]]
    assert len(set(texts)) == 2
    assert (one["prompt"], one["model"], one["seed"]) == ("The", "m", 1)
    assert set(one["completions"][0]) == {"text", "tokens", "finish_reason", "tokens_per_second"}


def test_a_folder_of_files_becomes_a_corpus(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("# A title\n\n" + "Some words here. " * 50)
    (folder / "b.txt").write_bytes("Überall Wörter. ".encode("cp1252") * 50)
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    assert newleaf("corpus", "add", folder, "--name", "notes").returncode == 0
    assert data("corpus", "show", "notes")["report"]["sources"] == 2
    assert [corpus["name"] for corpus in data("corpus", "list")] == ["notes"]
    assert newleaf("corpus", "remove", "notes", "--yes").returncode == 0
    assert data("corpus", "list") == []


def test_the_prompt_from_standard_input_comes_first(tiny_model):
    found = data("generate", "tiny", "then this", "--max-tokens", "1", stdin="first that\n")
    assert found["prompt"] == "first that\nthen this"
    assert data("generate", "tiny", "--max-tokens", "1", stdin="only that\n")["prompt"] == "only that"
    assert data("generate", "tiny", "only this", "--max-tokens", "1")["prompt"] == "only this"


def test_generate_prints_the_continuation_alone(tiny_model):
    words = ("generate", "tiny", "A prompt", "--seed", "3", "--max-tokens", "5")
    assert newleaf(*words).stdout == data(*words)["completions"][0]["text"] + "\n"
    assert newleaf(*words).stderr == ""


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["corpus", "add", "absent.txt", "--name", "c"], 1, "no file or folder absent.txt"),
        (["corpus", "add", ".", "--name", "c/d"], 1, "slash"),
        (["corpus", "show", "absent"], 1, "no corpus absent"),
        (["tokenizer", "train", "absent", "--name", "t"], 1, "no corpus absent"),
        (["tokenizer", "show", "absent"], 1, "no tokenizer absent"),
        (["train", "absent", "--name", "m"], 1, "no corpus absent"),
        (["generate", "absent", "x"], 1, "no model absent"),
        (["model", "show", "../../etc"], 1, "slash"),
        (["job", "resume", "absent"], 1, "no job absent"),
        (["corpus", "add", ".", "--name"], 2, "--name"),
        (["corpus", "add", "--name", "c"], 2, "which files"),
        (["train", "c", "--name", "m", "--time", "soon"], 2, "20m"),
        (["train", "c", "--name", "m", "--time", "1m", "--steps", "5"], 2, "give one"),
        (["train", "c", "--time", "99999999999999999999"], 2, "from 1s to 365d00h"),
        (["train", "c", "--eval-every", "99999999999999999999"], 2, "from 1 to 100,000,000"),
        (["train", "c", "--keep-every", "99999999999999999999"], 2, "from 1 to 100,000,000"),
        (["train", "c", "--checkpoint-space", "99999999999999999999"], 2, "from 0 to 1,000,000"),
        (["train", "c", "--name", "m", "--size", "huge"], 2, "nano, micro"),
        (["generate", "m", "--temperature", "-1"], 2, "from 0 to 10"),
        (["generate", "m", "--top-p", "nan"], 2, "--top-p"),
        (["generate", "m", "--stop", ""], 2, "--stop"),
        (["tokenizer", "train", "c", "--name", "t", "--pieces", "9"], 2, "--pieces 9. See: newleaf tokenizer train"),
        (["generate", "m", "--pieces", "9"], 2, "See: newleaf generate --help"),
        (["nonsense"], 2, "nonsense"),
        (["corpus"], 2, "COMMAND"),
    ],
)
def test_wrong_input_has_one_sentence_and_its_exit_code(words, code, sentence):
    done = newleaf(*words)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr and done.stdout == ""


@pytest.mark.parametrize(
    ("content", "sentence"), [(b"", "empty"), (os.urandom(4000), "not text"), (b"\n \n\t\n", "blank lines")]
)
def test_a_file_without_text_leaves_nothing_behind(tmp_path, content, sentence):
    (tmp_path / "f.txt").write_bytes(content)
    done = newleaf("corpus", "add", tmp_path / "f.txt", "--name", "c")
    assert done.returncode == 1
    assert sentence in done.stderr
    assert data("corpus", "list") == [] and data("job", "list") == []


def test_what_exists_is_not_overwritten(text_file):
    assert newleaf("corpus", "add", text_file, "--name", "story").returncode == 0
    before = data("corpus", "show", "story")
    done = newleaf("corpus", "add", text_file, "--name", "story")
    assert done.returncode == 1 and "exists already" in done.stderr
    assert data("corpus", "show", "story") == before


def test_a_vocabulary_that_is_too_large_becomes_the_largest_possible(text_file):
    newleaf("corpus", "add", text_file, "--name", "story")
    done = newleaf("tokenizer", "train", "story", "--name", "t", "--vocab-size", "50000")
    assert done.returncode == 0
    size = data("tokenizer", "show", "t")["vocab_size"]
    assert size < 50_000 and f"took {size}" in done.stderr


def test_a_fault_shows_no_traceback_unless_asked(tiny_model):
    (tiny_model / "config.json").write_text("{")
    assert "Traceback" not in newleaf("generate", "tiny").stderr
    assert "Traceback" in newleaf("--debug", "generate", "tiny").stderr


def test_a_damaged_one_does_not_hide_the_others(book, tokenizer, tiny_model):
    for kind, marker in (("corpora", "manifest.json"), ("tokenizers", "report.json"), ("models", "config.json")):
        folder = book.parent.parent / kind / "broken"
        folder.mkdir()
        (folder / marker).write_text("[]")
    for command, name in (("corpus", "book"), ("tokenizer", "pieces"), ("model", "tiny")):
        assert [entry["name"] for entry in data(command, "list")] == [name]
        done = newleaf(command, "show", "broken")
        assert done.returncode == 1 and "Traceback" not in done.stderr


def test_a_model_cannot_command_the_terminal(tiny_model, monkeypatch, capsys):
    import sys as system

    from newleaf.cli.output import harmless, say

    text = "a\x1b]52;c;aGk=\x07b\tc\n"
    assert harmless(text, system.stdout) == text  # a program gets what was written
    monkeypatch.setattr(system.stdout, "isatty", lambda: True)
    assert harmless(text, system.stdout) == "a]52;c;aGk=b\tc\n"
    say("plain")
    assert capsys.readouterr().err == "plain\n"


def test_detach_watch_stop_and_resume(book, tokenizer):
    done = newleaf("train", "book", "--tokenizer", "pieces", "--name", "m", "--detach", *ENDLESS)
    assert done.returncode == 0 and "job watch train-m" in done.stderr
    job = Job.open("train-m")
    while not job.status().get("step"):
        time.sleep(0.05)
    assert [entry["state"] for entry in data("job", "list") if entry["name"] == "train-m"] == ["running"]
    done = newleaf("job", "stop", "train-m")
    assert done.returncode == 0 and "job resume train-m" in done.stderr
    assert data("job", "show", "train-m")["state"] == "stopped"
    assert newleaf("job", "resume", "train-m", "--detach").returncode == 0
    assert newleaf("job", "stop", "train-m").returncode == 0
    assert "start train-m" in newleaf("job", "log", "train-m").stdout
    assert newleaf("job", "remove", "train-m", "--yes").returncode == 0
    assert data("job", "list") == []


def test_ctrl_c_stops_the_training_cleanly_and_says_how_to_go_on(book, tokenizer):
    command = [sys.executable, "-m", "newleaf", "train", "book", "--tokenizer", "pieces", "--name", "m", *ENDLESS]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (data("job", "list") and Job.open("train-m").status().get("step")):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _output, words = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "newleaf job resume train-m" in words
    assert Job.open("train-m").state == "stopped"


@pytest.mark.long
def test_killing_the_one_who_watches_leaves_the_job_running(book, tokenizer):
    command = [sys.executable, "-m", "newleaf", "train", "book", "--tokenizer", "pieces", "--name", "m", *ENDLESS]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while not (data("job", "list") and Job.open("train-m").status().get("step")):
        time.sleep(0.1)
    process.kill()
    process.wait()
    step = Job.open("train-m").status()["step"]
    while Job.open("train-m").status()["step"] <= step:
        assert Job.open("train-m").state in LIVE
        time.sleep(0.1)
    Job.open("train-m").stop()
    while Job.open("train-m").state in LIVE:
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.long
def test_the_demo_goes_from_nothing_to_a_model_that_writes():
    done = newleaf("demo", "--time", "5s")
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^--- \d ---$", done.stdout, re.MULTILINE) == ["--- 1 ---", "--- 2 ---", "--- 3 ---"]
    assert data("model", "show", "python")["corpus"] == "python"
    assert data("corpus", "show", "python")["bytes"] > 2_000_000


def test_chinese_for_those_who_read_it():
    assert "语料" in newleaf("--help", NEWLEAF_LANGUAGE="zh_CN").stdout
    assert "语料" in newleaf("--help", NEWLEAF_LANGUAGE="", LANG="zh_CN.UTF-8", LC_ALL="", LANGUAGE="").stdout
    done = newleaf("corpus", "show", "absent", NEWLEAF_LANGUAGE="zh_CN")
    assert done.returncode == 1 and "没有" in done.stderr
    assert "用法" in newleaf("train", "--help", NEWLEAF_LANGUAGE="zh_CN").stdout


def test_without_a_terminal_the_app_says_that_it_needs_one():
    done = newleaf()
    assert done.returncode == 2 and "terminal" in done.stderr
