"""A text with how sure a model was of each of its tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.language import gettext as _
from .only_text import visible
from .widgets.conversation import Token

ALTERNATIVES = 6  # of each token


def tokens_of(scores: Sequence[Mapping[str, Any]], text: str) -> list[Token]:
    """The tokens of `text`, where they stand in it. `scores` may have some before it and after it, of a template."""
    data = [bytes(score["bytes"]) for score in scores]
    whole, wanted = b"".join(data), text.encode()
    shift = max(0, whole.find(wanted))
    places = _characters(wanted)
    found: list[Token] = []
    end = -shift  # in the bytes of the text
    for score, own in zip(scores, data, strict=True):
        begin, end = end, end + len(own)
        if end > 0 and begin < len(wanted):
            others = [(other["token"], math.exp(other["logprob"])) for other in score["top"]]
            low, high = places[max(0, begin)], places[min(len(wanted), end)]
            found.append(Token(low, high, math.exp(score["logprob"]), others))
    return found


def _characters(data: bytes) -> list[int]:
    """For each place in some UTF-8, and the one behind it, how many characters end before it."""
    places, count = [0], 0
    for place in range(1, len(data) + 1):
        if place == len(data) or data[place] & 0xC0 != 0x80:  # a character begins here
            count += 1
        places.append(count)
    return places


def token_text(token: Token, text: str) -> str:
    """A token and what stood beside it, in a line."""
    own = visible(text[token.begin : token.end])
    others = "  ".join(f"{visible(other)} {share:.1%}" for other, share in token.others)
    return _("{token} {share:.1%}; likeliest: {others}").format(token=own, share=token.probability, others=others)
