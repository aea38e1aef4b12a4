"""The labels of a classification, and how likely a model finds each of them for a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch

from ..chat import render_parts
from ..errors import UserError
from ..language import gettext as _
from ..progress import Progress, no_progress
from .classification import Classification
from .encoding import encode_question
from .weighing import weigh

if TYPE_CHECKING:
    from ..generation.generate import Writer

SOME = 64  # texts between two words of progress
# Texts that say nothing: what a model that was not taught the labels says to them is what it says whatever it reads
# (Zhao et al. 2021, arXiv:2102.09690).
NOTHING = ("N/A", "...", "[MASK]")


@dataclass(frozen=True)
class Labels:
    """Labels as a model weighs them. `taught`: whether it learnt them; `temperature` divides its log-probabilities."""

    writer: Writer
    names: tuple[str, ...]
    taught: bool = True
    temperature: float = 1.0

    @classmethod
    def of(cls, writer: Writer, about: Mapping[str, Any]) -> Labels:
        """From what a model remembers, or a person gives: "labels", "temperature", "taught". Raises UserError."""
        names = tuple(dict.fromkeys(about.get("labels", ())))
        if len(names) < 2:
            raise UserError(_("A classification needs two labels at least: --labels a,b"))
        return cls(writer, names, bool(about.get("taught", True)), float(about.get("temperature", 1.0)))

    @property
    def room(self) -> int:
        """Tokens of a question."""
        return self.writer.model.config.context - max(map(len, self.answers))

    @cached_property
    def answers(self) -> list[list[int]]:
        """The labels in tokens, each with its end."""
        question = Classification().question({"text": ""})
        tokenizer = self.writer.tokenizer
        return [render_parts(tokenizer, question, {"role": "assistant", "content": name})[1] for name in self.names]

    def weigh(
        self, texts: Sequence[str], progress: Progress = no_progress, cancelled: Callable[[], bool] = lambda: False
    ) -> list[dict[str, Any]]:
        """For each text {"label": the likeliest, "text": the same, "probabilities": {label: probability}}.

        Raises UserError and Cancelled.
        """
        logprobs = self.logprobs(texts, progress, cancelled)
        found = []
        for row in (logprobs / self.temperature).softmax(-1).tolist():
            probabilities = dict(sorted(zip(self.names, row, strict=True), key=lambda pair: -pair[1]))
            best = next(iter(probabilities))
            found.append({"label": best, "text": best, "probabilities": probabilities})
        return found

    def logprobs(
        self, texts: Sequence[str], progress: Progress = no_progress, cancelled: Callable[[], bool] = lambda: False
    ) -> torch.Tensor:
        """How likely each label is for each text, (texts, labels), as logarithms that need not add up to 1."""
        answers, room = self.answers, self.room
        parts = []
        for begin in range(0, len(texts), SOME):
            questions = [self._question(text, room) for text in texts[begin : begin + SOME]]
            parts.append(weigh(self.writer, questions, answers, cancelled))
            progress(begin + len(questions), len(texts))
        found = torch.cat(parts) if parts else torch.empty(0, len(self.names))
        if self.taught:
            return found
        return found - weigh(self.writer, [self._question(text, room) for text in NOTHING], answers).mean(0)

    def _question(self, text: str, room: int) -> list[int]:
        task = Classification()
        if self.taught:
            return encode_question(task, self.writer.tokenizer, {"text": text}, room).tokens
        return encode_question(_Untaught(self.names), self.writer.tokenizer, {"text": text}, room).tokens


class _Untaught(Classification):
    """The question to a model that was not taught the labels: they are named in it."""

    def __init__(self, names: Sequence[str]):
        self.names = names

    def question(self, record: Mapping[str, Any]) -> list[Any]:
        return self.among(str(record["text"]), self.names)
