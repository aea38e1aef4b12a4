"""What our own products of small matrices give a training on a CPU: whole steps with them and without, by turns.

`python tests/benchmarks/products.py [ROUNDS [ROWS [SHAPE...]]]`: ROWS of 256 tokens a step, shapes such as 6x384.
Compiled, with Muon, in float32, the loss over all of the vocabulary and over some of it. Run it on a quiet machine.
"""

import statistics
import sys
from collections.abc import Callable

from training_rate import Work, plan_of, step_of

from newleaf.core.model.gpt import GPT, Attention
from newleaf.trainer import orthogonal
from newleaf.trainer.memory import keep_memory

SHAPES = ("2x128", "3x192", "4x128", "6x384")


def steps_of(layers: int, width: int, rows: int, sampled: bool, native: bool) -> Callable[[], float]:
    """A function that does a step, and gives its seconds."""
    plan = plan_of(Work(layers, width, "float32", rows), "muon", sampled)
    model = GPT(plan.model_config)
    for module in model.modules():
        if isinstance(module, Attention):
            module.native = module.native and native
    model.model.compile_layers()
    step, suits = step_of(model, plan), orthogonal.suits

    def chosen() -> float:
        orthogonal.suits = suits if native else lambda *_: False  # type: ignore[assignment]
        try:
            return step()
        finally:
            orthogonal.suits = suits

    return chosen


def main() -> None:
    """Print a line for each shape and loss."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    keep_memory()
    for shape in sys.argv[3:] or SHAPES:
        layers, width = map(int, shape.split("x"))
        for sampled in (False, True):
            ways = [steps_of(layers, width, rows, sampled, native) for native in (True, False)]
            seconds: list[list[float]] = [[], []]
            for _round in range(rounds):
                for found, step in zip(seconds, ways, strict=True):
                    found.append(step())
            mine, pytorchs = map(statistics.median, seconds)
            loss = "some of the vocabulary" if sampled else "the vocabulary"
            print(
                f"{shape}, {loss}: {mine * 1e3:.1f} ms, {pytorchs * 1e3:.1f} without: {pytorchs / mine:.2f} x",
                flush=True,
            )


if __name__ == "__main__":
    main()
