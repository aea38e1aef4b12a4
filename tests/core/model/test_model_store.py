"""Models on disk: what is saved comes back, is whole at any moment, and what is damaged has a sentence."""

import contextlib
import json
import shutil
import subprocess
import sys
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from newleaf.core.errors import UserError
from newleaf.core.generation.generate import Writer
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.home import folder
from newleaf.core.model.config import GPTConfig
from newleaf.core.model.gpt import GPT
from newleaf.core.model.store import ModelInfo, list_models, load_model, save_model
from newleaf.core.model.weights import Checkpoint
from newleaf.core.tokenizer.tokenizer import Tokenizer


@pytest.fixture
def pieces(tokenizer):
    return Tokenizer.open("pieces")


def model(tied=True):
    made = GPT(GPTConfig(200, 64, 48, 2, 6, 2, 16, 96, tie_embeddings=tied)).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(mean=1.0 if parameter.ndim < 2 else 0.0, std=0.2, generator=generator)
    return made


def assert_same_weights(first, second):
    assert first.state_dict().keys() == second.state_dict().keys()
    assert all(tensor.equal(second.state_dict()[name]) for name, tensor in first.state_dict().items())


@pytest.mark.parametrize("tied", [True, False])
def test_what_is_saved_comes_back(pieces, tied):
    ours = model(tied)
    path = folder("models") / "m"
    save_model(path, ours, pieces, {"bits_per_byte": 2.0, "corpus": "c"})
    loaded = load_model(path)
    assert_same_weights(loaded, ours)
    assert (loaded.lm_head.weight is loaded.model.embed_tokens.weight) == tied
    assert not loaded.training and not any(parameter.requires_grad for parameter in loaded.parameters())
    assert Tokenizer.at(path).fingerprint == pieces.fingerprint
    assert sorted(file.name for file in path.iterdir()) == [
        "README.md",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "newleaf.json",
        "tokenizer.json",
        "tokenizer.model",
        "tokenizer_config.json",
    ]


def test_what_is_known_of_a_model(pieces):
    ours = model()
    save_model(folder("models") / "m", ours, pieces, {"bits_per_byte": 2.0, "corpus": "c", "steps": 7})
    info = ModelInfo.open("m")
    assert (info.name, info.config, info.architecture) == ("m", ours.config, "qwen3")
    summary = info.summary()
    assert summary["parameters"] == sum(parameter.numel() for parameter in ours.parameters())
    assert summary["context"] == 64 and summary["vocab_size"] == 200 and summary["bits_per_byte"] == 2.0
    assert summary["corpus"] == "c" and summary["steps"] == 7
    assert summary["disk_bytes"] > 4 * summary["parameters"]
    assert json.loads(json.dumps(summary)) == summary


def test_a_folder_from_elsewhere_has_no_history(tiny_model):
    (tiny_model / "newleaf.json").unlink()
    info = ModelInfo.open("tiny")
    assert info.provenance == {} and info.bits_per_byte is None and info.summary()["bits_per_byte"] is None


def test_newer_weights_take_the_place_of_the_older(pieces):
    ours = model()
    path = folder("models") / "m"
    save_model(path, ours, pieces, {"bits_per_byte": 2.0})
    with torch.no_grad():
        ours.lm_head.weight.mul_(2)
    save_model(path, ours, pieces, {"bits_per_byte": 1.0})
    assert_same_weights(load_model(path), ours)
    assert ModelInfo.open("m").bits_per_byte == 1.0
    assert len(list(path.iterdir())) == 8
    assert "1.0000 bits per byte" in (path / "README.md").read_text()


