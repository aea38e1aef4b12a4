"""A trained tokenizer: text to piece numbers and back, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece

from ..errors import UserError
from ..language import gettext as _
from ..store import find
from .special import SPACE


@dataclass(frozen=True)
class Piece:
    """One piece of a text."""

    id: int
    text: str  # what it stands for; a byte of a longer character is shown as <0xE4>
    bytes: bytes


class Tokenizer:
    """Encodes and decodes with a SentencePiece model. Needs no training code and no torch."""

    def __init__(self, model: bytes):
        self.model = model
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)

    @classmethod
    def open(cls, name: str) -> Tokenizer:
        """The tokenizer of this name. Raises UserError when there is none."""
        return cls.at(find("tokenizers", name))

    @classmethod
    def at(cls, folder: Path) -> Tokenizer:
        """The tokenizer in a folder, of a tokenizer or of a model. Raises UserError for a file that is none."""
        path = folder / "tokenizer.model"
        try:
            tokenizer = cls(path.read_bytes())
            if not tokenizer.vocab_size:
                raise RuntimeError("no pieces")
        except (FileNotFoundError, RuntimeError) as error:
            raise UserError(_("{path} is damaged: {error}.").format(path=path, error=error)) from None
        return tokenizer

    @property
    def vocab_size(self) -> int:
        """How many pieces there are, the special ones included."""
        return int(self._processor.vocab_size())

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the model: the same for the same tokenizer, whatever its name."""
        return hashlib.sha256(self.model).hexdigest()

    @cached_property
    def token_bytes(self) -> list[bytes]:
        """For each piece, the UTF-8 bytes that it stands for; none for a control symbol."""
        return [self._bytes_of(number) for number in range(self.vocab_size)]

    @cached_property
    def byte_lengths(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """For each piece, how many bytes it stands for: the measure of bits per byte."""
        return np.array([len(data) for data in self.token_bytes], dtype=np.int64)

    begin: int | None = 1
    end = frozenset({2})

    def encode(self, text: str) -> list[int]:
        """The piece numbers of `text`. A control symbol never comes out, whatever the text says."""
        return [int(number) for number in self.encode_documents([text], threads=1)[0]]

    def encode_documents(self, texts: Sequence[str], threads: int = 1) -> list[np.ndarray[Any, np.dtype[np.int32]]]:
        """The piece numbers of each text, encoded by several threads."""
        safe = [text if text.isascii() else text.encode("utf-8", "replace").decode() for text in texts]
        encoded = self._processor.encode(safe, return_type="numpy", num_threads=threads)
        return [
            self._around_space_signs(text) if SPACE in text else self._spaces_as_bytes(numbers)
            for text, numbers in zip(safe, encoded, strict=True)
        ]

    @cached_property
    def _spelled_space_sign(self) -> list[int]:
        return [self._processor.piece_to_id(f"<0x{byte:02X}>") for byte in SPACE.encode()]

    def _around_space_signs(self, text: str) -> np.ndarray[Any, np.dtype[np.int32]]:
        # The character that stands for a space inside SentencePiece would come back as a space: it is spelled in bytes.
        parts: list[np.ndarray[Any, np.dtype[np.int32]]] = []
        for index, part in enumerate(text.split(SPACE)):
            if index:
                parts.append(np.array(self._spelled_space_sign, dtype=np.int32))
            if part:
                parts += self.encode_documents([part])
        return np.concatenate(parts)

    def _spaces_as_bytes(self, numbers: np.ndarray[Any, np.dtype[np.int32]]) -> np.ndarray[Any, np.dtype[np.int32]]:
        # A model of whole words does not know every space, and SentencePiece spells its own sign for it in bytes.
        first, second, third = self._spelled_space_sign
        starts = np.flatnonzero((numbers[:-2] == first) & (numbers[1:-1] == second) & (numbers[2:] == third))
        if not len(starts):
            return numbers
        numbers = numbers.copy()
        numbers[starts] = self._processor.piece_to_id("<0x20>")
        return np.delete(numbers, np.concatenate([starts + 1, starts + 2]))

    @cached_property
    def is_byte(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """For each piece, whether it is one byte that spells a character which has no piece."""
        return np.array([self._processor.is_byte(number) for number in range(self.vocab_size)])

    def decode_bytes(self, numbers: Iterable[int]) -> bytes:
        """The bytes that the pieces stand for."""
        return b"".join(self.token_bytes[number] for number in numbers)

    def decode(self, numbers: Iterable[int]) -> str:
        """The text of the pieces; bytes that are no UTF-8, as at a cut, become U+FFFD."""
        return self.decode_bytes(numbers).decode("utf-8", "replace")

    def pieces(self, text: str) -> list[Piece]:
        """The pieces of `text`, to look at."""
        return [Piece(number, self.piece(number), self.token_bytes[number]) for number in self.encode(text)]

    def piece(self, number: int) -> str:
        """How a person may read the piece: its text, or <0xE4> for a byte that is no character by itself."""
        if self._processor.is_byte(number):
            data = self.token_bytes[number]
            return data.decode() if data < b"\x80" else f"<0x{data[0]:02X}>"
        return str(self._processor.id_to_piece(number)).replace(SPACE, " ")

    def _bytes_of(self, number: int) -> bytes:
        if self._processor.is_control(number) or self._processor.is_unknown(number):
            return b""
        piece = str(self._processor.id_to_piece(number))
        if self._processor.is_byte(number):
            return bytes([int(piece[1:-1], 16)])
        return piece.replace(SPACE, " ").encode()
