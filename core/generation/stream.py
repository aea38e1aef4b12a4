"""What a run tells, as plain values: the same from a model in this process and from the engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .generate import Run


def answers_of(run: Run) -> Iterator[dict[str, Any]]:
    """{"started": {...}}, then {"delta": {index, text, scores}} again and again, then {"done": {...}}."""
    yield {"started": {"seed": run.seed, "prompt_tokens": run.prompt_tokens, "left_out": run.left_out}}
    for delta in run:
        scores = [each.as_dict(run.writer.tokenizer) for each in delta.scores]
        yield {"delta": {"index": delta.index, "text": delta.text, **({"scores": scores} if scores else {})}}
    yield {"done": run.as_dict()}
