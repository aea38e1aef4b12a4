"""The command that does what a dialog does: to be read, copied and put into a script."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from .options import OptionsBase, fields


def command_text(words: Sequence[str], options: OptionsBase) -> str:
    """`newleaf`, these words, and the options that are not their defaults, quoted for a shell."""
    return shlex.join(["newleaf", *words, *arguments(options)])


def arguments(options: OptionsBase) -> list[str]:
    """The options that are not their defaults, as the command line takes them."""
    found: list[str] = []
    for field in fields(type(options)):
        value = getattr(options, field.name)
        if value == field.default or value is None:
            continue
        if field.type is bool:
            found.append(field.flag if value else field.flag.replace("--", "--no-", 1))
        elif field.type is dict:
            for key, number in value.items():
                found += _given(field.flag, f"{key}={number:g}")
        elif field.type is list:
            for part in value:
                found += _given(field.flag, str(part))
        else:
            found += _given(field.flag, str(value))
    return found


def _given(flag: str, value: str) -> list[str]:
    """A value that begins with a hyphen would be taken for an option."""
    return [f"{flag}={value}"] if value.startswith("-") else [flag, value]
