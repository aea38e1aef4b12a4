"""A tokenizer: text to piece numbers and back, byte for byte. Two kinds: SentencePiece's, and those of Hugging Face."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..language import gettext as _
from ..store import find


@dataclass(frozen=True)
class Piece:
    """One piece of a text."""

    id: int
    text: str  # what it stands for; a byte of a longer character is shown as <0xE4>
    bytes: bytes


class Tokenizer(ABC):
    """Encodes and decodes. Needs no training code and no torch."""

    begin: int | None  # the piece that a text starts with, if any
    end: frozenset[int]  # the pieces that end a text
    padding: int | None
    unknown: int | None  # what becomes of characters that no piece and no bytes spell: they are lost
    special: dict[str, int]  # the control symbols by their text, which no person can type
    added: dict[int, tuple[str, bool]]  # pieces besides the model's own: text, and whether it is a control symbol
    files: dict[str, bytes]  # to put into a folder, for `at` to find it there again
    chat_template: str | None = None
    symbol_names: dict[str, str]  # what a chat template calls control symbols: bos_token, eos_token, pad_token

    @classmethod
    def open(cls, name: str) -> Tokenizer:
        """The tokenizer of this name. Raises UserError when there is none."""
        return cls.at(find("tokenizers", name))

    @classmethod
    def at(cls, folder: Path) -> Tokenizer:
        """The tokenizer in a folder, of a tokenizer or of a model. Raises UserError for a file that is none."""
        if (folder / "tokenizer.model").exists():
            from .sentencepiece import SentencePieceTokenizer

            return SentencePieceTokenizer.in_folder(folder)
        if (folder / "tokenizer.json").exists() or (folder / "merges.txt").exists():
            from .hugging_face import HuggingFaceTokenizer

            return HuggingFaceTokenizer.in_folder(folder)
        raise UserError(
            _("{path} has no tokenizer: tokenizer.model or tokenizer.json is missing. Copy it from the source.").format(
                path=folder
            )
        )

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """How many pieces there are, the special ones included."""

    @abstractmethod
    def encode_documents(self, texts: Sequence[str], threads: int = 1) -> list[np.ndarray[Any, np.dtype[np.int32]]]:
        """The piece numbers of each text, encoded by several threads."""

    @abstractmethod
    def piece(self, number: int) -> str:
        """How a person may read the piece: its text, or <0xE4> for a byte that is no character by itself."""

    @cached_property
    @abstractmethod
    def is_byte(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """For each piece, whether it is one byte that spells a character which has no piece."""

    @abstractmethod
    def _bytes_of(self, number: int) -> bytes: ...

    @property
    def hugging_face_files(self) -> dict[str, bytes]:
        """The files to put into a model's folder, where Transformers shall find the tokenizer too."""
        return self.files

    @property
    def special_numbers(self) -> dict[str, Any]:
        """The numbers of special tokens by their names in a model's config.json and generation_config.json."""
        ends = sorted(self.end)
        named = {
            "bos_token_id": self.begin,
            "eos_token_id": ends[0] if len(ends) == 1 else ends or None,
            "pad_token_id": self.padding,
        }
        return {name: value for name, value in named.items() if value is not None}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what it is made from: the same for the same tokenizer, whatever its name."""
        return hashlib.sha256(b"".join(self.files[name] for name in sorted(self.files))).hexdigest()

    @cached_property
    def token_bytes(self) -> list[bytes]:
        """For each piece, the UTF-8 bytes that it stands for; none for a control symbol."""
        return [self._bytes_of(number) for number in range(self.vocab_size)]

    @cached_property
    def byte_lengths(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """For each piece, how many bytes it stands for: the measure of bits per byte."""
        return np.array([len(data) for data in self.token_bytes], dtype=np.int64)

    def encode(self, text: str) -> list[int]:
        """The piece numbers of `text`. A control symbol never comes out, whatever the text says."""
        return [int(number) for number in self.encode_documents([text], threads=1)[0]]

    def encode_marked(self, text: str) -> list[int]:
        """The piece numbers of `text` in which the control symbols' texts are those symbols: of a rendered chat."""
        found: list[int] = []
        for index, part in enumerate(self.special_pattern.split(text)):
            if index % 2:
                found.append(self.special[part])
            elif part:
                found += self.encode(part)
        return found

    @cached_property
    def special_pattern(self) -> re.Pattern[str]:
        """Finds the control symbols' texts; `split` leaves them at the odd places."""
        return re.compile(f"({'|'.join(map(re.escape, sorted(self.special, key=len, reverse=True))) or '(?!)'})")

    def decode_bytes(self, numbers: Iterable[int]) -> bytes:
        """The bytes that the pieces stand for."""
        return b"".join(self.token_bytes[number] for number in numbers)

    def decode(self, numbers: Iterable[int]) -> str:
        """The text of the pieces; bytes that are no UTF-8, as at a cut, become U+FFFD."""
        return self.decode_bytes(numbers).decode("utf-8", "replace")

    def pieces(self, text: str) -> list[Piece]:
        """The pieces of `text`, to look at."""
        return [Piece(number, self.piece(number), self.token_bytes[number]) for number in self.encode(text)]


def without_surrogates(text: str) -> str:
    """Text that UTF-8 can hold: what is half a character becomes a question mark."""
    if text.isascii():
        return text
    try:
        text.encode()  # quick, and nearly always enough
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def show_bytes(data: bytes) -> str:
    """Bytes for a person: their text, or <0xE4> for each that is no character."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "".join(f"<0x{byte:02X}>" for byte in data)
