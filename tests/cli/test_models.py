"""`newleaf model`: models in, out and away."""

import signal
import subprocess
import sys
import time

import pytest
from command_line import data, newleaf

from newleaf.core.home import home
from newleaf.trainer.jobs import Job


@pytest.fixture(autouse=True)
def home_exists():
    return home()


def test_out_as_gguf_and_in_again_it_writes_the_same(tiny_model, tmp_path):
    words = ("The", "--temperature", "0", "--max-tokens", "12")
    before = data("generate", "tiny", *words)["completions"][0]["text"]
    done = newleaf("model", "export", "tiny", "--format", "gguf", "--out", tmp_path / "t.gguf")
    assert done.returncode == 0 and "t.gguf" in done.stderr and done.stdout == ""
    found = data("model", "import", tmp_path / "t.gguf", "--name", "again")
    assert (found["name"], found["parameters"]) == ("again", data("model", "show", "tiny")["parameters"])
    assert data("generate", "again", *words)["completions"][0]["text"] == before
    assert {model["name"] for model in data("model", "list")} == {"tiny", "again"}


@pytest.mark.long
@pytest.mark.long
def test_fewer_bytes_a_number_make_a_smaller_file(tiny_model, tmp_path):
    sizes = []
    for name in ("q8_0", "f16", "f32"):
        assert newleaf("model", "export", "tiny", "--type", name, "--out", tmp_path / name).returncode == 0
        sizes.append((tmp_path / name).stat().st_size)
    assert sizes == sorted(set(sizes))
    for kind in ("f16", "q8_0"):
        assert newleaf("model", "import", tmp_path / kind, "--name", "x").returncode == 1  # it is not called .gguf
        (tmp_path / kind).rename(tmp_path / f"{kind}.gguf")
        assert data("model", "import", tmp_path / f"{kind}.gguf")["name"] == kind


def test_an_import_goes_on_in_the_background(tiny_model):
    job = data("model", "import", tiny_model, "--name", "copy", "--detach")
    while Job.open(job["name"]).state not in ("finished", "failed"):
        time.sleep(0.05)
    assert data("model", "show", "copy")["parameters"] == data("model", "show", "tiny")["parameters"]
    assert newleaf("job", "watch", job["name"]).returncode == 0


def test_ctrl_c_leaves_nothing_of_an_import(tiny_model):
    large = tiny_model.parent / "large"
    make_large(tiny_model, large)
    command = [sys.executable, "-m", "newleaf", "model", "import", str(large), "--name", "m"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not list(tiny_model.parent.glob(".partial*/*.safetensors")):
        assert process.poll() is None, "it was too fast to be stopped"
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert not (tiny_model.parent / "m").exists()
    assert not list(tiny_model.parent.glob(".partial*"))


def make_large(tiny, path):
    """A model of some 400 MB with the tokenizer of a tiny one."""
    from newleaf.core.model.config import GPTConfig
    from newleaf.core.model.gpt import GPT
    from newleaf.core.model.store import save_model
    from newleaf.core.tokenizer.tokenizer import Tokenizer

    tokenizer = Tokenizer.at(tiny)
    save_model(path, GPT(GPTConfig(tokenizer.vocab_size, 64, 1024, 8, 8, 8, 128, 4096)), tokenizer, {})


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["import", "absent"], 1, "no file or folder"),
        (["import", "hf:a/b/c/d"], 1, "hf:"),
        (["import", "."], 1, "has no model"),
        (["export", "absent", "--out", "x.gguf"], 1, "no model absent"),
        (["export", "tiny", "--out", "/no/such/x.gguf"], 1, "cannot be written"),
        (["export", "tiny", "--out", "."], 1, "cannot be written"),
        (["export", "tiny"], 2, "--out"),
        (["export", "tiny", "--out", "x", "--type", "q2_k"], 2, "q2_k"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(tiny_model, words, code, sentence):
    done = newleaf("model", *words)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_file_that_is_there_is_asked_for(tiny_model, tmp_path):
    (tmp_path / "t.gguf").write_text("mine")
    assert newleaf("model", "export", "tiny", "--out", tmp_path / "t.gguf").returncode != 0
    assert (tmp_path / "t.gguf").read_text() == "mine"
    assert newleaf("model", "export", "tiny", "--out", tmp_path / "t.gguf", "--yes").returncode == 0
    assert (tmp_path / "t.gguf").read_bytes().startswith(b"GGUF")
