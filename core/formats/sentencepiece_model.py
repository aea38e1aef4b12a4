"""The pieces inside a `tokenizer.model`: read and written without a protobuf library, for it is three flat messages.

https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)  # types; GGUF has the same numbers
UNIGRAM, BPE, WORD, CHAR = range(1, 5)  # kinds of model
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # how a field is written


@dataclass(frozen=True)
class ScoredPiece:
    """A piece, how early it is merged, and its type."""

    text: str
    score: float = 0.0
    type: int = NORMAL


@dataclass(frozen=True)
class PieceModel:
    """What matters of a model: its pieces, how they are found, and what becomes of spaces."""

    pieces: tuple[ScoredPiece, ...]
    kind: int = BPE
    add_dummy_prefix: bool = False
    begin: int = 1
    end: int = 2
    unknown: int = 0
    padding: int = -1
    charsmap: bytes = b""  # how characters are normalised, in SentencePiece's words; of a model that was read

    @property
    def spells_bytes(self) -> bool:
        """Whether it has pieces for the bytes of characters that have none."""
        return any(piece.type == BYTE for piece in self.pieces)

    def encode(self) -> bytes:
        """The content of `tokenizer.model`. Text is left as it is, but for the space that may stand before it."""
        pieces = b"".join(
            _bytes(1, _bytes(1, piece.text.encode()) + _float(2, piece.score) + _number(3, piece.type))
            for piece in self.pieces
        )
        trainer = (
            _number(3, self.kind)
            + _number(4, len(self.pieces))
            + _number(35, self.spells_bytes)
            + _number(40, self.unknown)
            + _number(41, self.begin)
            + _number(42, self.end)
            + _number(43, self.padding)
        )
        normalizer = _bytes(1, b"identity") + _number(3, self.add_dummy_prefix) + _number(4, False) + _number(5, True)
        return pieces + _bytes(2, trainer) + _bytes(3, normalizer)

    @classmethod
    def decode(cls, data: bytes) -> PieceModel:
        """The model in a file that SentencePiece has read before: it is whole."""
        pieces: list[ScoredPiece] = []
        kind, values = UNIGRAM, {40: 0, 41: 1, 42: 2, 43: -1}
        prefix, charsmap = True, b""
        for field, content in _fields(data):
            if field == 1 and isinstance(content, bytes):
                parts = dict(_fields(content))
                text, score = parts.get(1, b""), parts.get(2, b"\0\0\0\0")
                assert isinstance(text, bytes) and isinstance(score, bytes)
                (number,) = struct.unpack("<f", score)
                pieces.append(ScoredPiece(text.decode(), number, int(parts.get(3, NORMAL))))
            elif field == 2 and isinstance(content, bytes):
                told = {key: _signed(value) for key, value in _fields(content) if isinstance(value, int)}
                kind, values = told.get(3, kind), values | told
            elif field == 3 and isinstance(content, bytes):
                normalizer = dict(_fields(content))
                prefix = bool(normalizer.get(3, True))
                rules = normalizer.get(2, b"")
                charsmap = rules if isinstance(rules, bytes) else b""
        return cls(tuple(pieces), kind, prefix, values[41], values[42], values[40], values[43], charsmap)


def truncated(data: bytes, vocab_size: int) -> bytes:
    """The `tokenizer.model` of so many pieces inside that of a larger one, of the kinds BPE, CHAR and WORD.

    These find their pieces one after the other, the best first, whatever the size: a smaller model is the beginning of
    a larger one, what SentencePiece makes of the same text for that size. The single characters of a BPE are no merges,
    and all stay. Raises ValueError where that leaves more pieces than `vocab_size`.
    """
    model = PieceModel.decode(data)
    may_go = [
        number
        for number, piece in enumerate(model.pieces)
        if piece.type == NORMAL and (model.kind != BPE or len(piece.text) > 1)
    ]
    surplus = len(model.pieces) - vocab_size
    if surplus > len(may_go):
        raise ValueError(f"{len(model.pieces) - len(may_go)} pieces are needed at least")
    dropped = set(may_go[len(may_go) - surplus :]) if surplus > 0 else set()
    made: list[bytes] = []
    number = normal = 0
    for field, content, begin, end in _places(data):
        raw = data[begin:end]
        if field == 1:
            piece = model.pieces[number]
            if number in dropped:
                raw = b""
            elif piece.type == NORMAL:
                if model.kind == BPE:  # the score is the place
                    raw = _bytes(1, _bytes(1, piece.text.encode()) + _float(2, -float(normal)))
                normal += 1
            number += 1
        elif field == 2 and isinstance(content, bytes):
            told = [
                _number(4, len(model.pieces) - len(dropped)) if key == 4 else content[first:last]
                for key, _value, first, last in _places(content)
            ]
            raw = _bytes(2, b"".join(told))
        made.append(raw)
    return b"".join(made)


def _key(field: int, how: int) -> bytes:
    return _varint(field << 3 | how)


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # a negative number is written as if it had no sign
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(int(value))


def _float(field: int, value: float) -> bytes:
    return _key(field, _FIXED32) + struct.pack("<f", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(value)) + value


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: numbers as they are, all else as bytes."""
    for field, content, _begin, _end in _places(data):
        yield field, content


def _places(data: bytes) -> Iterator[tuple[int, int | bytes, int, int]]:
    """The fields of a message, and where each begins and ends."""
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while place < len(data):
        begin = place
        key = varint()
        field, how = key >> 3, key & 7
        if how == _VARINT:
            value = varint()
            yield field, value, begin, place
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(how) or varint()
        place += size
        yield field, data[place - size : place], begin, place
