"""Tokens a second in training, by size: `python tests/benchmarks/training_rate.py [SECONDS]`.

Whole steps as a training does them, in each type; the share of the machine's matrix-multiply peak is measured in the
same run. Run it on a quiet machine.
"""

import sys
import time
from collections.abc import Callable

import torch

from newleaf.core.model.gpt import GPT
from newleaf.trainer import optimisers
from newleaf.trainer.group import Network
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.plan import SIZES, Machine, Plan, make_plan
from newleaf.trainer.step import gradients, update

VOCABULARY = 4096
BATCH_TOKENS = 2048
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
    """A function that does a step of training, which is warm, and gives its seconds."""
    model.initialise(torch.Generator().manual_seed(0))
    built = optimisers.build(model, plan)
    block = torch.randint(plan.config["vocab_size"], (plan.rows, plan.model_config.context + 1))

    def step() -> float:
        begin = time.perf_counter()
        gradients(Network(model), plan, block[:, :-1], block[:, 1:])
        update(built)
        return time.perf_counter() - begin

    step()
    return step


def rate(size: str, dtype: str, seconds: float) -> tuple[float, int]:
    """Tokens a second, and the parameters that multiply."""
    options = TrainOptions(steps=1, size=size, batch_tokens=BATCH_TOKENS, dtype=dtype)
    plan = make_plan(options, MACHINE, VOCABULARY, 10**7, 10**5)
    step = step_of(GPT(plan.model_config), plan)
    steps, taken = 0, 0.0
    while taken < seconds:
        taken += step()
        steps += 1
    return steps * plan.batch_tokens / taken, plan.model_config.matrix_parameters


def main() -> None:
    """Print a table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    peaks = {"float32": peak(torch.float32), "bfloat16": peak(torch.bfloat16)}
    print("peak: " + ", ".join(f"{name} {value / 1e9:.0f} GFLOP/s" for name, value in peaks.items()))
    for size in list(SIZES)[:4]:
        for dtype in peaks:
            tokens, parameters = rate(size, dtype, seconds)
            share = 6 * parameters * tokens / peaks[dtype]
            print(f"{size:6} {dtype:9} {tokens:9,.0f} tokens/s  {share:5.0%} of the peak")


if __name__ == "__main__":
    main()
