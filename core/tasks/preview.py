"""Records as a model will see them, before it learns from them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ..model.store import ModelInfo
from ..tokenizer.tokenizer import Tokenizer
from .all import task_of
from .data.options import DataOptions
from .data.reading import preview
from .encoding import encode_record
from .template import teach_to_chat

SHOWN = 5


def preview_records(
    model: ModelInfo,
    data: Sequence[tuple[str, Sequence[str]]],
    options: DataOptions | None = None,
    context: int | None = None,
    number: int = SHOWN,
) -> list[dict[str, Any]]:
    """For each task and its paths {"task", "columns", "problems", "said", "records"}, of each of the first records
    {"parts": [[text, whether it is learnt], ...], "text", "tokens", "learnt", "cut"}. Raises UserError."""
    found = []
    longest = min(model.config.context, context or model.config.context) + 1
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = teach_to_chat(model.path, Path(folder) / "tokenizer")
        for name, paths in data:
            task = task_of(name)
            read = preview(task, paths, options, number)
            records = []
            for record in read.records[:number]:
                example = encode_record(task, tokenizer, record, longest)
                if example is None:
                    records.append({"parts": [], "text": "", "tokens": 0, "learnt": 0, "cut": True})
                    continue
                parts = [
                    [_text(tokenizer, [token for token, _learnt in some]), learnt]
                    for learnt, some in groupby(zip(example.tokens, example.learnt, strict=True), lambda pair: pair[1])
                ]
                records.append(
                    {
                        "parts": parts,
                        "text": "".join(str(text) for text, _learnt in parts),
                        "tokens": len(example.tokens),
                        "learnt": sum(example.learnt),
                        "cut": example.cut,
                    }
                )
            found.append(
                {
                    "task": name,
                    "columns": read.columns,
                    "problems": [f"{each.file}, {each.where}: {each.reason}" for each in read.problems],
                    "said": read.said,
                    "records": records,
                }
            )
    return found


def _text(tokenizer: Tokenizer, tokens: Iterable[int]) -> str:
    """Tokens as text, control symbols by their names."""
    names = {number: name for name, number in tokenizer.special.items()}
    parts = groupby(tokens, lambda token: token in names)
    return "".join(
        "".join(names[token] for token in some) if special else tokenizer.decode(some) for special, some in parts
    )
