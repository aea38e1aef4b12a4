"""Tokenizers of the `tokenizers` library: `tokenizer.json`, or GPT-2's `vocab.json` and `merges.txt`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers

from ..errors import UserError
from ..language import gettext as _
from .companions import Companions, read_json_text
from .special import SPACE
from .tokenizer import Tokenizer, show_bytes, without_surrogates

LARGEST = 512 << 20  # bytes of a tokenizer.json
MOST_PIECES = 1 << 24
END_OF_TEXT = "<|endoftext|>"  # GPT-2's only special token, which its two files do not mark as one
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class HuggingFaceTokenizer(Tokenizer):
    """Encodes and decodes with a tokenizer of the `tokenizers` library that has pieces for all bytes."""

    def __init__(self, backend: tokenizers.Tokenizer, description: dict[str, Any], files: dict[str, bytes], path: Path):
        self._backend, self.files = backend, files
        self.description = description  # the content of tokenizer.json
        backend.no_padding()
        backend.no_truncation()
        added = backend.get_added_tokens_decoder()
        self.added = {number: (token.content, token.special) for number, token in added.items()}
        vocabulary = backend.get_vocab(with_added_tokens=True)
        self._texts = {number: text for text, number in vocabulary.items()}
        self._size = max(self._texts, default=-1) + 1
        if not 0 < self._size <= MOST_PIECES:
            raise UserError(_("{path} is damaged: {error}.").format(path=path, error=_("it has no pieces")))
        self._to_bytes = _spelling(description, path)
        self.special = {text: number for number, (text, special) in self.added.items() if special}
        model = description.get("model") or {}
        self.unknown = vocabulary.get(model.get("unk_token") or "", model.get("unk_id"))
        # A control symbol that a person types is text like any other.
        backend.encode_special_tokens = True

    @classmethod
    def in_folder(cls, folder: Path) -> HuggingFaceTokenizer:
        """The one in a folder. Raises UserError for a damaged one, or one of a kind that is not known here."""
        beside = Companions.of(folder)
        path = folder / "tokenizer.json"
        if path.exists():
            text = read_json_text(path, LARGEST)
            files = {"tokenizer.json": text.encode("utf-8", "replace"), **beside.files}
        else:
            path = folder / "merges.txt"
            text = _from_gpt2(folder)
            files = {"tokenizer.json": text.encode(), **beside.files}
        try:
            backend = tokenizers.Tokenizer.from_str(text)
        except Exception as error:  # the library has no class of its own
            raise UserError(_("{path} is damaged: {error}.").format(path=path, error=error)) from None
        made = cls(backend, json.loads(text), files, path)
        made._take(beside)
        return made

    def _take(self, beside: Companions) -> None:
        self.chat_template, self.symbol_names = beside.chat_template, beside.symbol_names
        number = self._backend.token_to_id
        for text in (beside.begin, beside.end, beside.padding):
            if text is not None and (known := number(text)) is not None:
                self.special[text] = known
        processed = self._backend.encode("a", add_special_tokens=True).ids
        plain = self._backend.encode("a", add_special_tokens=False).ids
        starts = bool(processed) and processed[: len(plain)] != plain
        if beside.add_begin is not None and beside.begin is not None:
            self.begin = number(beside.begin) if beside.add_begin or starts else None
        else:
            self.begin = processed[0] if starts else None
        ends = {*beside.end_ids, number(beside.end) if beside.end else None}
        self.end = frozenset(each for each in ends if each is not None and 0 <= each < self._size)
        if not self.end and END_OF_TEXT in self.special:
            self.end = frozenset({self.special[END_OF_TEXT]})
        self.padding = number(beside.padding) if beside.padding else None
        # What ends or begins a text is none of it, whether or not the file marks it as special.
        for each in {*self.end, *([] if self.begin is None else [self.begin])}:
            self.special.setdefault(self._texts.get(each, ""), each)
        self.special.pop("", None)

    @property
    def vocab_size(self) -> int:
        return self._size

    def encode_documents(self, texts: Sequence[str], threads: int = 1) -> list[np.ndarray[Any, np.dtype[np.int32]]]:
        safe = [without_surrogates(text) for text in texts]
        encoded = self._backend.encode_batch_fast(safe, add_special_tokens=False)
        return [np.array(each.ids, dtype=np.int32) for each in encoded]

    def encode_marked(self, text: str) -> list[int]:
        return [int(number) for number in self._marking.encode(without_surrogates(text), add_special_tokens=False).ids]

    @cached_property
    def _marking(self) -> tokenizers.Tokenizer:
        backend = tokenizers.Tokenizer.from_str(self._backend.to_str())
        backend.encode_special_tokens = False
        return backend

    @cached_property
    def is_byte(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return np.array([len(data) == 1 and data >= b"\x80" for data in self.token_bytes])

    def piece(self, number: int) -> str:
        return show_bytes(self.token_bytes[number]) or self._texts.get(number, "")

    def _bytes_of(self, number: int) -> bytes:
        text = self._texts.get(number)
        if text is None or self.special.get(text) == number:
            return b""
        return text.encode() if number in self.added else self._to_bytes(text)


def _spelling(description: dict[str, Any], path: Path) -> Any:
    """How a piece spells bytes, by the parts of the tokenizer. Raises UserError for a way that is not known."""
    kinds = {part.get("type") for key in ("decoder", "pre_tokenizer") for part in _parts(description.get(key))}
    if "ByteLevel" in kinds:
        return _from_byte_alphabet
    if "Metaspace" in kinds or (description.get("model") or {}).get("byte_fallback"):
        return _from_space_sign
    known = ", ".join(sorted(str(kind) for kind in kinds if kind)) or "?"
    raise UserError(
        _("{path}: pieces of the kind {kind} do not keep all bytes of a text; newleaf cannot use them.").format(
            path=path, kind=known
        )
    )


def _parts(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for key in ("decoders", "pretokenizers"):
            for inner in part.get(key) or []:
                yield from _parts(inner)


def byte_alphabet() -> dict[str, int]:
    """The character by which GPT-2 writes each byte: itself where it is printable, else one from 256 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + index): byte for index, byte in enumerate(others)}


