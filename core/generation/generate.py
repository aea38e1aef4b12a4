"""The loop: the prompt once through the network, then a token at a time for all completions together.

When the context is full, its newer half is kept and read again, and the writing goes on: a text may be longer than the
context. A completion that has ended leaves the batch's rows in place, so the others' numbers stay what they are.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from .. import store
from ..model.gpt import GPT
from ..model.store import load_model
from ..tokenizer.special import BEGIN, END
from ..tokenizer.tokenizer import Tokenizer
from . import sampling
from .options import GenerationOptions
from .text import TextStream

LARGEST_SEED = 2**31 - 1  # of those that are drawn: short enough to type


@dataclass
class Completion:
    """One continuation of a prompt."""

    index: int
    stream: TextStream
    tokens: list[int] = field(default_factory=list)
    finish_reason: str = ""  # "stop": the text's end or a stop string; "length": max_tokens; "cancelled"
    seconds: float = 0.0

    @property
    def text(self) -> str:
        return self.stream.text

    @property
    def tokens_per_second(self) -> float:
        return len(self.tokens) / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """What `generate --json` says of it."""
        return {
            "text": self.text,
            "tokens": len(self.tokens),
            "finish_reason": self.finish_reason,
            "tokens_per_second": round(self.tokens_per_second, 1),
        }


@dataclass(frozen=True)
class Delta:
    """A bit of new text of one completion."""

    index: int
    text: str


@dataclass(frozen=True)
class Writer:
    """A model with its tokenizer, ready to write."""

    model: GPT
    tokenizer: Tokenizer

    @classmethod
    def open(cls, name: str, device: str = "cpu") -> Writer:
        """The model of this name. Raises UserError when there is none."""
        path = store.find("models", name)
        return cls(load_model(path, device), Tokenizer.at(path))

    def generate(
        self, prompt: str, options: GenerationOptions | None = None, number: int = 1
    ) -> tuple[list[Completion], int]:
        """`number` completions of `prompt`, and the seed that they came from."""
        run = self.start(prompt, options, number)
        for _delta in run:
            pass
        return run.completions, run.seed

    def start(self, prompt: str, options: GenerationOptions | None = None, number: int = 1) -> Run:
        """The same as a run to iterate over, for the text as it comes."""
        return Run(self, self.tokenizer.encode(prompt), options or GenerationOptions(), number)


class Run:
    """Completions being written. Iterate for the new text; `cancel` between two steps ends it.

    The number of a completion and the seed settle what it says, whatever the others do: the third of five is the third
    of three.
    """

    def __init__(self, writer: Writer, prompt: Sequence[int], options: GenerationOptions, number: int):
        self.writer, self.options = writer, options
        self.seed = secrets.randbelow(LARGEST_SEED) if options.seed is None else options.seed
        # A prompt that is longer than the context keeps its end, with room to write.
        room = writer.model.config.context - 1
        self.prompt = [BEGIN, *prompt]
        self.left_out = max(0, len(self.prompt) - room)  # tokens at the prompt's beginning that the model does not see
        self.prompt = self.prompt[self.left_out :]
        self.completions = [Completion(index, TextStream(options.stop)) for index in range(number)]
        self.cancelled = False

    def cancel(self) -> None:
        """End after the token at hand; what is written so far stays."""
        self.cancelled = True

    @torch.inference_mode()
    def __iter__(self) -> Iterator[Delta]:
        model, options, rows = self.writer.model, self.options, len(self.completions)
        # Control symbols are for the program; the end of the text is the only one that a completion may choose.
        silent = [i for i, data in enumerate(self.writer.tokenizer.token_bytes) if not data and i != END]
        generators = [torch.Generator().manual_seed(_mix(self.seed, index)) for index in range(rows)]
        begin = time.perf_counter()
        total = min(model.config.context, len(self.prompt) + options.max_tokens)
        cache = model.new_cache(positions=total)
        history = torch.tensor([self.prompt], device=model.device)
        logits = model(history, cache, last=True)[:, -1].float().expand(rows, -1)
        cache.select(torch.zeros(rows, dtype=torch.long, device=model.device))
        history = history.expand(rows, -1)
        seen = torch.zeros(rows, logits.shape[-1], dtype=torch.bool, device=model.device).scatter_(1, history, True)
        for _step in range(options.max_tokens):
            logits = sampling.forbid(logits.clone(), silent)
            logits = sampling.penalise_repetition(logits, seen, options.repetition_penalty)
            chosen = sampling.choose(logits, options, generators)
            yield from self._take(chosen.tolist(), time.perf_counter() - begin)
            if self.cancelled or all(completion.finish_reason for completion in self.completions):
                break
            history = torch.cat([history, chosen[:, None]], dim=1)
            seen.scatter_(1, chosen[:, None], True)
            if cache.length == model.config.context:
                kept = history[:, -(model.config.context // 2) :]
                cache = model.new_cache(rows)
                logits = model(kept, cache, last=True)[:, -1].float()
            else:
                logits = model(chosen[:, None], cache)[:, -1].float()
        for completion in self.completions:
            if not completion.finish_reason:
                completion.finish_reason = "cancelled" if self.cancelled else "length"
                if text := completion.stream.finish():
                    yield Delta(completion.index, text)

    def _take(self, tokens: list[int], seconds: float) -> Iterator[Delta]:
        for completion, token in zip(self.completions, tokens, strict=True):
            if completion.finish_reason:
                continue
            completion.seconds = seconds
            if token == END:
                text, completion.finish_reason = completion.stream.finish(), "stop"
            else:
                completion.tokens.append(token)
                text = completion.stream.feed(self.writer.tokenizer.token_bytes[token])
                if completion.stream.stopped:
                    completion.finish_reason = "stop"
            if text:
                yield Delta(completion.index, text)


def _mix(seed: int, index: int) -> int:
    """A seed for each completion; neighbours have nothing in common (splitmix64, Steele et al. 2014)."""
    mask = 2**64 - 1
    z = (seed + (index + 1) * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return (z ^ (z >> 31)) & (2**63 - 1)
