"""Tokenizers of SentencePiece: those trained here, and `tokenizer.model` files from elsewhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece

from ..errors import UserError
from ..formats.sentencepiece_model import USER_DEFINED, WORD, PieceModel
from ..formats.tokenizer_json import tokenizer_files
from ..language import gettext as _
from .companions import Companions, read_json_text
from .special import SPACE
from .tokenizer import Tokenizer, without_surrogates

JSON, LARGEST_JSON = "tokenizer.json", 1 << 28  # bytes


class SentencePieceTokenizer(Tokenizer):
    """Encodes and decodes with a SentencePiece model."""

    def __init__(self, model: bytes, companions: Companions | None = None):
        self.model = model
        self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        beside = companions or Companions()
        self.files = {"tokenizer.model": model, **beside.files}
        self.chat_template = beside.chat_template
        own = int(self._processor.vocab_size())
        # What was added later has the numbers behind the model's own pieces.
        self.added = {number: text for number, text in beside.added.items() if number >= own}
        self._size = max([own - 1, *self.added]) + 1
        self.special = {
            str(self._processor.id_to_piece(number)): number
            for number in range(own)
            if self._processor.is_control(number)
        } | {text: number for number, (text, special) in self.added.items() if special}
        begin, end, padding = self._processor.bos_id(), self._processor.eos_id(), self._processor.pad_id()
        named = self.special.get
        self.begin = named(beside.begin or "", begin if begin >= 0 else None) if beside.add_begin is not False else None
        ends = {named(beside.end or "", end), *beside.end_ids}
        self.end = frozenset(number for number in ends if 0 <= number < self._size)
        self.padding = named(beside.padding or "", padding if padding >= 0 else None)
        unknown = self._processor.unk_id()
        self.unknown = unknown if unknown >= 0 else None
        own_names = {
            name: str(self._processor.id_to_piece(number))
            for name, number in (("bos_token", begin), ("eos_token", end), ("pad_token", padding))
            if number >= 0
        }
        self.symbol_names = {**own_names, **beside.symbol_names}

    @classmethod
    def in_folder(cls, folder: Path) -> SentencePieceTokenizer:
        """The one in a folder. Raises UserError for a damaged one."""
        path = folder / "tokenizer.model"
        try:
            tokenizer = cls(path.read_bytes(), Companions.of(folder))
            if (folder / JSON).exists():  # what Transformers reads
                tokenizer.files[JSON] = read_json_text(folder / JSON, LARGEST_JSON).encode()
            if not tokenizer.vocab_size:
                raise RuntimeError("no pieces")
        except (FileNotFoundError, RuntimeError) as error:
            raise UserError(_("{path} is damaged: {error}.").format(path=path, error=error)) from None
        return tokenizer

    @property
    def hugging_face_files(self) -> dict[str, bytes]:
        if len(self.files) > 1:  # from elsewhere, with files of its own
            return self.files
        return {**tokenizer_files(PieceModel.decode(self.model)), **self.files}

    @cached_property
    def fingerprint(self) -> str:
        """Of the model alone: what stands beside it says the same in other words."""
        return hashlib.sha256(self.model).hexdigest() if not self.added else super().fingerprint

    @property
    def vocab_size(self) -> int:
        return self._size

    def encode_documents(self, texts: Sequence[str], threads: int = 1) -> list[np.ndarray[Any, np.dtype[np.int32]]]:
        safe = [without_surrogates(text) for text in texts]
        if self._kind != WORD or not self._symbols:
            return self._encode(safe, threads)
        # A model of words takes what stands between spaces for one: symbols and ends of lines have to be cut out first.
        pattern = re.compile(f"({'|'.join(map(re.escape, sorted(self._symbols, key=len, reverse=True)))})")
        split = [pattern.split(text) for text in safe]
        encoded = iter(self._encode([part for parts in split for part in parts[::2]], threads))
        return [
            np.concatenate(
                [
                    np.array([self._symbols[part]], dtype=np.int32) if index % 2 else next(encoded)
                    for index, part in enumerate(parts)
                ]
            )
            for parts in split
        ]

    def _encode(self, texts: list[str], threads: int) -> list[np.ndarray[Any, np.dtype[np.int32]]]:
        encoded = list(self._processor.encode(texts, return_type="numpy", num_threads=threads))
        if self._spelled_space_sign is not None:
            if self._spells_spaces:
                encoded = [self._spaces_as_bytes(numbers) for numbers in encoded]
            for index, text in enumerate(texts):
                if SPACE in text:
                    encoded[index] = self._around_space_signs(text)
        return encoded

    @cached_property
    def _kind(self) -> int:
        return PieceModel.decode(self.model).kind

    @cached_property
    def _symbols(self) -> dict[str, int]:
        """Pieces that are always one, whatever stands around them."""
        found = {
            piece.text: number
            for number, piece in enumerate(PieceModel.decode(self.model).pieces)
            if piece.type == USER_DEFINED
        }
        # SentencePiece adds those with a space before them to a model of words.
        return {text.replace(SPACE, " "): n for text, n in found.items() if text.removeprefix(SPACE) == text}

    @cached_property
    def _spells_spaces(self) -> bool:
        """Whether there may be a space without a piece: SentencePiece spells its own sign for it in bytes then."""
        return self._kind == WORD or self._processor.is_unknown(self._processor.piece_to_id(SPACE))

    @cached_property
    def _spelled_space_sign(self) -> list[int] | None:
        numbers = [int(self._processor.piece_to_id(f"<0x{byte:02X}>")) for byte in SPACE.encode()]
        return numbers if all(self._processor.is_byte(number) for number in numbers) else None

    def _around_space_signs(self, text: str) -> np.ndarray[Any, np.dtype[np.int32]]:
        # The character that stands for a space inside SentencePiece would come back as a space: it is spelled in bytes.
        parts: list[np.ndarray[Any, np.dtype[np.int32]]] = []
        for index, part in enumerate(text.split(SPACE)):
            if index:
                parts.append(np.array(self._spelled_space_sign, dtype=np.int32))
            if part:
                parts += self._encode([part], 1)
        return np.concatenate(parts)

    def _spaces_as_bytes(self, numbers: np.ndarray[Any, np.dtype[np.int32]]) -> np.ndarray[Any, np.dtype[np.int32]]:
        # A model of whole words does not know every space, and SentencePiece spells its own sign for it in bytes.
        assert self._spelled_space_sign is not None
        first, second, third = self._spelled_space_sign
        starts = np.flatnonzero((numbers[:-2] == first) & (numbers[1:-1] == second) & (numbers[2:] == third))
        if not len(starts):
            return numbers
        numbers = numbers.copy()
        numbers[starts] = self._processor.piece_to_id("<0x20>")
        return np.delete(numbers, np.concatenate([starts + 1, starts + 2]))

    @cached_property
    def is_byte(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        own = int(self._processor.vocab_size())
        return np.array([number < own and self._processor.is_byte(number) for number in range(self.vocab_size)])

    def piece(self, number: int) -> str:
        if number >= self._processor.vocab_size():
            return self.added.get(number, ("", False))[0]
        if self._processor.is_byte(number):
            data = self.token_bytes[number]
            return data.decode() if data < b"\x80" else f"<0x{data[0]:02X}>"
        return str(self._processor.id_to_piece(number)).replace(SPACE, " ")

    def _bytes_of(self, number: int) -> bytes:
        if number >= self._processor.vocab_size():
            text, special = self.added.get(number, ("", True))
            return b"" if special else text.encode()
        if self._processor.is_control(number) or self._processor.is_unknown(number):
            return b""
        piece = str(self._processor.id_to_piece(number))
        if self._processor.is_byte(number):
            return bytes([int(piece[1:-1], 16)])
        return piece.replace(SPACE, " ").encode()
