"""The points of a line at several levels of detail, so that any stretch of a long one is drawn from few of them."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

FOLD = 8  # points of a level that are one of the next


class Span(NamedTuple):
    """Some points that follow each other; `number` of them have a finite y."""

    x: float  # of the first
    low: float
    high: float
    total: float
    number: int

    @property
    def mean(self) -> float:
        return self.total / self.number


class Levels:
    """Grows with its line: `catch_up` looks at what is new in it."""

    def __init__(self, xs: Sequence[float], ys: Sequence[float]):
        self.xs, self.ys = xs, ys
        self._levels: list[list[Span]] = []  # of FOLD points, of FOLD * FOLD, and so on
        self._seen = 0

    def catch_up(self) -> None:
        """Take in the points that are new. A line that has become shorter is begun anew."""
        if len(self.ys) < self._seen:
            self._levels = []
        self._seen = len(self.ys)
        level, below = 0, len(self.ys)
        while below >= FOLD:
            if level == len(self._levels):
                self._levels.append([])
            spans = self._levels[level]
            for number in range(len(spans), below // FOLD):
                spans.append(_joined([self._span(level, FOLD * number + each) for each in range(FOLD)]))
            below, level = len(spans), level + 1

    def _span(self, level: int, number: int) -> Span:
        if level:
            return self._levels[level - 1][number]
        x, y = self.xs[number], self.ys[number]
        return Span(x, y, y, y, 1) if math.isfinite(y) else Span(x, math.inf, -math.inf, 0.0, 0)

    def between(self, first: float, last: float, most: int) -> Iterator[Span]:
        """The spans of x from `first` to `last`: at least `most`, where there are as many points, and not many more.

        Those without any finite y are passed over. The outermost may reach a little beyond.
        """
        begin, end = bisect_left(self.xs, first, hi=self._seen), bisect_right(self.xs, last, hi=self._seen)
        level = 0
        while level < len(self._levels) and (end - begin) // FOLD ** (level + 1) >= most:
            level += 1
        size = FOLD**level
        spans = [self._span(level, number) for number in range(begin // size, end // size)]
        rest = end // size * size  # what is at the end and fills no span is in those of lower levels
        while level:
            level -= 1
            size = FOLD**level
            spans += [self._span(level, number) for number in range(rest // size, end // size)]
            rest = end // size * size
        return (span for span in spans if span.number)


def _joined(spans: Sequence[Span]) -> Span:
    lows, highs = min(span.low for span in spans), max(span.high for span in spans)
    return Span(spans[0].x, lows, highs, sum(span.total for span in spans), sum(span.number for span in spans))
