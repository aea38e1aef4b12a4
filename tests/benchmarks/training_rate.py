"""Tokens a second in training, against Transformers' Trainer.

`python tests/benchmarks/training_rate.py [ROUNDS [ROWS [SHAPE or TYPE...]]]`: ROWS of 256 tokens a step, shapes such as
6x384, types float32 and bfloat16.

Whole steps as a training does them, with Muon and with AdamW, plain and compiled, and compiled with a loss over some of
the vocabulary; and the steps of GPT2LMHeadModel in a Trainer, of the same layers, width, vocabulary, context and batch:
by turns, each in a process of its own, in each type. The share of the machine's matrix-multiply peak, measured in the
same run, counts the multiplications of the model that are done. Run it on a quiet machine.
"""

import itertools
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from multiprocessing.connection import Connection

import torch

from newleaf.core.model.gpt import GPT
from newleaf.trainer import optimisers
from newleaf.trainer.batches import made_up_batch
from newleaf.trainer.group import Network
from newleaf.trainer.memory import keep_memory
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.plan import Machine, Plan, make_plan, model_shape, token_flops
from newleaf.trainer.step import gradients, update

SHAPES = ((2, 128), (4, 128), (6, 384))
TYPES = ("float32", "bfloat16")
VOCABULARY, CONTEXT = 4096, 256
STEPS = 6  # of each in a round
WAYS = (
    "Trainer",
    *(f"newleaf, {optimizer}, {kind}" for optimizer in ("adamw", "muon") for kind in ("plain", "compiled", "sampled")),
)
MACHINE = Machine("cpu", "", torch.get_num_threads(), 0, {"nano": 1e11, "mini": 1e11}, "float32")


def peak(dtype: torch.dtype) -> float:
    """FLOP a second of a large matrix product."""
    left, right = torch.randn(2048, 2048, dtype=dtype), torch.randn(2048, 2048, dtype=dtype)
    best = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - begin)
    return 2 * 2048**3 / best


def step_of(model: GPT, plan: Plan) -> Callable[[], float]:
    """A function that does a step of the plan, which is warm, and gives its seconds."""
    model.train().initialise(torch.Generator().manual_seed(0))
    built = optimisers.build(Network(model), plan)
    batch = made_up_batch(plan)

    def step() -> float:
        begin = time.perf_counter()
        gradients(Network(model), plan, batch)
        update(built)
        return time.perf_counter() - begin

    step()
    return step


def plan_of(layers: int, width: int, dtype: str, optimizer: str, rows: int, sampled: bool) -> Plan:
    """A plan of this shape."""
    options = TrainOptions(steps=1, size="nano", batch_tokens=rows * CONTEXT, dtype=dtype, optimizer=optimizer)
    config = model_shape(layers, width, VOCABULARY, CONTEXT)
    plan = make_plan(options, MACHINE, VOCABULARY, 10**7, 10**5)
    return replace(plan, config=asdict(config), sampled_softmax=sampled)


def trainer_steps(layers: int, width: int, dtype: str, rows: int) -> Callable[[], float]:
    """A function that lets a Trainer do some steps, and gives the seconds of one."""
    from peer import arguments, new_gpt2
    from transformers import Trainer, TrainerCallback

    model = new_gpt2(layers, width, VOCABULARY, CONTEXT)
    blocks = torch.randint(VOCABULARY, (rows * (STEPS + 1), CONTEXT))
    moments: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_args: object, **_more: object) -> None:
            moments.append(time.perf_counter())

    def run() -> float:
        moments.clear()
        data = [{"input_ids": block, "labels": block} for block in blocks]
        told = arguments(tempfile.gettempdir(), STEPS + 1, rows, dtype == "bfloat16")
        Trainer(model, told, train_dataset=data, callbacks=[Clock()]).train()
        return statistics.median(after - before for before, after in itertools.pairwise(moments))

    return run


def newleaf_steps(layers: int, width: int, dtype: str, rows: int, optimizer: str, kind: str) -> Callable[[], float]:
    """The same for newleaf."""
    keep_memory()
    plan = plan_of(layers, width, dtype, optimizer, rows, kind == "sampled")
    model = GPT(plan.model_config)
    if kind != "plain":
        model.model.compile_layers()
    step = step_of(model, plan)
    return lambda: statistics.median(step() for _ in range(STEPS))


def work(connection: Connection, layers: int, width: int, dtype: str, rows: int, way: str) -> None:
    """A process that does some steps whenever it is asked to, and answers with the seconds of one."""
    if way == "Trainer":
        steps = trainer_steps(layers, width, dtype, rows)
    else:
        _newleaf, optimizer, kind = way.split(", ")
        steps = newleaf_steps(layers, width, dtype, rows, optimizer, kind)
    connection.send(0.0)
    while connection.recv():
        connection.send(steps())


def compare(layers: int, width: int, dtype: str, rounds: int, rows: int) -> None:
    """Print a line for each way."""
    connections: dict[str, Connection] = {}
    for way in WAYS:
        connections[way], other = multiprocessing.Pipe()
        multiprocessing.Process(target=work, args=(other, layers, width, dtype, rows, way), daemon=True).start()
        connections[way].recv()  # it is ready: one compiles at a time
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    peaks = []
    for _round in range(rounds):
        peaks.append(peak(getattr(torch, dtype)))
        for way, connection in connections.items():
            connection.send(True)
            seconds[way].append(connection.recv())
    for connection in connections.values():
        connection.send(False)
    highest, shape = statistics.median(peaks), model_shape(layers, width, VOCABULARY, CONTEXT)
    print(f"{layers} x {width}, {dtype}: the peak is {highest / 1e9:.0f} GFLOP/s")
    trainer = statistics.median(seconds["Trainer"])
    for way, found in seconds.items():
        middle = statistics.median(found)
        tokens = rows * CONTEXT / middle
        flops = token_flops(shape, CONTEXT, rows * CONTEXT if way.endswith("sampled") else None)
        share = f"{tokens * flops / highest:5.0%} of the peak" if way != "Trainer" else ""
        print(f"    {way:26} {tokens:9,.0f} tokens/s  {trainer / middle:5.2f} x  {share}", flush=True)


def main() -> None:
    """Print a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 8  # of CONTEXT tokens in a step
    chosen = [(int(layers), int(width)) for layers, width in (arg.split("x") for arg in sys.argv[3:] if "x" in arg)]
    for layers, width in chosen or SHAPES:
        for dtype in [arg for arg in sys.argv[3:] if arg in TYPES] or TYPES:
            compare(layers, width, dtype, rounds, rows)


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
