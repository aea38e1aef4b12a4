"""Look for pieces in a vocabulary."""

from __future__ import annotations

from .tokenizer import Piece, Tokenizer


def find_pieces(tokenizer: Tokenizer, text: str, limit: int = 50) -> list[Piece]:
    """The pieces that contain `text`, the nearest first: equal, then with it at the beginning, then the shorter ones.

    Whether letters are capital does not matter, but pieces that have them as they were given come first among equals.
    Control symbols are found by their names, and single bytes by what they are shown as: <0xE4>.
    """
    sought = text.casefold()
    found: list[tuple[tuple[bool, bool, bool, int, int], Piece]] = []
    for number in range(tokenizer.vocab_size):
        shown = tokenizer.piece(number)
        folded = shown.casefold()
        if sought in folded:
            begins = folded.lstrip(" ").startswith(sought)
            nearness = (folded.strip(" ") != sought.strip(" "), not begins, text not in shown, len(shown), number)
            found.append((nearness, Piece(number, shown, tokenizer.token_bytes[number])))
    return [piece for _nearness, piece in sorted(found, key=lambda entry: entry[0])[:limit]]
