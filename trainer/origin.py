"""The model that a training starts from, and what it forgets while it learns something new."""

from __future__ import annotations

import time
from typing import Any

from ..core.corpus.store import Corpus
from ..core.files import read_object, write_json
from ..core.language import gettext as _
from ..core.model.gpt import GPT
from ..core.model.store import ModelInfo, load_model
from ..core.tokenizer.token_files import encode_corpus
from ..core.tokenizer.tokenizer import Tokenizer
from .evaluation import bits_per_byte
from .group import Group
from .jobs import Job
from .outcome import forgotten_text
from .plan import Plan

FILE = "old.json"  # bits per byte on the old corpus, "before" and "after", of how many tokens, in how many seconds
MOST_TOKENS = 65_536  # of the old corpus that are measured,
OLD_SHARE = 0.015  # of the time, at most, each time
MORE_TOKENS = 4  # times as many are tried while that share has room for them


class Origin:
    """The model, and the corpus that it learnt from before where that is there."""

    def __init__(self, job: Job):
        self.info = ModelInfo.open(job.spec["inputs"]["from"])
        old = job.spec["inputs"].get("old_corpus")
        self.old = Corpus.open(old) if old else None
        self.path = job.path / FILE
        self.tokenizer = Tokenizer.at(self.info.path)
        self.tokens_name = f"model-{self.info.name}"  # of a corpus's token files

    def load(self, model: GPT) -> None:
        """Give a network of this shape, on the CPU, the model's weights."""
        model.load_state_dict(load_model(self.info.path).state_dict())

    @property
    def scores(self) -> dict[str, Any]:
        """What was measured so far."""
        return {when: score for when, score in self._kept.items() if when in ("before", "after")}

    @property
    def _kept(self) -> dict[str, Any]:
        return read_object(self.path) if self.path.exists() else {}

    def measure(self, when: str, model: GPT, plan: Plan, group: Group, keep: bool) -> float:
        """Bits per byte on the old corpus "before" or "after", which one process on a machine keeps.

        Before once only, however often a job is resumed; after, of as many tokens. Gives the seconds that it takes each
        time, a small share of the plan's.
        """
        if self.old is None:
            return 0.0
        if keep:  # what the others then find
            encode_corpus(self.old, self.tokenizer, self.tokens_name)
        kept = self._kept
        most, seconds = group.first([float(kept.get("tokens", MOST_TOKENS)), float(kept.get("seconds", 0.0))])
        (known,) = group.first([float(when == "before" and when in kept)])
        if known:
            return seconds
        tokens = encode_corpus(self.old, self.tokenizer, self.tokens_name).tokens("val")
        number, lengths = plan.context if plan.time and when == "before" else int(most), self.tokenizer.byte_lengths
        while True:
            begin = time.perf_counter()
            score = bits_per_byte(model, tokens, lengths, plan.dtype, number, plan.context, group)
            (seconds,) = group.first([time.perf_counter() - begin])
            if number >= most or number >= len(tokens) or MORE_TOKENS * seconds > OLD_SHARE * (plan.time or 0.0):
                break
            number = min(int(most), MORE_TOKENS * number)
        if keep:
            write_json(self.path, {**kept, when: score, "tokens": number, "seconds": seconds})
        return seconds

    @property
    def forgotten(self) -> tuple[str, float, float] | None:
        """The corpus that it learnt before, and its bits per byte before and after; none where they are not known."""
        before, after = self.scores.get("before"), self.scores.get("after")
        return None if self.old is None or before is None or after is None else (self.old.name, before, after)

    def sentence(self) -> str:
        """What learning something new did to what the model knew, of which there has to be a corpus."""
        assert self.old
        if self.forgotten:
            return forgotten_text(*self.forgotten)
        return _("{corpus} has no held-out text: what was forgotten cannot be said.").format(corpus=self.old.name)

    def provenance(self) -> dict[str, Any]:
        """For the model's newleaf.json."""
        old = {"old_corpus": self.old.name, "old_bits_per_byte": self.scores} if self.old and self.scores else {}
        return {"from": self.info.name, **old}
