"""What the engine does with tokenizers: cut text, look for pieces, compare two, take one from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .. import store

if TYPE_CHECKING:
    from ..tokenizer.tokenizer import Piece, Tokenizer


def encode(request: dict[str, Any]) -> list[Any]:
    """The pieces of a text: number, text, bytes in hexadecimal."""
    return [_shown(piece) for piece in _tokenizer(request["tokenizer"]).pieces(request["text"])]


def pieces(request: dict[str, Any]) -> dict[str, Any]:
    """The pieces that contain a text, the nearest first, or all by number where it is empty; and how many there are."""
    from ..tokenizer.search import find_pieces
    from ..tokenizer.tokenizer import Piece

    tokenizer, limit = _tokenizer(request["tokenizer"]), int(request["limit"])
    if request["text"]:
        found = find_pieces(tokenizer, request["text"], tokenizer.vocab_size)
        return {"total": len(found), "pieces": [_shown(piece) for piece in found[:limit]]}
    first = range(min(limit, tokenizer.vocab_size))
    return {
        "total": tokenizer.vocab_size,
        "pieces": [_shown(Piece(number, tokenizer.piece(number), tokenizer.token_bytes[number])) for number in first],
    }


def compare(request: dict[str, Any]) -> dict[str, Any]:
    """Two tokenizers on the held-out text of a corpus: a Comparison as a mapping, and the split measured on."""
    from ..corpus.store import Corpus
    from ..tokenizer import comparison
    from ..tokenizer.report import held_out_text

    texts, split = held_out_text(Corpus.open(request["corpus"]))
    first, second = ((name, _tokenizer(name)) for name in request["tokenizers"])
    return {**comparison.compare(first, second, texts).as_dict(), "measured_on": split}


def import_tokenizer(request: dict[str, Any], is_cancelled: Callable[[], bool]) -> dict[str, Any]:
    """Take a tokenizer from elsewhere; what is said of it. Nothing of it stays where nobody wants it any more."""
    from ..corpus.store import Corpus
    from ..tokenizer import importing
    from ..tokenizer.store import TokenizerInfo

    corpus = Corpus.open(request["corpus"]) if request["corpus"] else None
    importing.import_tokenizer(request["path"], request["name"], corpus)
    summary = TokenizerInfo.open(request["name"]).summary()
    if is_cancelled():
        store.remove("tokenizers", request["name"])
    return summary


def _shown(piece: Piece) -> list[Any]:
    return [piece.id, piece.text, piece.bytes.hex()]


def _tokenizer(name: str) -> Tokenizer:
    from ..tokenizer.store import TokenizerInfo

    return _opened(name, float(TokenizerInfo.open(name).report["created"]))


@lru_cache(maxsize=8)
def _opened(name: str, created: float) -> Tokenizer:
    """Another of the same name may have taken its place, made at another time."""
    from ..tokenizer.tokenizer import Tokenizer

    return Tokenizer.open(name)
