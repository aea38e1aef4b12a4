"""How sure a model is of a text that is there: each token with its probability, and what stood beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from ..chat import render_parts
from ..progress import Cancelled
from .completion import TokenScore, score
from .generate import Writer
from .reading import CHUNK


@torch.inference_mode()
def judge(
    writer: Writer,
    prompt: str | Sequence[Mapping[str, str]],
    answer: str,
    alternatives: int = 0,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[TokenScore]:
    """The tokens of `answer` as the model reads it after `prompt`, a text or the messages of a chat, with so many
    alternatives each.

    Where both are longer than the context, what is far away from a token is left out: at least half of the context
    stays before it. Where the last token of a prompt goes on into the answer, it is among them. Raises Cancelled, and
    UserError for messages of another form.
    """
    before, answered = _tokens(writer, prompt, answer)
    tokens, context = [*before, *answered], writer.model.config.context
    found: list[TokenScore] = []
    place = len(before)  # of the next token to judge
    while place < len(tokens):
        begin = max(0, place - max(1, context // 2)) if len(tokens) > context else 0
        window = tokens[begin : begin + context]
        found += _judged(writer, window, place - begin, alternatives, cancelled)
        place = begin + len(window)
    return found


def _tokens(writer: Writer, prompt: str | Sequence[Mapping[str, str]], answer: str) -> tuple[list[int], list[int]]:
    if not isinstance(prompt, str):
        before, said = render_parts(writer.tokenizer, list(prompt), {"role": "assistant", "content": answer})
        while said and said[-1] in writer.tokenizer.end:
            said = said[:-1]
        return before, said
    before, whole = writer.encode(prompt), writer.encode(prompt + answer)
    length = min(len(before), len(whole))
    common = next((place for place in range(length) if before[place] != whole[place]), length)
    return whole[:common] or writer.encode(""), whole[common:]  # something must stand before the first token


def _judged(
    writer: Writer, window: list[int], first: int, alternatives: int, cancelled: Callable[[], bool]
) -> list[TokenScore]:
    """The tokens of a window from `first` on, which is not its own first one."""
    cache = writer.model.new_cache(1, len(window))
    row = torch.tensor([window], device=writer.model.device)
    found: list[TokenScore] = []
    for begin in range(0, len(window), CHUNK):
        if cancelled():
            raise Cancelled
        chunk = row[:, begin : begin + CHUNK]
        logits = writer.model(chunk, cache)[0].float()
        skipped = max(0, first - 1 - begin)  # the logits at a place say what comes next
        chosen = window[begin + skipped + 1 : begin + CHUNK + 1]
        if chosen:
            found += score(logits[skipped : skipped + len(chosen)], chosen, alternatives)
    return found


def as_dicts(writer: Writer, scores: Sequence[TokenScore]) -> list[dict[str, Any]]:
    """In text."""
    return [each.as_dict(writer.tokenizer) for each in scores]
