"""The model at work on rows of tokens: what may come next, with as little computing as can be.

A prompt is read in one pass; what it has in common with the text before is not read again. Then a token at a time, or
several at once where the text repeats itself. When the context is full, its newer half is read again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..model.gpt import GPT
from ..progress import Cancelled, Progress, no_progress

CHUNK = 512  # tokens of a prompt that are read at once: between two such passes it can be cancelled
WORTH_KEEPING = 8  # tokens in common


class Reader:
    """Rows of tokens, their cache, and the logits after them.

    `beginning` is the reader of another text; what both begin with is taken from there.
    """

    def __init__(self, model: GPT, positions: int, beginning: Reader | None = None):
        self.model = model
        self.positions = min(model.config.context, positions)  # that are needed at most
        self.rows: list[list[int]] = []
        self.beginning = beginning
        self.cache = model.new_cache(1, 1)
        self.guesses = Guesses()
        self._ahead: list[int] = []  # tokens that were guessed and are in the cache, and the logits after each
        self._logits = torch.empty(0)

    def read(
        self,
        rows: Sequence[Sequence[int]],
        cancelled: Callable[[], bool] = lambda: False,
        progress: Progress = no_progress,
    ) -> Tensor:
        """Logits after each row of tokens, (B, V) in float32. Raises Cancelled.

        `progress` is called with the tokens that are read, and all of them, where they take more than one pass.
        """
        self.rows = [list(row) for row in rows]
        longest = max(map(len, self.rows))
        self.cache = self.model.new_cache(len(rows), max(self.positions, longest))
        begin = self._take_beginning()
        padding = [longest - len(row) for row in self.rows]
        if any(padding):
            self.cache.padding = torch.tensor(padding, device=self.model.device)
        tokens = torch.tensor(
            [[0] * pad + row for pad, row in zip(padding, self.rows, strict=True)], device=self.model.device
        )
        logits = torch.empty(0)
        for chunk in tokens[:, begin:].split(CHUNK, dim=1):
            if cancelled():
                raise Cancelled
            logits = self.model(chunk, self.cache, last=True)
            if longest - begin > CHUNK:
                progress(self.cache.length, longest)
        self.guesses = Guesses(self.rows[0] if len(self.rows) == 1 else None)
        self._ahead = []
        return logits[:, -1].float()

    def _take_beginning(self) -> int:
        """Positions that need no reading: the last token is always read, for its logits."""
        if self.beginning is None or len(self.rows) > 1:
            return 0
        (row,), before = self.rows, self.beginning
        known = before.rows[0][: before.cache.length]
        common = next(
            (i for i, (a, b) in enumerate(zip(known, row, strict=False)) if a != b), min(len(known), len(row))
        )
        common = min(common, len(row) - 1)
        if common < WORTH_KEEPING:
            return 0
        self.cache.take(before.cache, common)
        return common

    def keep(self) -> Reader | None:
        """Itself with its first row alone, as the beginning of another; None where that row does not begin it."""
        if not self.rows or self.cache.padding is not None:
            return None
        self.select([0])
        self.beginning = None
        return self

    def select(self, rows: Sequence[int]) -> None:
        """Go on with these rows, each as often as it is named."""
        self._drop_guesses()
        if list(rows) != list(range(len(self.rows))):
            self.cache.select(torch.tensor(rows, device=self.model.device))
            self.rows = [list(self.rows[row]) for row in rows]
        self.guesses = Guesses(self.rows[0] if len(self.rows) == 1 else None)

    def next(self, tokens: Sequence[int]) -> Tensor:
        """Logits (B, V) in float32 after one more token in each row."""
        for row, token in zip(self.rows, tokens, strict=True):
            row.append(token)
        if self._ahead and self._ahead[0] == tokens[0]:
            self._ahead.pop(0)
            self.guesses.right += 1
            self.guesses.written(tokens[0])
            return self._logits[:, -1 - len(self._ahead)].float()
        self._drop_guesses()
        if self.cache.length == self.model.config.context:
            half = self.model.config.context // 2
            self.positions, self.beginning = self.model.config.context, None
            return self.read([row[-half:] for row in self.rows])
        self.guesses.written(tokens[0])
        room = self.cache.positions - self.cache.length - 1
        ahead = self.guesses.guess(room) if len(self.rows) == 1 else []
        begin = time.perf_counter()
        block = torch.tensor([[token] for token in tokens] if not ahead else [[tokens[0], *ahead]])
        self._logits = self.model(block.to(self.model.device), self.cache)
        self._ahead = ahead
        if self.model.device.type == "cuda":
            torch.cuda.synchronize()  # it is the work that is timed, not its launch
        self.guesses.took(time.perf_counter() - begin, len(ahead))
        return self._logits[:, -1 - len(ahead)].float()

    def _drop_guesses(self) -> None:
        self.cache.length -= len(self._ahead)
        self._ahead = []


class Guesses:
    """Guesses what comes next where the last tokens were there before: the tokens that followed then.

    Prompt look-up (Saxena 2023, https://github.com/apoorvumang/prompt-lookup-decoding), a way of speculative decoding
    (Leviathan et al. 2023, arXiv:2211.17192): the model reads the guess in the same pass as the last token, and each
    token counts only if it is the one that is chosen. It is left alone while it costs more time than it saves.
    """

    SIZE = 3  # tokens that must have been there before
    MOST = 7  # tokens of a guess
    LOOK = 4  # passes between two looks whether it pays
    PAUSE = 32  # tokens to wait after guesses that did not pay

    def __init__(self, row: Sequence[int] | None = None):
        self.row = list(row or ())
        self.right = 0  # tokens of the last guesses that were chosen
        self._places: dict[tuple[int, ...], int] = {}  # where the tokens after these begin
        self._waiting = 0
        self._plain: float | None = None  # seconds of a token alone
        self._guessed, self._made = 0.0, 0  # seconds, and number, of passes with a guess since the last look
        for end in range(self.SIZE, len(self.row)):
            self._places[tuple(self.row[end - self.SIZE : end])] = end

    def written(self, token: int) -> None:
        """The row goes on."""
        if len(self.row) >= self.SIZE:
            self._places[tuple(self.row[-self.SIZE :])] = len(self.row)
        self.row.append(token)

    def guess(self, room: int) -> list[int]:
        """What may come next, at most `room` tokens; often nothing."""
        if self._waiting:
            self._waiting -= 1
            return []
        place = self._places.get(tuple(self.row[-self.SIZE :]))
        if place is None or room < 1 or self._plain is None or not self._pay():
            return []
        length = min(self.MOST, room)
        found = self.row[place : place + length]
        while len(found) < length:  # what repeats itself goes on repeating itself
            found = found + found[: length - len(found)]
        return found

    def _pay(self) -> bool:
        """Whether the last guesses gave more tokens than would have come in their time."""
        if self._made < self.LOOK:
            return True
        pay = self._guessed < (self._plain or 0.0) * (self._made + self.right)
        self._guessed, self._made, self.right = 0.0, 0, 0
        self._waiting = 0 if pay else self.PAUSE
        return pay

    def took(self, seconds: float, guessed: int) -> None:
        """A pass took so long, with a guess of so many tokens."""
        if guessed:
            self._guessed, self._made = self._guessed + seconds, self._made + 1
        else:
            self._plain = seconds if self._plain is None else 0.8 * self._plain + 0.2 * seconds
