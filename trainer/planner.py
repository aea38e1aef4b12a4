"""The plan of a training that is not yet begun, made in a process of its own: measuring the machine needs torch.

`python -m newleaf.trainer.planner` reads what `plan_training` takes and writes the plan, or {"error"}.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import sys
from collections.abc import Mapping
from typing import Any

from ..core.corpus.store import Corpus
from ..core.errors import FAULT, UserError, explain
from ..core.language import gettext as _
from ..core.model.store import ModelInfo
from ..core.tokenizer.store import TokenizerInfo
from .expectation import Text
from .jobs import worker_environment
from .options import TrainOptions
from .plan import Plan, check_size, make_plan, vocabulary_for
from .work.training import check

# Bytes of a token of a tokenizer that is not there yet, about: with 512 pieces, more with each doubling, and at most.
OF_FEW_PIECES, FEW_PIECES, WITH_DOUBLING, OF_MANY_PIECES = 1.8, 512, 0.57, 4.0
SAMPLE = 300_000  # bytes of a corpus that tell how many there are in a token of a tokenizer from elsewhere


def plan_training(
    corpus: str,
    tokenizer: str | None,
    options: TrainOptions,
    origin: str | None = None,
    old_corpus: str | None = None,
    name: str | None = None,
) -> Plan:
    """What a training would do, with the machine measured now if it was not of late.

    Raises UserError for all that the training would not be begun with.
    """
    used = check(corpus, name, options, tokenizer, origin, old_corpus)["tokenizer"]
    found = Corpus.open(corpus)
    manifest = found.manifest
    model = ModelInfo.open(origin) if origin else None
    info = TokenizerInfo.open(used) if used else None
    text = Text.of(found)
    vocab_size = model.config.vocab_size if model else info.vocab_size if info else vocabulary_for(options, text)
    bytes_per_token = _bytes_per_token(found, model, info, vocab_size)
    train_tokens = int(manifest.train.bytes / bytes_per_token) + manifest.train.documents
    check_size(train_tokens)
    from .group import workers
    from .machine import machine
    from .memory import keep_memory

    keep_memory()
    here = machine(options.device)
    return make_plan(
        options,
        here,
        vocab_size,
        train_tokens,
        int(manifest.val.bytes / bytes_per_token) + manifest.val.documents,
        (model.name, model.config) if model else None,
        workers(options, here.device) * options.nodes,
        text,
    )


def _bytes_per_token(corpus: Corpus, model: ModelInfo | None, info: TokenizerInfo | None, vocab_size: int) -> float:
    """How many bytes of a corpus a token has, of the tokenizer that a model brings, or of another."""
    if info and info.report["corpus"] == corpus.name:
        return float(info.report["bytes_per_token"])
    if not model and not info:
        return min(OF_MANY_PIECES, OF_FEW_PIECES + WITH_DOUBLING * math.log2(vocab_size / FEW_PIECES))
    from ..core.tokenizer.tokenizer import Tokenizer  # with numpy

    tokenizer = Tokenizer.at(model.path) if model else Tokenizer.open(info.name)  # type: ignore[union-attr]
    size = tokens = 0
    for text in corpus.documents("train"):
        part = text[:SAMPLE]
        size, tokens = size + len(part.encode()), tokens + len(tokenizer.encode_documents([part])[0])
        if size >= SAMPLE:
            break
    return size / max(1, tokens)


async def ask_plan(
    corpus: str,
    tokenizer: str | None,
    options: TrainOptions,
    origin: str | None = None,
    old_corpus: str | None = None,
    name: str | None = None,
) -> Plan:
    """The same from a process of its own, which ends when this is cancelled. Raises UserError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "newleaf.trainer.planner",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=worker_environment(),
    )
    request = {
        "corpus": corpus,
        "tokenizer": tokenizer,
        "options": options.as_dict(),
        "origin": origin,
        "old_corpus": old_corpus,
        "name": name,
    }
    try:
        output, _nothing = await process.communicate(json.dumps(request).encode())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    try:
        answer: Mapping[str, Any] = json.loads(output)
    except ValueError:
        raise UserError(_("The plan could not be made: its process ended. Perhaps the memory is full.")) from None
    if "error" in answer:
        raise UserError(answer["error"])
    return Plan.from_dict(answer)


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    try:
        answer = plan_training(**{**request, "options": TrainOptions.from_mapping(request["options"])}).as_dict()
    except Exception as error:
        answer = {"error": explain(error) or _(FAULT).format(error=f"{type(error).__name__}: {error}")}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
