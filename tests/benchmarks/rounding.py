"""What a byte for each weight costs in quality: bits per byte of a text, with float32 and with int8 weights.

    python tests/benchmarks/rounding.py MODEL TEXT [--tokens N]

MODEL is the folder of a model, TEXT a file of UTF-8 that it was not taught on.
"""

import argparse
from pathlib import Path

import numpy as np

from newleaf.core.model.inference import prepare
from newleaf.core.model.store import load_model
from newleaf.core.tokenizer.tokenizer import Tokenizer
from newleaf.trainer.evaluation import bits_per_byte


def main() -> None:
    """Print three lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--tokens", type=int, default=20_000)
    parsed = parser.parse_args()
    tokenizer = Tokenizer.at(parsed.model)
    text = parsed.text.read_text(encoding="utf-8")[: 8 * parsed.tokens]
    tokens = np.array(tokenizer.encode(text)[: parsed.tokens])
    found = {}
    for kind in ("none", "int8"):
        model = prepare(load_model(parsed.model), kind)
        found[kind] = bits_per_byte(model, tokens, tokenizer.byte_lengths) or 0.0
        print(f"{kind:5} {found[kind]:.5f} bits per byte")
    print(f"int8 needs {found['int8'] / found['none'] - 1:+.3%}")


if __name__ == "__main__":
    main()
