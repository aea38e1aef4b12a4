"""Whole training steps with the loss in chunks against all logits at once: `python tests/benchmarks/loss.py [ROUNDS]`.

By turns in one process; medians. Run it on a quiet machine.
"""

import sys
from statistics import median

from torch.nn import functional as F
from training_rate import MACHINE, step_of

from newleaf.core.model.gpt import GPT
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.plan import make_plan

BATCH_TOKENS = 4096


class AllLogits(GPT):
    """The loss as it is written in a line."""

    def loss(self, tokens, targets, reduction="mean"):
        """Cross-entropy in nats."""
        return F.cross_entropy(self(tokens).float().flatten(0, 1), targets.flatten(), reduction=reduction)


def main() -> None:
    """Print a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    for size in ("nano", "mini", "small"):
        for vocabulary in (4096, 8192):
            for dtype in ("float32", "bfloat16"):
                options = TrainOptions(
                    steps=1, size=size, batch_tokens=BATCH_TOKENS, dtype=dtype, sampled_softmax="off"
                )
                plan = make_plan(options, MACHINE, vocabulary, 10**7, 10**5)
                steps = [step_of(kind(plan.model_config), plan) for kind in (AllLogits, GPT)]
                seconds = [[step() for step in steps] for _ in range(rounds)]
                whole, chunks = (median(column) for column in zip(*seconds, strict=True))
                print(f"{size:6} {vocabulary:6,} {dtype:9} {whole:6.3f} s {chunks:6.3f} s {whole / chunks:5.2f} x")


if __name__ == "__main__":
    main()
