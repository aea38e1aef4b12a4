"""The loop: the prompt once through the network, then a token at a time for all completions together.

When the context is full, its newer half is kept and read again, and the writing goes on: a text may be longer than the
context. A completion that has ended leaves the batch's rows in place, so the others' numbers stay what they are.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch

from .. import store
from ..chat import Message, shortened, stop_of
from ..errors import UserError
from ..language import gettext as _
from ..model.device import choose_device, writing_dtype
from ..model.gpt import GPT
from ..model.inference import prepare
from ..model.loading import LoadOptions, check_memory
from ..model.store import ModelInfo, check_vocabulary, load_model
from ..progress import Cancelled, Progress, no_progress
from ..tokenizer.tokenizer import Tokenizer
from . import sampling
from .beams import search
from .completion import Completion, Delta, TokenScore, score
from .options import GenerationOptions
from .penalties import Penalties, biases_of
from .reading import Reader
from .text import TextStream

LARGEST_SEED = 2**31 - 1  # of those that are drawn: short enough to type

Text = str | Sequence[int]
Prompt = Text | Sequence[Text] | Sequence[Message]


class Writer:
    """A model with its tokenizer, ready to write. Used from one thread at a time."""

    def __init__(self, model: GPT, tokenizer: Tokenizer, defaults: Mapping[str, Any] | None = None):
        self.model, self.tokenizer = model, tokenizer
        self.defaults = dict(defaults or {})  # of the options, where the model has its own
        self.beginning: Reader | None = None  # what was written last: what the next text has in common is not read

    @classmethod
    def open(
        cls, name: str, options: LoadOptions | None = None, cancelled: Callable[[], bool] = lambda: False
    ) -> Writer:
        """The model of this name. Raises UserError when there is none, or it is damaged, and Cancelled."""
        return cls.at(store.find("models", name), options, cancelled)

    @classmethod
    def at(
        cls, path: Path, options: LoadOptions | None = None, cancelled: Callable[[], bool] = lambda: False
    ) -> Writer:
        """The model in a folder."""
        options = options or LoadOptions()
        info, tokenizer, device = ModelInfo.at(path), Tokenizer.at(path), choose_device(options.device)
        check_vocabulary(tokenizer, info.config.vocab_size, path)
        check_memory(info.config, options, info.name)
        model = load_model(path, device, writing_dtype(device), cancelled)
        return cls(prepare(model, options.quantize), tokenizer, GenerationOptions.at(path))

    @cached_property
    def silent(self) -> list[int]:
        """The tokens that are never written: control symbols are for the program, numbers beyond the pieces nothing.

        The end of the text is the only one of them that a completion may choose.
        """
        data = self.tokenizer.token_bytes
        unknown = range(len(data), self.model.config.vocab_size)
        return [i for i, each in enumerate(data) if not each and i not in self.tokenizer.end] + list(unknown)

    def encode(self, prompt: Text) -> list[int]:
        """The tokens of a text to go on from; numbers of tokens stay as they are. Raises UserError."""
        if not isinstance(prompt, str):
            return self._checked(prompt)
        begin = self.tokenizer.begin
        tokens = self.tokenizer.encode(prompt)
        if begin is None and not tokens:  # something must be read: the end of another text comes nearest to a beginning
            begin = min(self.tokenizer.end, default=0)
        return tokens if begin is None else [begin, *tokens]

    def _checked(self, tokens: Sequence[int]) -> list[int]:
        size = self.model.config.vocab_size
        for token in tokens:
            if not isinstance(token, int) or isinstance(token, bool) or not 0 <= token < size:
                raise UserError(
                    _("The prompt has token {token}: the model has those from 0 to {last}.").format(
                        token=token, last=size - 1
                    )
                )
        return list(tokens) or self.encode("")

    def generate(
        self, prompt: Prompt, options: GenerationOptions | None = None, number: int | None = None
    ) -> tuple[list[Completion], int]:
        """Completions of `prompt`, as many as the options or `number` say, and the seed that they came from."""
        run = self.start(prompt, options, number)
        for _delta in run:
            pass
        return run.completions, run.seed

    def start(self, prompt: Prompt, options: GenerationOptions | None = None, number: int | None = None) -> Run:
        """The same as a run to iterate over, for the text as it comes.

        A prompt is a text, the numbers of its tokens, the messages of a chat, or a list of several texts: then the
        completions of the second follow those of the first. Raises UserError.
        """
        chosen = options or self.options(prompt, {})
        if _is_chat(prompt):
            return self._start_chat(cast("Sequence[Message]", prompt), chosen, number)
        several = not isinstance(prompt, str) and prompt and not isinstance(prompt[0], int)
        prompts = cast("Sequence[Text]", prompt if several else [prompt])
        return Run(self, [self.encode(each) for each in prompts], chosen, number)

    def options(self, prompt: Prompt, values: Mapping[str, Any]) -> GenerationOptions:
        """How to go on from this prompt: what a person gave, and for the rest what the model has. Raises UserError."""
        taught = _is_chat(prompt) and self.tokenizer.chat_template is not None
        return (GenerationOptions.in_chat if taught else GenerationOptions.from_mapping)(values, self.defaults)

    def _start_chat(self, messages: Sequence[Message], options: GenerationOptions, number: int | None) -> Run:
        """What is too long for the context loses its oldest messages, but for the system's: a half one misleads."""
        context = self.model.config.context
        chat = shortened(self.tokenizer, messages, context - min(options.max_tokens, context // 2))
        run = Run(self, [chat.tokens], replace(options, stop=[*options.stop, *stop_of(self.tokenizer)]), number)
        run.left_out += chat.whole - len(chat.tokens)
        run.messages_left_out = chat.left_out
        return run


def _is_chat(prompt: Prompt) -> bool:
    return not isinstance(prompt, str) and bool(prompt) and isinstance(prompt[0], Mapping)


class Run:
    """Completions being written. Iterate for the new text; `cancel` between two steps ends it.

    The number of a completion and the seed settle what it says, whatever the others do: the third of five is the third
    of three.
    """

    def __init__(
        self, writer: Writer, prompts: Sequence[list[int]], options: GenerationOptions, number: int | None = None
    ):
        self.writer, self.options = writer, options
        self.seed = secrets.randbelow(LARGEST_SEED) if options.seed is None else options.seed
        # A prompt that is longer than the context keeps its end, with room to write.
        room = max(1, writer.model.config.context - 1)
        self.prompts = [prompt[-room:] for prompt in prompts]
        # Tokens at the prompts' beginnings that the model does not see.
        self.left_out = sum(max(0, len(prompt) - room) for prompt in prompts)
        self.messages_left_out = 0  # of a chat
        self.number = number or options.n
        self.completions = [
            Completion(index, TextStream(options.stop), scores=None if options.logprobs is None else [])
            for index in range(len(prompts) * self.number)
        ]
        self.cancelled = False
        self.progress: Progress = no_progress  # of the reading of the prompts, in tokens
        self._begin = 0.0

    @property
    def prompt(self) -> list[int]:
        """The tokens of the first prompt that the model sees."""
        return self.prompts[0]

    @property
    def prompt_tokens(self) -> int:
        """How many tokens of prompts the model sees."""
        return sum(map(len, self.prompts))

    def cancel(self) -> None:
        """End after the token at hand; what is written so far stays."""
        self.cancelled = True

    def __iter__(self) -> Iterator[Delta]:
        self._begin = time.perf_counter()
        try:
            yield from search(self) if self.options.beams > 1 else self._sample()
        except Cancelled:
            self.cancelled = True
        for completion in self.completions:
            if not completion.finish_reason:
                completion.finish_reason = "cancelled" if self.cancelled else "length"
                if text := completion.stream.finish():
                    yield Delta(completion.index, text)

    def as_dict(self) -> dict[str, Any]:
        """What `generate --json` says of it, with all its completions."""
        return {
            "seed": self.seed,
            "prompt_tokens": self.prompt_tokens,
            "completions": [completion.as_dict(self.writer.tokenizer) for completion in self.completions],
        }

    @property
    def seconds(self) -> float:
        """Since the first token was asked for."""
        return time.perf_counter() - self._begin

    def reader(self) -> Reader:
        """To read the prompts with, and what follows."""
        longest = max(map(len, self.prompts))
        return Reader(self.writer.model, longest + self.options.max_tokens, self.writer.beginning)

    def penalties(self, prompts: Sequence[list[int]]) -> Penalties:
        """What changes the logits of each prompt's continuation."""
        writer = self.writer
        biases = biases_of(self.options.logit_bias, writer.tokenizer)
        return Penalties(self.options, prompts, writer.silent, sorted(writer.tokenizer.end), biases)

    @torch.inference_mode()
    def _sample(self) -> Iterator[Delta]:
        options, reader = self.options, self.reader()
        rows = [place for place in range(len(self.prompts)) for _completion in range(self.number)]
        generators = [torch.Generator().manual_seed(mix(self.seed, row % self.number)) for row in range(len(rows))]
        logits = reader.read(self.prompts, lambda: self.cancelled, self.progress)[rows]
        reader.select(rows)
        penalties = self.penalties([self.prompts[place] for place in rows])
        for _step in range(options.max_tokens):
            steered = penalties.apply(logits if options.logprobs is None else logits.clone())
            chosen = sampling.choose(steered, options, generators).tolist()
            scores = None if options.logprobs is None else score(logits, chosen, options.logprobs)
            yield from self._take(chosen, scores)
            if self.cancelled or all(completion.finish_reason for completion in self.completions):
                break
            penalties.written(chosen)
            logits = reader.next(chosen)
        self.writer.beginning = reader.keep() or self.writer.beginning

    def _take(self, tokens: Sequence[int], scores: Sequence[TokenScore] | None) -> Iterator[Delta]:
        seconds = self.seconds
        for place, (completion, token) in enumerate(zip(self.completions, tokens, strict=True)):
            if completion.finish_reason:
                continue
            completion.seconds = seconds
            if (delta := self.add(completion, token, scores[place] if scores is not None else None)) is not None:
                yield delta

    def add(self, completion: Completion, token: int, scored: TokenScore | None) -> Delta | None:
        """One more token of a completion, which may be its end; what is new of its text."""
        if token in self.writer.tokenizer.end:
            text, completion.finish_reason = completion.stream.finish(), "stop"
            return Delta(completion.index, text) if text else None
        completion.tokens.append(token)
        data = self.writer.tokenizer.token_bytes
        text = completion.stream.feed(data[token])
        if completion.stream.stopped:
            completion.finish_reason = "stop"
        if scored is None or completion.scores is None:
            return Delta(completion.index, text) if text else None
        completion.scores.append(scored)
        return Delta(completion.index, text, (scored,))


def mix(seed: int, index: int) -> int:
    """A seed for each completion; neighbours have nothing in common (splitmix64, Steele et al. 2014)."""
    mask = 2**64 - 1
    z = (seed + (index + 1) * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return (z ^ (z >> 31)) & (2**63 - 1)
