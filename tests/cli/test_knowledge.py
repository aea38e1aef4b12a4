"""`newleaf knowledge`: documents are added, searched and removed, as a person and a script do it."""

import signal
import subprocess
import sys

import pytest
from command_line import data, newleaf


@pytest.fixture
def folder(tmp_path):
    from newleaf.core.home import home

    home()
    folder = tmp_path / "birds"
    folder.mkdir()
    (folder / "heron.txt").write_text("The heron hunts fish in shallow water.")
    (folder / "owl.md").write_text("# Owls\n\nThe owl hunts mice at night.")
    return folder


def test_from_files_to_a_passage(folder):
    done = newleaf("knowledge", "add", folder, "--name", "birds")
    assert done.returncode == 0 and done.stdout == ""
    assert "2 added, 0 changed, 0 unchanged, 0 taken out." in done.stderr
    assert "Knowledge base birds: 2 documents, 2 passages" in done.stderr
    done = newleaf("knowledge", "search", "birds", "What hunts at night?", "-n", "1")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(
        "1. birds/owl.md  Owls  relevance 100%\n   # Owls\n\n   The owl hunts mice at night.\n"
    )
    (found,) = data("knowledge", "search", "birds", "What hunts at night?", "-n", "1")
    assert (found["source"], found["rank"], found["page"], found["heading"]) == ("birds/owl.md", 1, None, "Owls")
    assert found["text"].endswith("The owl hunts mice at night.") and found["relevance"] == 1 and found["score"] > 0
    done = newleaf("knowledge", "search", "birds", "Which wine goes with salmon?")
    assert done.returncode == 0 and done.stdout == "" and "No passage" in done.stderr


def test_what_was_added_is_listed_and_shown(folder):
    assert "There is no knowledge base yet" in newleaf("knowledge", "list").stderr
    summary = data("knowledge", "add", folder, "--name", "birds")
    assert summary["documents"] == 2 and summary["report"]["added"] == ["birds/heron.txt", "birds/owl.md"]
    assert [base["name"] for base in data("knowledge", "list")] == ["birds"]
    assert newleaf("knowledge", "list").stdout.splitlines()[1].split()[:3] == ["birds", "2", "2"]
    shown = data("knowledge", "show", "birds")
    assert [file["name"] for file in shown["files"]] == ["birds/heron.txt", "birds/owl.md"]
    assert shown["paths"] == [str(folder)] and shown["passages"] == 2
    done = newleaf("knowledge", "show", "birds")
    assert "birds/owl.md" in done.stdout and str(folder) in done.stdout


def test_what_is_gone_or_cannot_be_read_is_said(folder):
    newleaf("knowledge", "add", folder, "--name", "birds")
    (folder / "heron.txt").unlink()
    (folder / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    done = newleaf("knowledge", "add", folder, "--name", "birds")
    assert done.returncode == 0
    assert "birds/heron.txt is gone, and was taken out." in done.stderr
    assert "birds/bad.pdf: it is damaged, or no PDF; left out." in done.stderr
    assert data("knowledge", "show", "birds")["documents"] == 1


def test_standard_input_and_chosen_files(folder):
    done = newleaf("knowledge", "add", "-", folder, "--name", "b", "--include", "*.md", stdin="The wren sings.")
    assert done.returncode == 0, done.stderr
    assert [file["name"] for file in data("knowledge", "show", "b")["files"]] == ["birds/owl.md", "standard input"]
    done = newleaf("knowledge", "add", "-", "--name", "b", stdin="The wren sleeps.")
    assert "1 changed" in done.stderr
    assert data("knowledge", "search", "b", "wren")[0]["text"] == "The wren sleeps."


def test_mistakes_have_their_sentences(folder):
    for words, code, sentence in (
        (["show", "absent"], 1, "There is no knowledge base absent."),
        (["search", "absent", "x"], 1, "There is no knowledge base absent."),
        (["add", "nowhere", "--name", "k"], 1, "There is no file or folder"),
        (["add", folder], 2, "--name"),
        (["add", folder, "--name", "a/b"], 1, "slash"),
    ):
        done = newleaf("knowledge", *words)
        assert done.returncode == code and sentence in done.stderr and "Traceback" not in done.stderr
    newleaf("knowledge", "add", folder, "--name", "birds")
    assert newleaf("knowledge", "search", "birds", "owl", "-n", "0").returncode == 2
    assert newleaf("knowledge", "remove", "birds").returncode == 2  # nobody can be asked
    assert newleaf("knowledge", "remove", "birds", "--yes").returncode == 0
    assert data("knowledge", "list") == [] and (folder / "owl.md").exists()


def test_ctrl_c_keeps_what_is_done(folder, tmp_path):
    (folder / "long.txt").write_text("The swift sleeps in the air. " * 600_000)
    command = [sys.executable, "-m", "newleaf", "knowledge", "add", str(folder), "--name", "birds"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    while not any(base["documents"] == 1 for base in data("knowledge", "list")):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _output, words = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in words
    assert "the files that were done are kept" in words
    assert [file["name"] for file in data("knowledge", "show", "birds")["files"]] == ["birds/heron.txt"]
