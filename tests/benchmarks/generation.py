"""How fast models write, against Transformers, on the same weights.

    python tests/benchmarks/generation.py [--rounds N] [--device cuda]

By turns in one run; medians. 256 tokens after a prompt of 16, in batches of 1 and of 8 (on a GPU, where weights are
bfloat16, of 1 and of 32), drawn at temperature 1: such text does not repeat itself, so nothing of it can be guessed.
The share of the memory's speed is what reading all weights once would take, by the rate at which a large array is read
in the same run. Prefill is the reading of a prompt that fills half of the context. Run it on a quiet machine.
"""

import argparse
import copy
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from newleaf.core.files import write_json
from newleaf.core.generation.generate import Writer
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.model.config import GPTConfig
from newleaf.core.model.device import writing_dtype
from newleaf.core.model.gpt import GPT
from newleaf.core.model.inference import prepare
from newleaf.core.model.layouts import to_checkpoint

PROMPT, LENGTH = 16, 256
BIASES = dict.fromkeys(("qkv_bias", "output_bias", "mlp_bias"), True)
SHAPES = {
    "6 x 384": GPTConfig(8192, 512, 384, 6, 6, 6, 64, 1024),
    "GPT-2 124M": GPTConfig(
        50257, 1024, 768, 12, 12, 12, 64, 3072, norm_eps=1e-5, architecture="gpt2", activation="gelu_new", **BIASES
    ),
}


class Numbers:
    """Stands for a tokenizer: nothing ends a text, each token is a letter."""

    begin, end = None, frozenset()

    def __init__(self, size: int):
        self.vocab_size = size
        self.token_bytes = [b"x"] * size

    def encode(self, text: str) -> list[int]:
        """A number for each letter."""
        return [ord(letter) % self.vocab_size for letter in text]


def random_weights(shape: GPTConfig) -> GPT:
    """A network that was not taught anything."""
    network = GPT(shape).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.02, generator=generator)
    return network


def in_transformers(network: GPT, device: str, dtype: torch.dtype) -> Any:
    """The same in Transformers."""
    from transformers import AutoModelForCausalLM

    with tempfile.TemporaryDirectory() as folder:
        weights = {name: tensor.detach() for name, tensor in network.state_dict().items()}
        save_file(to_checkpoint(network.config, weights), f"{folder}/model.safetensors", metadata={"format": "pt"})
        write_json(Path(folder, "config.json"), network.config.to_hugging_face())
        return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval().to(device)


def prompts(batch: int, length: int = PROMPT) -> list[str]:
    """Letters."""
    return ["".join(chr(97 + (7 * place + row) % 26) for place in range(length)) for row in range(batch)]


def our_seconds(writer: Writer, texts: list[str], length: int) -> float:
    """For so many tokens after each text."""
    writer.beginning = None
    begin = time.perf_counter()
    run = writer.start(texts, GenerationOptions(temperature=1.0, top_p=1.0, max_tokens=length, seed=1))
    for _delta in run:
        pass
    assert all(len(each.tokens) == length for each in run.completions)
    return time.perf_counter() - begin


def their_seconds(model: Any, texts: list[str], length: int) -> float:
    """Likewise."""
    tokens = torch.tensor([[ord(letter) for letter in text] for text in texts], device=model.device)
    drawn = {"do_sample": True, "temperature": 1.0, "top_k": 0, "use_cache": True, "eos_token_id": None}
    begin = time.perf_counter()
    with torch.inference_mode():
        found = model.generate(
            tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=length, pad_token_id=0, **drawn
        )
    assert found.shape[1] == len(texts[0]) + length
    return time.perf_counter() - begin


def reading_rate(device: str) -> float:
    """Bytes a second that all threads together read from memory."""
    block = torch.ones(64 << 20, device=device)
    best = 0.0
    for _ in range(8):
        begin = time.perf_counter()
        block.sum().item()
        best = max(best, block.numel() * 4 / (time.perf_counter() - begin))
    return best


def main() -> None:
    """Print a table, and one line of JSON last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", nargs="*", type=int)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parsed = parser.parse_args()
    device, dtype = parsed.device, writing_dtype(parsed.device)
    size = torch.empty(0, dtype=dtype).element_size()
    found: dict[str, dict[str, float]] = {}
    for name, shape in SHAPES.items():
        network = random_weights(shape)
        peer = in_transformers(network, device, dtype)
        plain, rounded = (
            Writer(prepare(copy.deepcopy(network).to(device, dtype), kind), Numbers(shape.vocab_size))  # type: ignore[arg-type]
            for kind in ("none", "int8")
        )
        for batch in parsed.batches or ([1, 8] if device == "cpu" else [1, 32]):
            texts, long = prompts(batch), prompts(batch, shape.context // 2)
            if device == "cuda":  # until all that is compiled in the background is there
                for _ in range(8):
                    our_seconds(plain, texts, LENGTH)
                time.sleep(60)
            seconds: dict[str, list[float]] = {}
            rates: list[float] = []
            for _ in range(parsed.rounds):
                rates.append(reading_rate(device))
                sides = {"transformers": (their_seconds, peer), "newleaf": (our_seconds, plain)}
                for kind, (run, model) in {**sides, "newleaf int8": (our_seconds, rounded)}.items():
                    seconds.setdefault(kind, []).append(run(model, texts, LENGTH))
                    if kind != "newleaf int8":
                        seconds.setdefault(f"{kind} prefill", []).append(run(model, long, 1))
            tokens = {kind: len(long[0]) if "prefill" in kind else LENGTH for kind in seconds}
            median = {kind: batch * tokens[kind] / statistics.median(all_) for kind, all_ in seconds.items()}
            median["reading"] = statistics.median(rates)
            ours, theirs, int8 = median["newleaf"], median["transformers"], median["newleaf int8"]
            share = ours / batch * shape.matrix_parameters * size / median["reading"]
            prefill = median["newleaf prefill"]
            print(
                f"{name:10} batch {batch}: transformers {theirs:6.1f} tokens/s, newleaf {ours:6.1f}"
                f" ({ours / theirs:.2f} x), int8 {int8:7.1f} ({int8 / ours:.2f} x); {share:.0%} of reading at"
                f" {median['reading'] / 1e9:.1f} GB/s; prefill {prefill:.0f} tokens/s"
                f" ({prefill / median['transformers prefill']:.2f} x)"
            )
            found[f"{name} batch {batch}"] = {**median, "share": share}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
