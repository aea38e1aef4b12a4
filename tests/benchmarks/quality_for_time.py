"""What a given time makes of a text: `python tests/benchmarks/quality_for_time.py 5m FILE...`.

Bits per byte of held-out text, by turns in one run: `newleaf train --time 5m`, and Transformers' GPT2LMHeadModel with
its Trainer for as long, in three sizes at two rates each. Both learn from the same documents, and one function measures
both models, loaded by Transformers from the folders that were saved. The Trainer is given the tokens, the faster type
and the number of steps that fill its time, which are measured before its clock starts, and again where they took less
than nine tenths of it; ours is charged for everything from the start of its job. Run it on a quiet machine. The tokens
are the same for both, unless `--trainer-pieces 8192` gives the Trainer those of a tokenizer of its own. `--ours` leaves
the Trainer out. `--grid nano:0.02,micro:0.01` trains these sizes at these rates besides, for the same time, to compare
the plan with.
"""

import argparse
import itertools
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

NEWLEAF = str(Path(sys.executable).with_name("newleaf"))
CONTEXT = 256
ROWS = 8  # the Trainer's own default
CALIBRATION = 12  # steps at least, and a twentieth of the time
SHORTEST = 0.9  # of its time: a Trainer that was done sooner begins again with more steps


def prepare(file: Path, seconds: float, folder: Path, trainer_pieces: int | None) -> dict:
    """The corpus and its tokenizer in the home, and where its tokens are; and those of the Trainer."""
    from newleaf.core.corpus.importing import ImportOptions, import_files
    from newleaf.core.tokenizer.options import TokenizerOptions
    from newleaf.core.tokenizer.token_files import encode_corpus
    from newleaf.core.tokenizer.training import train_tokenizer
    from newleaf.trainer.expectation import Text
    from newleaf.trainer.options import TrainOptions
    from newleaf.trainer.plan import vocabulary_for

    name = file.name.split(".")[0]
    corpus = import_files([file], name, ImportOptions())
    found = {"name": name}
    of_ours = vocabulary_for(TrainOptions(time=seconds), Text.of(corpus))
    for whose, size in (("trainer", trainer_pieces or of_ours), ("ours", of_ours)):
        tokenizer = train_tokenizer(corpus, f"{name}-{whose}", TokenizerOptions(vocab_size=size))
        files = encode_corpus(corpus, tokenizer, f"{name}-{whose}")
        found[whose] = str(folder / f"{name}-{whose}.npz")
        np.savez(
            found[whose],
            train=files.tokens("train"),
            val=files.tokens("val"),
            lengths=tokenizer.byte_lengths,
            vocabulary=size,
        )
    return found


@torch.no_grad()
def bits_per_byte(folder: str, arrays: str) -> float:
    """Of all held-out text, by Transformers."""
    from transformers import AutoModelForCausalLM

    data = np.load(arrays)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokens, lengths = torch.from_numpy(data["val"].astype(np.int64)), torch.from_numpy(data["lengths"])
    nats = count = 0.0
    for start in range(0, len(tokens) - 1, CONTEXT):
        block = tokens[start : start + CONTEXT + 1]
        logits, answers = model(block[None, :-1]).logits[0], block[1:]
        losses = torch.nn.functional.cross_entropy(logits.float(), answers, reduction="none")
        nats += float((losses * (lengths[answers] > 0)).sum())
        count += float(lengths[answers].sum())
    return nats / count / math.log(2)


