"""The small files beside a tokenizer in a Hugging Face folder: special tokens, chat template, what ends a text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import read_object
from ..language import gettext as _

KEPT = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja")
LARGEST = 64 << 20  # bytes of one of them; more is no such file


@dataclass(frozen=True)
class Companions:
    """What they say."""

    begin: str | None = None  # texts of special tokens
    end: str | None = None
    padding: str | None = None
    add_begin: bool | None = None  # whether a text starts with `begin`; None: as the kind of tokenizer does
    begin_id: int | None = None  # by number, from the model's own files
    end_ids: frozenset[int] = frozenset()
    chat_template: str | None = None
    added: dict[int, tuple[str, bool]] = field(default_factory=dict)  # text and whether special, by number
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def symbol_names(self) -> dict[str, str]:
        """The special tokens' texts by what a chat template calls them."""
        named = {"bos_token": self.begin, "eos_token": self.end, "pad_token": self.padding}
        return {name: text for name, text in named.items() if text is not None}

    @classmethod
    def of(cls, folder: Path) -> Companions:
        """Those in a folder. Raises UserError for one that is damaged."""
        files = {name: _read(folder / name) for name in KEPT if (folder / name).exists()}
        config = {**_object(folder, "special_tokens_map.json"), **_object(folder, "tokenizer_config.json")}
        added: dict[int, tuple[str, bool]] = {}
        for text, number in _object(folder, "added_tokens.json").items():
            if _is_number(number):
                added[number] = (text, False)
        for number, entry in _mapping(config.get("added_tokens_decoder")).items():
            if number.isdecimal() and isinstance(entry, dict) and isinstance(entry.get("content"), str):
                added[int(number)] = (entry["content"], bool(entry.get("special")))
        generation, model = _object(folder, "generation_config.json"), _object(folder, "config.json")
        ends = frozenset(_numbers(generation.get("eos_token_id")) + _numbers(model.get("eos_token_id")))
        begins = _numbers(generation.get("bos_token_id")) + _numbers(model.get("bos_token_id"))
        template = files.get("chat_template.jinja")
        add_begin = config.get("add_bos_token")
        return cls(
            begin=_text(config.get("bos_token")),
            end=_text(config.get("eos_token")),
            padding=_text(config.get("pad_token")),
            add_begin=add_begin if isinstance(add_begin, bool) else None,
            begin_id=begins[0] if begins else None,
            end_ids=ends,
            chat_template=template.decode("utf-8", "replace") if template else _template(config.get("chat_template")),
            added=added,
            files=files,
        )


def _read(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise UserError(_("{path} is damaged: {error}.").format(path=path, error=_("it is far too large")))
    return path.read_bytes()


def _object(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    if not path.exists():
        return {}
    _read(path)
    return read_object(path)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) and value else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31


def _numbers(value: Any) -> list[int]:
    return [number for number in (value if isinstance(value, list) else [value]) if _is_number(number)]


def _template(value: Any) -> str | None:
    """A template, or the one called default of several."""
    if isinstance(value, list):
        named = {entry.get("name"): entry.get("template") for entry in value if isinstance(entry, dict)}
        value = named.get("default")
    return value if isinstance(value, str) and value else None


def read_json_text(path: Path, largest: int) -> str:
    """The text of a JSON file of at most so many bytes. Raises UserError for one that is larger, or no JSON object."""
    if path.stat().st_size > largest:
        raise UserError(_("{path} is damaged: {error}.").format(path=path, error=_("it is far too large")))
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        if not isinstance(json.loads(text), dict):
            raise ValueError(_("it is no object"))
    except (ValueError, RecursionError) as error:
        raise UserError(_("{path} is damaged: {error}.").format(path=path, error=error)) from None
    return text
