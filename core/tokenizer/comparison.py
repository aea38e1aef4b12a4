"""Two tokenizers side by side: how each cuts the same text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .report import measured
from .tokenizer import Tokenizer

LONGEST, SHORTEST = 80, 20  # characters of an example
MOST_LINES = 2_000  # that examples are taken from


@dataclass(frozen=True)
class Side:
    """One of the two."""

    name: str
    pieces: int
    bytes_per_token: float
    characters_per_token: float
    spelled_in_bytes: float
    tokens: int  # for the same text


@dataclass(frozen=True)
class Example:
    """A text that the two cut differently."""

    text: str
    first: list[str]
    second: list[str]


@dataclass(frozen=True)
class Comparison:
    """What differs."""

    first: Side
    second: Side
    bytes: int  # of the text
    in_common: int  # pieces that stand for the same bytes
    examples: list[Example]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def compare(
    first: tuple[str, Tokenizer], second: tuple[str, Tokenizer], texts: Sequence[str], examples: int = 3
) -> Comparison:
    """Both tokenizers, each with its name, on the same texts; and the lines whose numbers of pieces differ most."""
    one, two = ({data for data in tokenizer.token_bytes if data} for _name, tokenizer in (first, second))
    return Comparison(
        first=_side(*first, texts),
        second=_side(*second, texts),
        bytes=sum(len(text.encode("utf-8", "replace")) for text in texts),
        in_common=len(one & two),
        examples=_examples(first[1], second[1], texts, examples),
    )


def _side(name: str, tokenizer: Tokenizer, texts: Sequence[str]) -> Side:
    found = measured(tokenizer, texts)
    return Side(
        name=name,
        pieces=tokenizer.vocab_size,
        bytes_per_token=found["bytes_per_token"],
        characters_per_token=found["characters_per_token"],
        spelled_in_bytes=found["spelled_in_bytes"],
        tokens=found["tokens"],
    )


def _examples(first: Tokenizer, second: Tokenizer, texts: Sequence[str], most: int) -> list[Example]:
    lines = list(dict.fromkeys(_lines(texts)))[:MOST_LINES]
    one, two = first.encode_documents(lines), second.encode_documents(lines)
    differ = [
        (abs(len(a) - len(b)) / max(len(a), len(b)), number)
        for number, (a, b) in enumerate(zip(one, two, strict=True))
        if len(a) != len(b)
    ]
    chosen = [number for _difference, number in sorted(differ, key=lambda entry: (-entry[0], entry[1]))[:most]]
    return [
        Example(
            lines[number],
            [first.piece(int(piece)) for piece in one[number]],
            [second.piece(int(piece)) for piece in two[number]],
        )
        for number in chosen
    ]


def _lines(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        for line in text.split("\n"):
            if len(line.strip()) >= SHORTEST:
                yield line.strip()[:LONGEST]
