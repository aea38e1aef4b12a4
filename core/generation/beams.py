"""Beam search: the likeliest text, as far as some beginnings side by side can find it.

Sutskever et al. 2014, arXiv:1409.3215; the length penalty is the exponent of the length that a text's log-probability
is divided by (Wu et al. 2016, arXiv:1609.08144, simplified as everywhere).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from ..progress import Cancelled
from .completion import Delta, TokenScore, score

if TYPE_CHECKING:
    from .generate import Run


@dataclass(frozen=True)
class Beam:
    """A beginning: its tokens, their log-probability together, and the score of each where it is asked for."""

    logprob: float = 0.0
    tokens: tuple[int, ...] = ()
    scores: tuple[TokenScore, ...] = field(default=(), compare=False)

    def value(self, penalty: float) -> float:
        """What is compared: the log-probability by the length to the power of the penalty."""
        return self.logprob / len(self.tokens) ** penalty


@torch.inference_mode()
def search(run: Run) -> Iterator[Delta]:
    """The best texts for each prompt, as completions of `run`; each is given out whole when its search is done."""
    for place, prompt in enumerate(run.prompts):
        found = _search_one(run, prompt)
        its_own = run.completions[place * run.number : (place + 1) * run.number]
        for completion, beam in zip(its_own, found, strict=False):  # there may be more beams, or fewer
            completion.seconds = run.seconds
            for index, token in enumerate(beam.tokens):
                scored = beam.scores[index] if beam.scores else None
                if (delta := run.add(completion, token, scored)) is not None:
                    yield delta
                if completion.finish_reason:
                    break


def _search_one(run: Run, prompt: list[int]) -> list[Beam]:
    """The best texts, best first; each ends with the end of the text, if it has come to it."""
    options, end, size = run.options, run.writer.tokenizer.end, run.options.beams
    reader, penalties = run.reader(), run.penalties([prompt])
    logits = reader.read([prompt], lambda: run.cancelled, run.progress)
    beams: list[Beam] = [Beam()]
    ended: list[Beam] = []
    for step in range(options.max_tokens):
        if run.cancelled:
            raise Cancelled
        raw = logits.clone() if options.logprobs is not None else logits
        # Penalties work on log-probabilities here, as the sums do.
        logprobs = penalties.apply(logits.log_softmax(-1))
        sums = logprobs + torch.tensor([beam.logprob for beam in beams], device=logits.device)[:, None]
        best = sums.flatten().topk(min((1 + len(end)) * size, sums.numel()))
        going: list[tuple[Beam, int]] = []
        last = step + 1 == options.max_tokens
        for rank, (total, place) in enumerate(zip(best.values.tolist(), best.indices.tolist(), strict=True)):
            row, token = divmod(place, logits.shape[-1])
            if total == -torch.inf:
                continue
            scores = beams[row].scores
            if options.logprobs is not None:
                scores = (*scores, *score(raw[row : row + 1], [token], options.logprobs))
            beam = Beam(total, (*beams[row].tokens, token), scores)
            if token in end or last:
                if rank < size:  # a beam that would not have gone on does not end either
                    ended.append(beam)
            elif len(going) < size:
                going.append((beam, row))
        ended = sorted(ended, key=lambda beam: beam.value(options.length_penalty), reverse=True)[:size]
        beams = [beam for beam, _row in going]
        # Settled when the best beginning, as long as it is now, is no better than the worst text that has ended.
        worst = ended[-1].value(options.length_penalty) if len(ended) == size else -torch.inf
        if not going or worst >= beams[0].value(options.length_penalty):
            break
        rows, chosen = [row for _beam, row in going], [beam.tokens[-1] for beam in beams]
        reader.select(rows)
        penalties.select(rows)
        penalties.written(chosen)
        logits = reader.next(chosen)
    return ended
