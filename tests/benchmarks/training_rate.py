"""Tokens a second in training, against Transformers' Trainer and nanoGPT.

`python tests/benchmarks/training_rate.py [ROUNDS [ROWS [SHAPE or TYPE...]]]`: ROWS of 256 tokens a step, `8,24` if
nothing is said, those of short trainings and of long ones; shapes such as 6x384, types float32 and, where there
are units for it, bfloat16; `--context` and `--vocabulary` for others than 256 and 4,096; `--nanogpt FOLDER`, a copy of
its repository, to compare with it too, eager as it is on a CPU unless it is told otherwise.

Whole steps as a training does them, with Muon and with AdamW, with a loss over all of the vocabulary and over some of
it; with compiled layers too, if `--compiled` is said. And the steps of GPT2LMHeadModel in a Trainer, of the same
layers, width, vocabulary, context and batch: by turns, each in a process of its own, in each type. The share of the
machine's matrix-multiply peak, measured in the same run, counts the multiplications of the model that are done. Run
it on a quiet machine.
"""

import argparse
import importlib
import itertools
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

import torch

from newleaf.core.model.config import GPTConfig
from newleaf.core.model.gpt import GPT
from newleaf.core.model.linear import product
from newleaf.trainer import optimisers
from newleaf.trainer.batches import made_up_batch
from newleaf.trainer.group import Network
from newleaf.trainer.jobs import worker_environment
from newleaf.trainer.machine import is_quick
from newleaf.trainer.memory import keep_memory
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.plan import Machine, Plan, make_plan, model_shape, token_flops
from newleaf.trainer.step import gradients, update

SHAPES = ("2x128", "4x128", "6x384")
TYPES = ("float32", "bfloat16")
STEPS = 6  # of each in a round
LARGE_PAGES = "GLIBC_TUNABLES"  # says that a process is to have them, which all of newleaf's trainings have
KINDS = ("whole", "sampled", "compiled")
MACHINE = Machine("cpu", "", torch.get_num_threads(), 0, {"nano": 1e11, "mini": 1e11}, "float32")


@dataclass(frozen=True)
class Work:
    """The steps that are compared."""

    layers: int
    width: int
    dtype: str
    rows: int  # in a step
    vocabulary: int = 4096
    context: int = 256  # tokens of a row
    nanogpt: str | None = None  # its folder
    kinds: tuple[str, ...] = KINDS[:2]  # of newleaf's steps

    @property
    def shape(self) -> GPTConfig:
        """Of newleaf's model."""
        return model_shape(self.layers, self.width, self.vocabulary, self.context)


def peak(dtype: torch.dtype) -> float:
    """FLOP a second of a large matrix product, PyTorch's or ours, whichever is faster."""
    left, right, out = (torch.randn(2048, 2048, dtype=dtype) for _ in range(3))
    best = float("inf")
    for _ in range(5):
        for way in (torch.mm, product):
            begin = time.perf_counter()
            way(left, right, out=out)
            best = min(best, time.perf_counter() - begin)
    return 2 * 2048**3 / best


def step_of(model: GPT, plan: Plan) -> Callable[[], float]:
    """A function that does a step of the plan, which is warm, and gives its seconds."""
    model.train().initialise(torch.Generator().manual_seed(0))
    network = Network(model)
    built = optimisers.build(network, plan)
    batch = made_up_batch(plan)

    def step() -> float:
        begin = time.perf_counter()
        gradients(network, plan, batch)
        update(built)
        return time.perf_counter() - begin

    step()
    return step


def plan_of(work: Work, optimizer: str, sampled: bool) -> Plan:
    """A plan of these steps."""
    batch_tokens = work.rows * work.context
    options = TrainOptions(
        steps=1, size="nano", context=work.context, batch_tokens=batch_tokens, dtype=work.dtype, optimizer=optimizer
    )
    plan = make_plan(options, MACHINE, work.vocabulary, 10**7, 10**5)
    return replace(plan, config=asdict(work.shape), sampled_softmax=sampled)


def trainer_steps(work: Work) -> Callable[[], float]:
    """A function that lets a Trainer do some steps, and gives the seconds of one."""
    from peer import arguments, new_gpt2
    from transformers import Trainer, TrainerCallback

    model = new_gpt2(work.layers, work.width, work.vocabulary, work.context)
    blocks = torch.randint(work.vocabulary, (work.rows * (STEPS + 1), work.context))
    moments: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_args: object, **_more: object) -> None:
            moments.append(time.perf_counter())

    def run() -> float:
        moments.clear()
        data = [{"input_ids": block, "labels": block} for block in blocks]
        told = arguments(tempfile.gettempdir(), STEPS + 1, work.rows, work.dtype == "bfloat16")
        Trainer(model, told, train_dataset=data, callbacks=[Clock()]).train()
        return statistics.median(after - before for before, after in itertools.pairwise(moments))

    return run


