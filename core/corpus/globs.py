"""Patterns for the names of files, as in a .gitignore."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether one of `patterns` fits a name relative to a folder, such as "books/old/a.txt", or a folder that it is in.

    A pattern without a slash is for the last part of a name, at any depth; one with a slash begins at the folder.
    `*` and `?` stay within a part, `**` is any number of parts.
    """
    if not patterns:
        return lambda name: False
    expression = re.compile("|".join(map(_expression, patterns)))
    return lambda name: expression.fullmatch(name) is not None


@dataclass(frozen=True)
class Patterns:
    """Which files of a folder are wanted, and which of an archive, which is a folder here."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()  # of files that are of a known kind here, though they are not elsewhere

    def enter(self, name: str) -> bool:
        """Whether a folder or an archive is looked into."""
        return not self._unwanted(name)

    def take(self, name: str, known: bool) -> bool:
        """Whether a file is read; `known`: its kind can be told by its name, otherwise a pattern has to name it."""
        if self._unwanted(name) or (self.include and not self._wanted(name)):
            return False
        return known or name.lower().endswith(self.suffixes) or self._named(name)

    @cached_property
    def _wanted(self) -> Callable[[str], bool]:
        return matcher(self.include)

    @cached_property
    def _unwanted(self) -> Callable[[str], bool]:
        return matcher(self.exclude)

    @cached_property
    def _named(self) -> Callable[[str], bool]:
        return matcher([pattern for pattern in self.include if names_files(pattern)])


def names_files(pattern: str) -> bool:
    """Whether a pattern says what files are called, as `*.log` does, and not only in which folders they are."""
    return bool(pattern.rsplit("/", 1)[-1].strip("*"))


def _expression(pattern: str) -> str:
    anywhere = "/" not in pattern.rstrip("/")
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    written = "(?:.*/)?" if anywhere else ""
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "**":
            written += ".*" if last else "(?:.*/)?"
        else:
            written += _part(part) + ("" if last else "/")
    return f"(?:{written}(?:/.*)?)"


def _part(part: str) -> str:
    # What fnmatch makes of `*` and `?` may cross a slash.
    pieces = re.split(r"(\*+|\?|\[[^\]/]+\])", part)
    made = {"?": "[^/]"}
    return "".join(
        "[^/]*"
        if piece.startswith("*")
        else made.get(piece) or (re.escape(piece) if not piece.startswith("[") else _class(piece))
        for piece in pieces
    )


def _class(piece: str) -> str:
    # The translation is wrapped as (?s:...)\Z; a class is one character of it.
    return fnmatch.translate(piece).removeprefix("(?s:").removesuffix(")\\Z").removesuffix(")\\z")
