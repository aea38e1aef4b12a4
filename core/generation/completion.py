"""What comes out of a model: a text for each completion, a bit at a time, and how sure the model was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..tokenizer.tokenizer import Tokenizer
from .text import TextStream


@dataclass(frozen=True)
class TokenScore:
    """A token that was written, its log-probability (natural), and the likeliest ones at its place, best first.

    Log-probabilities are the model's own, before temperature, limits and penalties.
    """

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()

    def as_dict(self, tokenizer: Tokenizer) -> dict[str, Any]:
        """In text: a byte of a longer character is shown as <0xE4>."""
        best = [_in_text(token, logprob, tokenizer) for token, logprob in self.top]
        return {**_in_text(self.token, self.logprob, tokenizer), "top": best}


def _in_text(token: int, logprob: float, tokenizer: Tokenizer) -> dict[str, Any]:
    data = list(tokenizer.token_bytes[token])
    return {"token": tokenizer.piece(token), "bytes": data, "logprob": round(logprob, 5)}


def score(logits: Tensor, chosen: list[int], alternatives: int) -> list[TokenScore]:
    """How likely the chosen token of each row of logits (B, V) was, and so many others."""
    logprobs = logits.log_softmax(-1)
    own = logprobs.gather(-1, torch.tensor(chosen, device=logits.device)[:, None]).flatten().tolist()
    best = logprobs.topk(min(alternatives, logits.shape[-1])) if alternatives else None
    tops = (
        [tuple(zip(*pair, strict=True)) for pair in zip(best.indices.tolist(), best.values.tolist(), strict=True)]
        if best
        else [()] * len(chosen)
    )
    return [TokenScore(token, value, top) for token, value, top in zip(chosen, own, tops, strict=True)]


@dataclass
class Completion:
    """One continuation of a prompt."""

    index: int
    stream: TextStream
    tokens: list[int] = field(default_factory=list)
    finish_reason: str = ""  # "stop": the text's end or a stop string; "length": max_tokens; "cancelled"
    seconds: float = 0.0
    scores: list[TokenScore] | None = None  # of `tokens`, where they were asked for

    @property
    def text(self) -> str:
        return self.stream.text

    @property
    def tokens_per_second(self) -> float:
        return len(self.tokens) / self.seconds if self.seconds else 0.0

    def as_dict(self, tokenizer: Tokenizer) -> dict[str, Any]:
        """What `generate --json` says of it."""
        found = {
            "text": self.text,
            "tokens": len(self.tokens),
            "finish_reason": self.finish_reason,
            "tokens_per_second": round(self.tokens_per_second, 1),
        }
        if self.scores is not None:
            found["logprobs"] = [each.as_dict(tokenizer) for each in self.scores]
        return found


@dataclass(frozen=True)
class Delta:
    """A bit of new text of one completion; the scores of its tokens, where they were asked for."""

    index: int
    text: str
    scores: tuple[TokenScore, ...] = ()
