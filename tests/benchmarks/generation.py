"""How fast models write, against Transformers, on the same weights.

    python tests/benchmarks/generation.py [--rounds N]

By turns in one run; medians. 256 tokens after a prompt of 16, in batches of 1 and of 8, drawn at temperature 1: such
text does not repeat itself, so nothing of it can be guessed. The share of the memory's speed is what reading all
weights once would take, by the rate at which a large array is read in the same run. Run it on a quiet machine.
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


def in_transformers(network: GPT) -> Any:
    """The same in Transformers."""
    from transformers import AutoModelForCausalLM

    with tempfile.TemporaryDirectory() as folder:
        weights = {name: tensor.detach() for name, tensor in network.state_dict().items()}
        save_file(to_checkpoint(network.config, weights), f"{folder}/model.safetensors", metadata={"format": "pt"})
        write_json(Path(folder, "config.json"), network.config.to_hugging_face())
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def prompts(batch: int) -> list[str]:
    """Letters."""
    return ["".join(chr(97 + (7 * place + row) % 26) for place in range(PROMPT)) for row in range(batch)]


def our_rate(writer: Writer, batch: int) -> float:
    """Tokens a second."""
    writer.beginning = None
    begin = time.perf_counter()
    run = writer.start(prompts(batch), GenerationOptions(temperature=1.0, top_p=1.0, max_tokens=LENGTH, seed=1))
    for _delta in run:
        pass
    assert all(len(each.tokens) == LENGTH for each in run.completions)
    return batch * LENGTH / (time.perf_counter() - begin)


def their_rate(model: Any, batch: int) -> float:
    """Likewise."""
    tokens = torch.tensor([[ord(letter) for letter in prompt] for prompt in prompts(batch)])
    drawn = {"do_sample": True, "temperature": 1.0, "top_k": 0, "use_cache": True, "eos_token_id": None}
    begin = time.perf_counter()
    with torch.inference_mode():
        found = model.generate(
            tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=LENGTH, pad_token_id=0, **drawn
        )
    assert found.shape[1] == PROMPT + LENGTH
    return batch * LENGTH / (time.perf_counter() - begin)


def reading_rate() -> float:
    """Bytes a second that all threads together read from memory."""
    block = torch.ones(64 << 20)
    best = 0.0
    for _ in range(8):
        begin = time.perf_counter()
        block.sum()
        best = max(best, block.numel() * 4 / (time.perf_counter() - begin))
    return best


def main() -> None:
    """Print a table, and one line of JSON last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", nargs="*", type=int, default=[1, 8])
    parsed = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for name, shape in SHAPES.items():
        network = random_weights(shape)
        peer = in_transformers(network)
        plain, rounded = (
            Writer(prepare(copy.deepcopy(network), kind), Numbers(shape.vocab_size))  # type: ignore[arg-type]
            for kind in ("none", "int8")
        )
        for batch in parsed.batches:
            rates: dict[str, list[float]] = {"reading": [], "transformers": [], "newleaf": [], "newleaf int8": []}
            for _ in range(parsed.rounds):
                rates["reading"].append(reading_rate())
                rates["transformers"].append(their_rate(peer, batch))
                rates["newleaf"].append(our_rate(plain, batch))
                rates["newleaf int8"].append(our_rate(rounded, batch))
            median = {each: statistics.median(values) for each, values in rates.items()}
            ours, theirs, int8 = median["newleaf"], median["transformers"], median["newleaf int8"]
            share = ours / batch * shape.matrix_parameters * 4 / median["reading"]
            print(
                f"{name:10} batch {batch}: transformers {theirs:6.1f} tokens/s, newleaf {ours:6.1f}"
                f" ({ours / theirs:.2f} x), int8 {int8:7.1f} ({int8 / ours:.2f} x of fp32); {share:.0%} of reading at"
                f" {median['reading'] / 1e9:.1f} GB/s"
            )
            found[f"{name} batch {batch}"] = {**median, "share": share}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