def test_a_kill_while_it_is_saved_leaves_a_whole_model(pieces, tmp_path):
    path = folder("models") / "m"
    script = f"""
import itertools
from pathlib import Path
import torch
from newleaf.core.model.config import GPTConfig
from newleaf.core.model.gpt import GPT
from newleaf.core.model.store import save_model
from newleaf.core.tokenizer.tokenizer import Tokenizer
model = GPT(GPTConfig(2000, 64, 256, 2, 6, 2, 16, 96))
for n in itertools.count(1):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(n)
    save_model(Path({str(path)!r}), model, Tokenizer.open("pieces"), {{"bits_per_byte": n}})
    print(n, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    while int(process.stdout.readline()) < 5:
        pass
    process.kill()
    process.wait()
    process.stdout.close()
    (value,) = {number for parameter in load_model(path).parameters() for number in parameter.unique().tolist()}
    assert value >= 5 and abs(ModelInfo.open("m").bits_per_byte - value) <= 1


def test_a_model_does_not_take_the_place_of_another_thing(pieces):
    path = folder("models") / "m"
    path.mkdir()
    (path / "mine.txt").touch()
    with pytest.raises(UserError, match="exists already"):
        save_model(path, model(), pieces, {})
    assert [file.name for file in folder("models").rglob("*")] == ["m", "mine.txt"]


def test_models_are_listed_and_what_cannot_be_read_is_passed_over(tiny_model, pieces):
    save_model(folder("models") / "another", model(), pieces, {})
    (folder("models") / "foreign").mkdir()
    (folder("models") / "foreign" / "config.json").write_text('{"model_type": "bloom"}')
    (folder("models") / "broken").mkdir()
    (folder("models") / "broken" / "config.json").write_text("{")
    assert [info.name for info in list_models()] == ["another", "tiny"]
    with pytest.raises(UserError, match="bloom"):
        ModelInfo.open("foreign")
    with pytest.raises(UserError, match=r"config\.json is damaged"):
        ModelInfo.open("broken")


def test_a_model_that_is_not_there_is_told(tiny_model):
    with pytest.raises(UserError, match=r"no model tinny\. Did you mean tiny\?"):
        ModelInfo.open("tinny")


@given(data=st.data())
@settings(max_examples=40)
def test_weights_that_were_cut_have_a_sentence(prepared, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "cut"
    path.mkdir(exist_ok=True)
    whole = (prepared / "models" / "tiny" / "model.safetensors").read_bytes()
    (path / "config.json").write_bytes((prepared / "models" / "tiny" / "config.json").read_bytes())
    (path / "model.safetensors").write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(UserError, match=r"model\.safetensors is damaged: .*\.$"):
        load_model(path)


def test_weights_are_read_one_at_a_time(tiny_model):
    # However large the model, no second one of it stays beside, in the machine's memory or on the GPU.
    alive = []
    with Checkpoint(tiny_model) as checkpoint:
        for _name, tensor in checkpoint.read(ModelInfo.at(tiny_model).config):
            assert tensor.device.type == "cpu"  # from where it goes to its device
            assert all(old() is None for old in alive)
            alive.append(weakref.ref(tensor))
            del tensor
    assert len(alive) > 10


@given(data=st.data())
@settings(max_examples=150)
def test_a_flipped_bit_is_a_sentence_or_another_model(prepared, tmp_path_factory, data):
    tiny = prepared / "models" / "tiny"
    path = tmp_path_factory.getbasetemp() / "flipped"
    shutil.copytree(tiny, path, dirs_exist_ok=True)
    changed = bytearray((tiny / "model.safetensors").read_bytes())
    beginning = 8 + int.from_bytes(changed[:8], "little")  # what it says of itself; then come the numbers
    place = data.draw(st.integers(0, beginning - 1) | st.integers(beginning, len(changed) - 1))
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    (path / "model.safetensors").write_bytes(changed)
    with contextlib.suppress(UserError):
        Writer(load_model(path), Tokenizer.at(path)).generate("The", GenerationOptions(seed=1, max_tokens=3))


@pytest.mark.parametrize("content", [b"\xff" * 100, bytes(8), b"not weights at all", None])
def test_a_file_of_no_weights_has_a_sentence(tiny_model, content):
    path = tiny_model / "model.safetensors"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(UserError, match=r"model\.safetensors is (damaged|missing)"):
        load_model(tiny_model)


@pytest.mark.parametrize(
    "change", [{"hidden_size": 64}, {"num_hidden_layers": 3}, {"num_hidden_layers": 1}, {"tie_word_embeddings": False}]
)
def test_weights_of_another_shape_have_a_sentence(tiny_model, change):
    values = json.loads((tiny_model / "config.json").read_text())
    (tiny_model / "config.json").write_text(json.dumps({**values, **change}))
    with pytest.raises(UserError, match="do not fit its config"):
        load_model(tiny_model)


def test_weights_of_something_else_have_a_sentence(tiny_model):
    from safetensors.torch import save_file

    save_file({"something.else": torch.zeros(3)}, tiny_model / "model.safetensors")
    with pytest.raises(UserError, match="do not fit its config"):
        load_model(tiny_model)
