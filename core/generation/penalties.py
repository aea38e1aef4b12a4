"""What was written before, and what a person wants or does not want, changes the logits (B, V) of what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..tokenizer.tokenizer import Tokenizer
from .options import GenerationOptions
from .sampling import forbid


def penalise_repetition(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Divide positive and multiply negative logits of the tokens in `seen` (B, V; true or false) by `penalty`.

    Keskar et al. 2019, arXiv:1909.05858.
    """
    if penalty == 1:
        return logits
    return torch.where(seen, torch.where(logits > 0, logits / penalty, logits * penalty), logits)


def penalise_written(logits: Tensor, counts: Tensor, frequency: float, presence: float) -> Tensor:
    """Take `frequency` for each time that a token was written, (B, V), and `presence` once, from its logit."""
    return logits - frequency * counts - presence * (counts > 0)


def forbid_repeated(logits: Tensor, histories: Sequence[Sequence[int]], size: int) -> Tensor:
    """Rule out what would make `size` tokens in a row appear a second time in its history. Paulus et al. 2017,
    arXiv:1705.04304.
    """
    for row, history in enumerate(histories):
        if size == 0 or len(history) < size:
            continue
        end = list(history[len(history) - size + 1 :])
        repeated = {
            history[start + size - 1]
            for start in range(len(history) - size + 1)
            if list(history[start : start + size - 1]) == end
        }
        logits[row, list(repeated)] = -torch.inf
    return logits


def add_bias(logits: Tensor, histories: Sequence[Sequence[int]], biases: Mapping[tuple[int, ...], float]) -> Tensor:
    """Add to the logit of each sequence's last token, where the tokens before it have just been written."""
    for tokens, bias in biases.items():
        before = list(tokens[:-1])
        for row, history in enumerate(histories):
            if not before or list(history[-len(before) :]) == before:
                logits[row, tokens[-1]] += bias
    return logits


def biases_of(texts: Mapping[str, float], tokenizer: Tokenizer) -> dict[tuple[int, ...], float]:
    """The tokens of each text; "#123" is the token of this number."""
    found: dict[tuple[int, ...], float] = {}
    for text, bias in texts.items():
        if text.startswith("#") and text[1:].isdecimal() and int(text[1:]) < tokenizer.vocab_size:
            numbers = [int(text[1:])]
        else:
            numbers = tokenizer.encode(text)
        if tokens := tuple(numbers):
            found[tokens] = found.get(tokens, 0.0) + float(bias)
    return found


class Penalties:
    """All that the options ask for, for rows that are being written."""

    def __init__(
        self,
        options: GenerationOptions,
        prompts: Sequence[Sequence[int]],
        silent: Sequence[int],
        end: Sequence[int],
        biases: Mapping[tuple[int, ...], float],
    ):
        self.options, self.silent, self.end, self.biases = options, list(silent), list(end), biases
        self.histories = [list(prompt) for prompt in prompts]
        self.starts = [len(prompt) for prompt in prompts]
        self._seen: Tensor | None = None
        self._counts: Tensor | None = None

    @property
    def by_history(self) -> bool:
        """Whether what was written changes what comes next, besides through the model."""
        options = self.options
        return bool(
            options.repetition_penalty != 1
            or options.frequency_penalty
            or options.presence_penalty
            or options.no_repeat_ngram_size
            or options.min_tokens
            or any(len(tokens) > 1 for tokens in self.biases)
        )

    def apply(self, logits: Tensor) -> Tensor:
        """The logits (B, V) as they are to be; the given ones may be changed."""
        options = self.options
        logits = add_bias(logits, self.histories, self.biases)
        if options.repetition_penalty != 1:
            logits = penalise_repetition(logits, self._seen_in(logits), options.repetition_penalty)
        if options.frequency_penalty or options.presence_penalty:
            counts = self._counted_in(logits)
            logits = penalise_written(logits, counts, options.frequency_penalty, options.presence_penalty)
        logits = forbid_repeated(logits, self.histories, options.no_repeat_ngram_size)
        if self.histories and len(self.histories[0]) - self.starts[0] < options.min_tokens:
            logits = forbid(logits, self.end)
        logits = forbid(logits, self.silent)
        if options.no_repeat_ngram_size and bool((lost := torch.isneginf(logits).all(-1)).any()):
            # Nothing left: better to repeat than to have nothing to choose from.
            logits[lost] = forbid(torch.zeros_like(logits[lost]), self.silent)
        return logits

    def written(self, tokens: Sequence[int]) -> None:
        """Each row goes on with its token."""
        for history, token in zip(self.histories, tokens, strict=True):
            history.append(token)
        index = None
        for table, value in ((self._seen, True), (self._counts, 1.0)):
            if table is not None:
                index = torch.tensor(tokens, device=table.device)[:, None] if index is None else index
                if table.dtype == torch.bool:
                    table.scatter_(1, index, value)
                else:
                    table.scatter_add_(1, index, torch.ones_like(index, dtype=table.dtype))

    def select(self, rows: Sequence[int]) -> None:
        """Go on with these rows, each as often as it is named."""
        self.histories = [list(self.histories[row]) for row in rows]
        self.starts = [self.starts[row] for row in rows]
        self._seen = self._seen[list(rows)] if self._seen is not None else None
        self._counts = self._counts[list(rows)] if self._counts is not None else None

    def _seen_in(self, logits: Tensor) -> Tensor:
        if self._seen is None:
            self._seen = torch.zeros_like(logits, dtype=torch.bool)
            for row, history in enumerate(self.histories):
                self._seen[row, history] = True
        return self._seen

    def _counted_in(self, logits: Tensor) -> Tensor:
        if self._counts is None:
            self._counts = torch.zeros_like(logits)
            for row, history in enumerate(self.histories):
                written = torch.tensor(history[self.starts[row] :], dtype=torch.long, device=logits.device)
                self._counts[row] = torch.bincount(written, minlength=logits.shape[-1])
        return self._counts