_ALPHABET = byte_alphabet()


def _from_byte_alphabet(text: str) -> bytes:
    if all(character in _ALPHABET for character in text):
        return bytes(_ALPHABET[character] for character in text)
    return text.encode()


def _from_space_sign(text: str) -> bytes:
    if match := _BYTE.fullmatch(text):
        return bytes([int(match[1], 16)])
    return text.replace(SPACE, " ").encode()


def _from_gpt2(folder: Path) -> str:
    """`vocab.json` and `merges.txt` as the content of a tokenizer.json."""
    if not (folder / "vocab.json").exists():
        raise UserError(_("{path} is missing: merges.txt alone is no tokenizer.").format(path=folder / "vocab.json"))
    vocabulary = json.loads(read_json_text(folder / "vocab.json", LARGEST))
    path = folder / "merges.txt"
    if not path.exists():
        raise UserError(_("{path} is missing: vocab.json alone is no tokenizer.").format(path=path))
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    merges: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        first, _space, second = line.rstrip("\r").partition(" ")
        if first == "#version:" and number == 1:
            continue
        if second and " " not in second:
            merges.append((first, second))
        elif first:
            raise UserError(
                _("{path} is damaged: {error}.").format(path=path, error=_("line {n} is no merge").format(n=number))
            )
    try:
        model = tokenizers.models.BPE(vocabulary, merges)
    except Exception as error:  # the library has no class of its own
        raise UserError(_("{path} is damaged: {error}.").format(path=path, error=error)) from None
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    if END_OF_TEXT in vocabulary:
        made.add_special_tokens([END_OF_TEXT])
    return str(made.to_str())
