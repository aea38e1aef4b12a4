"""Whole training steps with the loss in chunks against all logits at once: `python tests/benchmarks/loss.py [ROUNDS]`.

By turns in one process; medians. Run it on a quiet machine.
"""

import sys
import time
from statistics import median

import torch
from torch.nn import functional as F

from newleaf.core.model.gpt import GPT
from newleaf.trainer import optimisers
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.plan import Machine, make_plan
from newleaf.trainer.step import gradients, update

BATCH_TOKENS = 4096
MACHINE = Machine("cpu", "", torch.get_num_threads(), 0, {"nano": 1e11, "mini": 1e11}, "float32")


class AllLogits(GPT):
    """The loss as it is written in a line."""

    def loss(self, tokens, targets, reduction="mean"):
        """Cross-entropy in nats."""
        return F.cross_entropy(self(tokens).float().flatten(0, 1), targets.flatten(), reduction=reduction)


def step_of(kind, plan):
    """A function that does a step."""
    model = kind(plan.model_config)
    model.initialise(torch.Generator().manual_seed(0))
    built = optimisers.build(model, plan)
    block = torch.randint(plan.config["vocab_size"], (plan.rows, plan.model_config.context + 1))

    def step():
        begin = time.perf_counter()
        gradients(model, plan, block[:, :-1], block[:, 1:])
        update(built)
        return time.perf_counter() - begin

    step()
    return step


def main() -> None:
    """Print a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    for size in ("nano", "mini", "small"):
        for vocabulary in (4096, 8192):
            for dtype in ("float32", "bfloat16"):
                options = TrainOptions(steps=1, size=size, batch_tokens=BATCH_TOKENS, dtype=dtype)
                plan = make_plan(options, MACHINE, vocabulary, 10**7, 10**5)
                steps = [step_of(kind, plan) for kind in (AllLogits, GPT)]
                seconds = [[step() for step in steps] for _ in range(rounds)]
                whole, chunks = (median(column) for column in zip(*seconds, strict=True))
                print(f"{size:6} {vocabulary:6,} {dtype:9} {whole:6.3f} s {chunks:6.3f} s {whole / chunks:5.2f} x")


if __name__ == "__main__":
    main()
