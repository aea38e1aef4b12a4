"""How long a person waits for the first token of a text: `python tests/benchmarks/first_token.py`.

A model of some 10 million parameters, of random weights. By turns: the import of torch, `newleaf generate` that loads
the model, and one that finds it in a running engine; each in a process of its own, up to the first byte that it
prints. The medians, and their ratio to the import. Run it on a quiet machine.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 11
TORCH = [sys.executable, "-c", "import torch; print(1)"]
GENERATE = [str(Path(sys.executable).with_name("newleaf")), "generate", "ten", "Once", "--max-tokens", "1"]


def seconds(command: list[str]) -> float:
    """Until the first byte."""
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        byte = process.stdout.read(1)
        found = time.perf_counter() - begin
        process.stdout.read()
    assert byte and process.returncode == 0
    return found


def prepare() -> int:
    """The model `ten` in the home; how many parameters it has."""
    from pydoc_data.topics import topics

    from newleaf.core.corpus.importing import import_documents
    from newleaf.core.home import folder
    from newleaf.core.model.config import GPTConfig
    from newleaf.core.model.gpt import GPT
    from newleaf.core.model.store import save_model
    from newleaf.core.tokenizer.options import TokenizerOptions
    from newleaf.core.tokenizer.training import train_tokenizer

    corpus = import_documents(((text, name) for name, text in topics.items()), "book")
    tokenizer = train_tokenizer(corpus, "pieces", TokenizerOptions(vocab_size=2_000))
    config = GPTConfig(tokenizer.vocab_size, 512, 320, 8, 5, 5, 64, 864)
    save_model(folder("models") / "ten", GPT(config), tokenizer, {})
    return config.parameters


async def measure() -> dict[str, list[float]]:
    """By turns."""
    from newleaf.core.engine.client import Engine

    found: dict[str, list[float]] = {"import torch": [], "cold": [], "warm": []}
    for _round in range(ROUNDS):
        found["import torch"].append(seconds(TORCH))
        found["cold"].append(seconds(GENERATE))
        engine = Engine()
        await engine.load("ten")
        found["warm"].append(seconds(GENERATE))
        await engine.close()
        time.sleep(1.5)  # it ends
    return found


def main() -> None:
    """Print a table, and one line of JSON last."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NEWLEAF_HOME"] = folder
        parameters = prepare()
        medians = {name: statistics.median(times) for name, times in asyncio.run(measure()).items()}
    print(f"{parameters:,} parameters")
    for name, median in medians.items():
        print(f"{name:16} {median:7.3f} s {median / medians['import torch']:6.2f} x")
    print(json.dumps({name: round(median, 4) for name, median in medians.items()}))


if __name__ == "__main__":
    main()
