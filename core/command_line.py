"""The command that does what was chosen elsewhere, to be copied into a terminal or a script."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from .options import OptionField, OptionsBase, fields, format_duration, parse_duration


def command_line(words: Sequence[str], options: OptionsBase, usual: Mapping[str, Any] | None = None) -> str:
    """`words` and a flag for each option that is not as usual, quoted for a shell.

    `usual` is what holds where nothing is said, as far as that is not the default.
    """
    usual = usual or {}
    flags = [
        word
        for field in fields(type(options))
        if (value := getattr(options, field.name)) != usual.get(field.name, field.default)
        for word in _flags(field, value)
    ]
    return shlex.join([*words, *flags])


def _flags(field: OptionField, value: Any) -> list[str]:
    if value is None:  # no flag says it
        return []
    if field.type is bool:
        return [field.flag] if field.default is False else [field.flag, "on" if value else "off"]
    if field.kind == "duration" and parse_duration(shown := format_duration(value)) == value:
        return [field.flag, shown]
    values = value if isinstance(value, list) else [value]
    return [word for each in values for word in _pair(field.flag, str(each))]


def _pair(flag: str, value: str) -> list[str]:
    return [f"{flag}={value}"] if value.startswith("-") else [flag, value]