def train_peer(layers: int, width: int, rate: float, seconds: float, arrays: str, folder: str) -> dict:
    """Transformers' Trainer for so long."""
    from peer import arguments, new_gpt2
    from transformers import Trainer, set_seed

    from newleaf.trainer.machine import is_quick

    data = np.load(arrays)
    blocks = data["train"][: len(data["train"]) // CONTEXT * CONTEXT].reshape(-1, CONTEXT).astype(np.int64)
    dataset = [{"input_ids": torch.from_numpy(block), "labels": torch.from_numpy(block)} for block in blocks]

    def trainer(steps: int, bf16: bool) -> Trainer:
        set_seed(1)
        return Trainer(
            new_gpt2(layers, width, int(data["vocabulary"]), CONTEXT),
            arguments(
                folder,
                steps,
                ROWS,
                bf16,
                learning_rate=rate,
                lr_scheduler_type="cosine",
                warmup_steps=max(1, min(100, steps // 10)),
                weight_decay=0.1,
                adam_beta2=0.95,
            ),
            train_dataset=dataset,
        )

    def step_seconds(bf16: bool, counted: int = CALIBRATION) -> float:
        taken = []
        for steps in (2, 2 + counted):
            run = trainer(steps, bf16)
            begin = time.perf_counter()
            run.train()
            taken.append(time.perf_counter() - begin)
        return (taken[1] - taken[0]) / counted

    types = (False, True) if is_quick("bfloat16", "cpu") else (False,)  # hours without units for it
    found = {bf16: step_seconds(bf16) for bf16 in types}
    bf16 = min(types, key=lambda each: found[each])
    exact = step_seconds(bf16, max(CALIBRATION, round(seconds / 20 / found[bf16])))
    steps, taken = max(1, round(seconds / exact)), 0.0
    while taken < SHORTEST * seconds:
        if taken:  # the machine is faster than it was when the steps were counted out
            steps = round(steps * seconds / taken)
        run = trainer(steps, bf16)
        begin = time.perf_counter()
        run.train()
        taken = time.perf_counter() - begin
    run.save_model(folder)
    tokens = run.state.max_steps * ROWS * CONTEXT
    return {"seconds": taken, "steps": run.state.max_steps, "rate": tokens / taken, "bf16": bf16}


def main() -> None:
    """Print a table for each file, and the ratio."""
    from newleaf.core.options import parse_duration

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("time", type=parse_duration)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--ours", action="store_true")
    parser.add_argument("--grid", default="", help="sizes and rates of ours, such as nano:0.02,micro:0.01")
    parser.add_argument("--shapes", default="2x128,4x256,6x384", help="of the Trainer's models")
    parser.add_argument("--rates", default="0.001,0.003", help="of the Trainer")
    parser.add_argument("--trainer-pieces", type=int, help="of the Trainer's tokenizer; without, it has ours")
    parsed = parser.parse_args()
    for file in parsed.files:
        with tempfile.TemporaryDirectory() as home:
            shapes = [tuple(map(int, shape.split("x"))) for shape in parsed.shapes.split(",")]
            peers = [] if parsed.ours else list(itertools.product(shapes, map(float, parsed.rates.split(","))))
            grid = [each.split(":") for each in parsed.grid.split(",") if each]
            compare(file, parsed.time, Path(home), grid, peers, parsed.trainer_pieces)


def train_ours(home: Path, corpus: str, arrays: str, model: str, seconds: float, options: list[str]) -> float:
    """A model of ours; its bits per byte."""
    begin = time.perf_counter()
    subprocess.run(
        [NEWLEAF, "train", corpus, "--name", model, "--tokenizer", f"{corpus}-ours", "--time", f"{seconds}s", *options],
        check=True,
    )
    taken = time.perf_counter() - begin
    score = bits_per_byte(str(home / "models" / model), arrays)
    job = home / "jobs" / f"train-{model}"
    plan, status = (json.loads((job / name).read_text()) for name in ("plan.json", "status.json"))
    print(
        f"{corpus}: newleaf {plan['size']}, rate {plan['learning_rate']:g}, {plan['dtype']}, {status['step']:,} steps "
        f"of {plan['batch_tokens']:,} tokens, {taken:.0f} s in all: {score:.4f} bits per byte, "
        f"expected {plan['expected_low']:.3f} to {plan['expected_high']:.3f}",
        flush=True,
    )
    return score


def compare(
    file: Path, seconds: float, home: Path, grid: list[list[str]], peers: list, trainer_pieces: int | None
) -> None:
    """One file."""
    import os

    os.environ["NEWLEAF_HOME"] = str(home)
    prepared = json.loads(_call("prepare", str(file), seconds, str(home), trainer_pieces))
    name, arrays = prepared["name"], prepared["ours"]
    ours = train_ours(home, name, arrays, "ours", seconds, [])
    others = [
        train_ours(home, name, arrays, f"{size}-{rate}", seconds, ["--size", size, "--learning-rate", rate])
        for size, rate in grid
    ]
    if others:
        print(f"{name}: the plan's is {ours / min(ours, *others) - 1:.1%} above the best of the grid", flush=True)
    scores = []
    for (layers, width), rate in peers:
        folder = str(home / f"peer-{layers}-{width}-{rate}")
        facts = json.loads(_call("train_peer", layers, width, rate, seconds, prepared["trainer"], folder))
        score = bits_per_byte(folder, prepared["trainer"])
        scores.append(score)
        print(
            f"{name}: Trainer {layers} x {width}, rate {rate:g}, {'bf16' if facts['bf16'] else 'fp32'}, "
            f"{facts['steps']:,} steps, {facts['rate']:,.0f} tokens/s, {facts['seconds']:.0f} s: {score:.4f}",
            flush=True,
        )
    if scores:
        print(f"{name}: {1 - ours / min(scores):.1%} below the Trainer's best", flush=True)


def _call(function: str, *arguments: object) -> str:
    """A function of this module in a process of its own; the last line that it prints."""
    command = [sys.executable, __file__, "--call", function, json.dumps(arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--call"]:
        function, arguments = sys.argv[2], json.loads(sys.argv[3])
        if function == "prepare":
            print(json.dumps(prepare(Path(arguments[0]), arguments[1], Path(arguments[2]), arguments[3])))
        else:
            print(json.dumps(train_peer(*arguments)))
    else:
        main()
