"""How likely each of some answers is, by the model's own likelihood: what classification chooses by.

All answers are read in one pass: they stand behind the question as a tree, in which each token sees the question and
its own beginning alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..progress import Cancelled

if TYPE_CHECKING:
    from ..generation.generate import Writer

CELLS = 1 << 21  # of what tokens see of each other, at once
TOKENS = 4096  # at once


@dataclass(frozen=True)
class Tree:
    """Answers as a tree of tokens. Node 0 is the question's end; `tokens` and `parents` are of the others, from 1 on.

    `steps` are all pairs of a node and a token that may follow; `answers` the steps that each answer takes.
    """

    tokens: list[int]
    parents: list[int]
    steps: list[tuple[int, int]]
    answers: list[list[int]]

    @classmethod
    def of(cls, answers: Sequence[Sequence[int]]) -> Tree:
        """The tree of some answers in tokens, each of one at least."""
        tokens: list[int] = []
        parents: list[int] = []
        nodes: dict[tuple[int, int], int] = {}
        numbers: dict[tuple[int, int], int] = {}
        found: list[list[int]] = []
        for answer in answers:
            node, way = 0, []
            for place, token in enumerate(answer):
                way.append(numbers.setdefault((node, token), len(numbers)))
                if place + 1 == len(answer):
                    break
                if (node, token) not in nodes:
                    tokens.append(token)
                    parents.append(node)
                    nodes[node, token] = len(tokens)
                node = nodes[node, token]
            found.append(way)
        return cls(tokens, parents, list(numbers), found)

    def view(self) -> tuple[Tensor, Tensor]:
        """What each node but the first sees of the others, (N, N), and how many steps it is from the question."""
        size = len(self.tokens)
        sees = torch.eye(size, dtype=torch.bool)
        depths = torch.ones(size, dtype=torch.int64)
        for node, parent in enumerate(self.parents):
            if parent:
                sees[node] |= sees[parent - 1]
                depths[node] = depths[parent - 1] + 1
        return sees, depths


@torch.inference_mode()
def weigh(
    writer: Writer,
    questions: Sequence[Sequence[int]],
    answers: Sequence[Sequence[int]],
    cancelled: Callable[[], bool] = lambda: False,
) -> Tensor:
    """The log-probabilities (Q, A) of answers in tokens, each whole with its end, after questions in tokens.

    Raises Cancelled.
    """
    tree = Tree.of(answers)
    found = torch.empty(len(questions), len(answers))
    for some in _together(questions, len(tree.tokens)):
        if cancelled():
            raise Cancelled
        found[some] = _weigh(writer, [questions[index] for index in some], tree)
    return found


def _together(questions: Sequence[Sequence[int]], more: int) -> Iterator[list[int]]:
    """Questions of about the same length, by their numbers, as many as are read at once."""
    order = sorted(range(len(questions)), key=lambda index: len(questions[index]))
    begin = 0
    while begin < len(order):
        end = begin + 1
        while end < len(order):
            length = len(questions[order[end]]) + more
            rows = end + 1 - begin
            if rows * length > TOKENS or rows * length * length > CELLS:
                break
            end += 1
        yield order[begin:end]
        begin = end


def _weigh(writer: Writer, questions: list[Sequence[int]], tree: Tree) -> Tensor:
    model = writer.model
    longest, more = max(map(len, questions)), len(tree.tokens)
    length = longest + more
    tokens = torch.zeros(len(questions), length, dtype=torch.int64)
    positions = torch.zeros(len(questions), length, dtype=torch.int64)
    sees = torch.eye(length, dtype=torch.bool).repeat(len(questions), 1, 1)
    among, depths = tree.view()
    for row, question in enumerate(questions):
        size = len(question)
        tokens[row, :size] = torch.tensor(question)
        tokens[row, longest:] = torch.tensor(tree.tokens, dtype=torch.int64)
        positions[row, :size] = torch.arange(size)
        positions[row, longest:] = size - 1 + depths
        sees[row, :size, :size] = torch.ones(size, size, dtype=torch.bool).tril()
        sees[row, longest:, :size] = True
        sees[row, longest:, longest:] = among
    device = model.device
    positions.clamp_(max=model.config.context - 1)
    hidden = model.model(tokens.to(device), view=(sees[:, None].to(device), positions.to(device)))
    ends = torch.tensor([len(question) - 1 for question in questions], device=device)
    first = hidden[torch.arange(len(questions), device=device), ends][:, None]
    nodes = torch.cat([first, hidden[:, longest:]], dim=1)  # (B, N + 1, C)
    logprobs = model.lm_head(nodes).float().log_softmax(-1)
    where, following = (torch.tensor(part, device=device) for part in zip(*tree.steps, strict=True))
    steps = logprobs[:, where, following].cpu()  # (B, steps)
    return torch.stack([steps[:, way].sum(-1) for way in tree.answers], dim=1)
