"""What a person can say about a tokenizer to train."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..language import N_
from ..language import gettext as _
from ..options import OptionsBase, option
from .special import CONTROL, SPACE, WHITE_SPACE

AUTO = "auto"
TYPES = ("bpe", "unigram", "char", "word")
BYTES = 256  # pieces of one byte each
COVERAGE = 0.9995
MANY_CHARACTERS = 1_000  # from which on they may crowd out longer pieces
LEAST_ROOM = 16  # pieces for text, at least
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


@dataclass(frozen=True)
class TokenizerOptions(OptionsBase):
    """How a tokenizer is trained. Any text comes back byte for byte, unless an option says that it may not."""

    vocab_size: int | str = option(
        AUTO,
        N_(
            "How many pieces, or auto: then the text decides, by how much shorter more pieces make it. Fewer make a "
            "smaller model, more make shorter texts."
        ),
        minimum=300,
        maximum=1_000_000,
        word=AUTO,
    )
    type: str = option(
        "bpe",
        N_("How pieces are found: bpe (merge what stands together often), unigram, char, word."),
        choices=TYPES,
    )
    character_coverage: float | str = option(
        AUTO,
        N_(
            "The share of the text whose characters get a piece of their own; rarer ones are spelled in bytes. auto: "
            "0.9995, or less where thousands of characters would fill more than half of the vocabulary."
        ),
        minimum=0.98,
        maximum=1.0,
        word=AUTO,
    )
    byte_fallback: bool = option(
        True,
        N_("Whether characters without a piece are spelled in bytes. off: they are lost, all become <unk>."),
        metavar="on|off",
    )
    split_digits: bool = option(
        True, N_("Whether each digit is a piece by itself, which makes numbers easier to learn."), metavar="on|off"
    )
    symbol: list[str] = option(
        [], N_("A text that is always one piece, such as <think>. May be given several times."), metavar="TEXT"
    )
    normalization: str = option(
        "none",
        N_("What becomes of the text first: none, or nfkc, which makes one of characters that mean the same."),
        choices=("none", "nfkc"),
    )
    sample: int = option(
        200_000_000,
        N_("How much text to learn from at most; of a larger corpus documents are drawn by chance."),
        minimum=1_000_000,
        maximum=100_000_000_000,
        kind="size",
        metavar="SIZE",
    )

    @property
    def fixed_pieces(self) -> int:
        """How many pieces there are whatever the text is: bytes, control symbols, white space, a person's own."""
        symbols = len(WHITE_SPACE) + len(self.symbol)
        if self.type == "word":
            symbols *= 2  # SentencePiece keeps them with a space before them too
        return BYTES * self.byte_fallback + len(CONTROL) + symbols

    def room_for_characters(self, vocab_size: int) -> int:
        """Half of what is not fixed of so many pieces: the other half is for pieces of several characters."""
        return (vocab_size - self.fixed_pieces) // 2

    def is_crowded(self, characters: int, vocab_size: int) -> bool:
        """Whether so many characters are to be fewer in so many pieces: spelling the rarest makes text shorter."""
        return (
            self.character_coverage == AUTO
            and self.type in ("bpe", "unigram")
            and characters > max(self.room_for_characters(vocab_size), MANY_CHARACTERS)
        )

    def problems(self) -> list[str]:
        found = [problem for symbol in dict.fromkeys(self.symbol) if (problem := _problem_of(symbol))]
        found += [
            _("--symbol {symbol!r} is given twice.").format(symbol=symbol)
            for symbol in dict.fromkeys(self.symbol)
            if self.symbol.count(symbol) > 1
        ]
        least = self.fixed_pieces + LEAST_ROOM
        if isinstance(self.vocab_size, int) and self.vocab_size < least:
            found.append(
                _(
                    "--vocab-size is {size:,}: bytes, control symbols and your own symbols take {fixed:,} alone. "
                    "Choose {least:,} or more."
                ).format(size=self.vocab_size, fixed=self.fixed_pieces, least=least)
            )
        return found


def _problem_of(symbol: object) -> str | None:
    if not isinstance(symbol, str) or not symbol:
        return _("--symbol is empty: a symbol needs a character at least.")
    if symbol in CONTROL or _BYTE.fullmatch(symbol):
        return _("--symbol {symbol!r}: every tokenizer has this name for a piece of its own. Choose another.").format(
            symbol=symbol
        )
    if symbol in WHITE_SPACE:
        return _("--symbol {symbol!r}: this is always a piece of its own; leave it out.").format(symbol=symbol)
    if SPACE in symbol or "\0" in symbol or any("\ud800" <= character <= "\udfff" for character in symbol):
        return _("--symbol {symbol!r} has a character that no symbol can have.").format(symbol=symbol)
    return None
