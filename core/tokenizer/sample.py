"""The text that a tokenizer learns from: the training split of a corpus, or a part of it drawn by chance."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..corpus.store import Corpus
from ..language import gettext as _
from ..progress import Progress

LONGEST_LINE = 1 << 16  # characters; SentencePiece passes over what is longer than it is told
COUNTED = 16_000_000  # bytes of text at most in which pieces are counted
READING = 0.5  # the share of the work that is reading the sample; the rest is learning


@dataclass
class Sample:
    """The lines to learn from, and what was counted while they were read."""

    corpus: Corpus
    size: int  # bytes at most, about
    progress: Progress
    taken: int = 0  # bytes, when all lines were read
    counted: list[str] = field(default_factory=list)  # documents to count pieces in, when all lines were read
    rare: re.Pattern[str] | None = None  # runs of characters that will have no piece

    def keep_commonest(self, room: int) -> int:
        """From now on leave out all but the `room` commonest characters. Returns how many different ones there are."""
        counts = Counter(character for line in self.lines() for character in line)
        kept = "".join(re.escape(character) for character, _count in counts.most_common(room))
        self.rare = re.compile(f"[^{kept}]+")
        return len(counts)

    def lines(self) -> Iterator[str]:
        """The text, line by line and without the rare characters."""
        for line in self._whole_lines():
            if self.rare is None:
                yield line
            else:
                yield from filter(None, self.rare.split(line))

    def _whole_lines(self) -> Iterator[str]:
        self.taken, self.counted = 0, []
        total = max(1, self.corpus.manifest.train.bytes)
        share, counted = self.size / total, COUNTED / total
        for document in self.corpus.documents("train"):
            number = _number_of(document) if share < 1 or counted < 1 else 0.0
            if number >= share:
                continue
            if number < counted:
                self.counted.append(document)
            self.taken += len(document.encode())
            self.progress(READING * self.taken, min(total, self.size), _("reading"))
            for line in document.split("\n"):
                for start in range(0, len(line), LONGEST_LINE):
                    yield line[start : start + LONGEST_LINE]


def _number_of(document: str) -> float:
    # Not the beginning of the hash that decides what is held out: that one is never low in the training split.
    return int.from_bytes(hashlib.sha256(document.encode()).digest()[8:16], "big") / 2**64
