"""What products of our own give a training on a CPU: whole steps with them and without, by turns.

`python tests/benchmarks/products.py [ROUNDS [ROWS [SHAPE...]]]`: ROWS of 256 tokens a step, shapes such as 6x384.
Compiled, with Muon, in float32, the loss over all of the vocabulary and over some of it; without those of small
matrices (attention, Muon), without those of large ones (linear maps, the loss), and without any. Run it on a quiet
machine.
"""

import statistics
import sys
from collections.abc import Callable
from unittest.mock import patch

from training_rate import Work, plan_of, step_of

from newleaf.core.model import linear
from newleaf.core.model.gpt import GPT
from newleaf.trainer import orthogonal
from newleaf.trainer.memory import keep_memory

SHAPES = ("2x128", "3x192", "4x128", "6x384")
WAYS = {
    "with them": (True, True),
    "without small": (False, True),
    "without large": (True, False),
    "without": (False, False),
}


def steps_of(layers: int, width: int, rows: int, sampled: bool, small: bool, large: bool) -> Callable[[], float]:
    """A function that does a step, and gives its seconds."""
    plan = plan_of(Work(layers, width, "float32", rows), "muon", sampled)
    model = GPT(plan.model_config)
    for module in model.modules():
        if hasattr(module, "native"):
            module.native = module.native and small
        if hasattr(module, "own_products"):
            module.own_products = module.own_products and large
    model.model.compile_layers()
    suits, pays = orthogonal.suits, linear.available()

    def chosen(run: Callable[[], float]) -> float:
        with (
            patch.object(orthogonal, "suits", suits if small else lambda *_: False),
            patch.object(linear, "available", lambda: pays and large),
        ):
            return run()

    step = chosen(lambda: step_of(model, plan))  # type: ignore[arg-type, return-value]
    return lambda: chosen(step)  # type: ignore[arg-type]


def main() -> None:
    """Print a line for each shape and loss."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    keep_memory()
    for shape in sys.argv[3:] or SHAPES:
        layers, width = map(int, shape.split("x"))
        for sampled in (False, True):
            steps = [steps_of(layers, width, rows, sampled, *each) for each in WAYS.values()]
            seconds: list[list[float]] = [[] for _ in WAYS]
            for _round in range(rounds):
                for found, step in zip(seconds, steps, strict=True):
                    found.append(step())
            mine, *others = map(statistics.median, seconds)
            loss = "some of the vocabulary" if sampled else "the vocabulary"
            without = [
                f"{way} {each * 1e3:.1f}: {each / mine:.2f} x" for way, each in zip([*WAYS][1:], others, strict=True)
            ]
            print(f"{shape}, {loss}: {mine * 1e3:.1f} ms, {', '.join(without)}", flush=True)


if __name__ == "__main__":
    main()