def nanogpt_steps(work: Work) -> Callable[[], float]:
    """The same for nanoGPT, as its loop does them."""
    sys.path.insert(0, str(work.nanogpt))
    theirs: Any = importlib.import_module("model")
    shape = theirs.GPTConfig(
        block_size=work.context,
        vocab_size=work.vocabulary,
        n_layer=work.layers,
        n_head=work.shape.num_heads,
        n_embd=work.width,
        dropout=0.0,
        bias=False,
    )
    model = theirs.GPT(shape)
    optimiser = model.configure_optimizers(0.1, 1e-3, (0.9, 0.99), "cpu")
    blocks = torch.randint(work.vocabulary, (work.rows, work.context + 1))
    half = torch.autocast("cpu", torch.bfloat16, enabled=work.dtype == "bfloat16")

    def step() -> float:
        begin = time.perf_counter()
        with half:
            _logits, loss = model(blocks[:, :-1].contiguous(), blocks[:, 1:].contiguous())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return time.perf_counter() - begin

    step()
    return lambda: statistics.median(step() for _ in range(STEPS))


def newleaf_steps(work: Work, optimizer: str, kind: str) -> Callable[[], float]:
    """The same for newleaf."""
    keep_memory()
    plan = plan_of(work, optimizer, kind == "sampled")
    model = GPT(plan.model_config)
    if kind == "compiled":
        model.model.compile_layers()
    step = step_of(model, plan)
    return lambda: statistics.median(step() for _ in range(STEPS))


def run(connection: Connection, work: Work, way: str) -> None:
    """A process that does some steps whenever it is asked to, and answers with the seconds of one."""
    if way == "Trainer":
        steps = trainer_steps(work)
    elif way == "nanoGPT":
        steps = nanogpt_steps(work)
    else:
        _newleaf, optimizer, kind = way.split(", ")
        steps = newleaf_steps(work, optimizer, kind)
    connection.send(0.0)
    while connection.recv():
        connection.send(steps())


def compare(work: Work, rounds: int) -> None:
    """Print a line for each way."""
    connections: dict[str, Connection] = {}
    ours = [f"newleaf, {optimizer}, {kind}" for optimizer in ("adamw", "muon") for kind in work.kinds]
    for way in ("Trainer", *(["nanoGPT"] if work.nanogpt else []), *ours):
        connections[way], other = multiprocessing.Pipe()
        os.environ.pop(LARGE_PAGES, None)
        if way in ours:
            os.environ[LARGE_PAGES] = worker_environment()[LARGE_PAGES]
        multiprocessing.Process(target=run, args=(other, work, way), daemon=True).start()
        connections[way].recv()  # it is ready: one compiles at a time
    seconds: dict[str, list[float]] = {way: [] for way in connections}
    peaks = []
    for _round in range(rounds):
        peaks.append(peak(getattr(torch, work.dtype)))
        for way, connection in connections.items():
            connection.send(True)
            seconds[way].append(connection.recv())
    for connection in connections.values():
        connection.send(False)
    highest = statistics.median(peaks)
    trainer, batch_tokens = statistics.median(seconds["Trainer"]), work.rows * work.context
    heading = f"{work.layers} x {work.width}, {work.dtype}, {batch_tokens:,} tokens a step"
    print(f"{heading}: the peak is {highest / 1e9:.0f} GFLOP/s")
    for way, found in seconds.items():
        middle = statistics.median(found)
        tokens = batch_tokens / middle
        flops = token_flops(work.shape, work.context, batch_tokens if way.endswith("sampled") else None)
        if way == "nanoGPT":  # its attention has four matrices of the width, its MLP two of four times as much
            flops += 6 * (12 * work.layers * work.width**2 - work.shape.layer_parameters)
        share = f"{tokens * flops / highest:5.0%} of the peak" if way != "Trainer" else ""
        print(f"    {way:26} {tokens:9,.0f} tokens/s  {trainer / middle:5.2f} x  {share}", flush=True)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=4)
    parser.add_argument("rows", nargs="?", default="8,24")
    parser.add_argument("chosen", nargs="*", metavar="SHAPE or TYPE")
    parser.add_argument("--context", type=int, default=256)
    parser.add_argument("--vocabulary", type=int, default=4096)
    parser.add_argument("--nanogpt", metavar="FOLDER")
    parser.add_argument("--compiled", action="store_true")
    parsed = parser.parse_args()
    shapes = [each for each in parsed.chosen if each not in TYPES] or SHAPES
    dtypes = [each for each in parsed.chosen if each in TYPES] or [each for each in TYPES if is_quick(each, "cpu")]
    for shape, rows, dtype in itertools.product(shapes, parsed.rows.split(","), dtypes):
        layers, width = map(int, shape.split("x"))
        kinds = KINDS if parsed.compiled else KINDS[:2]
        work = Work(layers, width, dtype, int(rows), parsed.vocabulary, parsed.context, parsed.nanogpt, kinds)
        compare(work, parsed.rounds)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
