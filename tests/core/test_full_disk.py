"""A full disk: the sentence says so, and nothing is left half-made."""

import os
import random
import subprocess
import sys

import pytest

from newleaf.core.corpus.importing import import_documents, import_files
from newleaf.core.corpus.store import Corpus
from newleaf.core.errors import explain
from newleaf.core.files import write_json
from newleaf.core.home import folder
from newleaf.core.model.config import GPTConfig
from newleaf.core.tokenizer.options import TokenizerOptions
from newleaf.core.tokenizer.token_files import encode_corpus
from newleaf.core.tokenizer.tokenizer import Tokenizer
from newleaf.core.tokenizer.training import train_tokenizer

SIZE = 2 << 20  # bytes of the disk


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A small disk of the test's own, with NEWLEAF_HOME on it."""
    mount = tmp_path / "disk"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(mount)]
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("a small disk can be made on Linux by root alone")
    monkeypatch.setenv("NEWLEAF_HOME", str(mount / "home"))
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def fill(disk, left):
    """Leave `left` bytes free."""
    room = os.statvfs(disk)
    (disk / "ballast").write_bytes(bytes(room.f_bavail * room.f_frsize - left))
    room = os.statvfs(disk)
    assert room.f_bavail * room.f_frsize <= left + 4096


def prose(size, seed=0):
    """Text that cannot be compressed much."""
    draw = random.Random(seed)
    return "".join(chr(draw.randrange(0x4E00, 0x9FFF)) for _ in range(size))


def kept(kind):
    return sorted(path.name for path in folder(kind).iterdir())


def test_an_import(disk, tmp_path):
    (tmp_path / "text.txt").write_text("\n\n".join(prose(3000, n) for n in range(400)))
    with pytest.raises(OSError) as caught:
        import_files([tmp_path / "text.txt"], "c")
    assert "disk is full" in explain(caught.value)
    assert kept("corpora") == []


def test_a_tokenizer(disk):
    corpus = import_documents([(prose(200, n), "x") for n in range(50)], "c")
    fill(disk, 8192)
    with pytest.raises(OSError) as caught:
        train_tokenizer(corpus, "t", TokenizerOptions(vocab_size=4000))
    assert "disk is full" in explain(caught.value)
    assert kept("tokenizers") == []


def test_token_files(disk, prepared):
    corpus = import_documents([(prose(2000, n), "x") for n in range(50)], "c")
    fill(disk, 60_000)
    with pytest.raises(OSError) as caught:
        encode_corpus(corpus, Tokenizer.at(prepared / "tokenizers" / "pieces"), "t")
    assert "disk is full" in explain(caught.value)
    assert list((corpus.path / "tokens").iterdir()) == []
    (disk / "ballast").unlink()
    assert encode_corpus(Corpus.open("c"), Tokenizer.at(prepared / "tokenizers" / "pieces"), "t").index["train"]


def test_a_new_model_and_newer_weights(disk, prepared):
    from newleaf.core.model.gpt import GPT
    from newleaf.core.model.store import ModelInfo, load_model, save_model

    tokenizer = Tokenizer.at(prepared / "tokenizers" / "pieces")
    model = GPT(GPTConfig(tokenizer.vocab_size, 64, 64, 2, 4, 2, 16, 128))
    path = folder("models") / "m"
    save_model(path, model, tokenizer, {"bits_per_byte": 2.0})
    fill(disk, 100_000)
    before = model.model.norm.weight.clone()
    model.model.norm.weight.data.mul_(3)
    for target in (path, folder("models") / "other"):
        with pytest.raises(OSError) as caught:
            save_model(target, model, tokenizer, {"bits_per_byte": 1.0})
        assert "disk is full" in explain(caught.value)
    assert kept("models") == ["m"]
    assert load_model(path).model.norm.weight.equal(before) and ModelInfo.open("m").bits_per_byte == 2.0


def test_a_file(disk):
    path = disk / "f.json"
    write_json(path, [1])
    fill(disk, 4096)
    with pytest.raises(OSError):
        write_json(path, [1] * 100_000)
    assert path.read_text() == "[\n 1\n]\n" and [p.name for p in disk.iterdir() if "json" in p.name] == ["f.json"]


def test_a_command(disk, tmp_path):
    """Its job's own folder is on the full disk too, and still says what happened."""
    (tmp_path / "text.txt").write_text("\n\n".join(prose(3000, n) for n in range(400)))
    command = [sys.executable, "-m", "newleaf", "corpus", "add", str(tmp_path / "text.txt"), "--name", "c"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and "disk is full" in done.stderr
    assert kept("corpora") == []
