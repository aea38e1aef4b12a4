"""What a command prints: data to stdout, progress and words to stderr."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
import unicodedata
from collections.abc import Sequence
from typing import Any, TextIO

from ..core.generation.stream import reading_text
from ..core.language import gettext as _
from ..core.options import format_duration
from ..core.sections import Section

_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_NUMERIC = ("", "-", *"0123456789")  # how a number begins, or where there is none
PLAIN_EVERY = 10.0  # seconds between two lines of progress where there is no terminal


def print_json(value: Any) -> None:
    """Data for a program."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def say(text: str) -> None:
    """A sentence for a person."""
    print(harmless(text, sys.stderr), file=sys.stderr, flush=True)


def piped(argument: str) -> str:
    """Text on standard input, before what was given as an argument."""
    if sys.stdin is None or sys.stdin.isatty():
        return argument
    text = sys.stdin.buffer.read().decode("utf-8", "replace").removesuffix("\n")
    return f"{text}\n{argument}" if text and argument else text or argument


def harmless(text: str, stream: TextIO) -> str:
    """`text` without the characters that command a terminal, where `stream` is one: models and files may hold them."""
    return without_commands(text) if stream.isatty() else text


def without_commands(text: str) -> str:
    """`text` without the characters that command a terminal."""
    return _COMMANDS.sub("", text)


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns, numbers to the right, by the width that characters have on a terminal."""
    widths = [max(cells(row[column]) for row in [head, *rows]) for column in range(len(head))]
    numeric = [all(row[column][:1] in _NUMERIC for row in rows) for column in range(len(head))]
    for row in [head, *rows]:
        line = "  ".join(
            " " * (width - cells(text)) + text if right else text + " " * (width - cells(text))
            for text, width, right in zip(row, widths, numeric, strict=True)
        )
        print(line.rstrip())


def print_fields(fields: Sequence[tuple[str, str]]) -> None:
    """Names and values, below each other."""
    width = max(cells(name) for name, _value in fields)
    for name, value in fields:
        print(f"{name}{' ' * (width - cells(name))}  {value}")


def print_sections(sections: Sequence[Section]) -> None:
    """A report: each section after an empty line."""
    for section in sections:
        print(f"\n{section.title}")
        if section.fields:
            print_fields([(name, harmless(value, sys.stdout)) for name, value in section.fields])
        if section.table:
            print_table(section.table[0], [[harmless(cell, sys.stdout) for cell in row] for row in section.table[1:]])
        for line in section.lines:
            print(harmless(line, sys.stdout))


def cells(text: str) -> int:
    """How many columns `text` takes on a terminal."""
    return sum(
        2 if unicodedata.east_asian_width(character) in "WF" else not unicodedata.combining(character)
        for character in text
    )


def when(seconds: float) -> str:
    """A moment, for a person."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def confirm(question: str, yes: bool) -> bool:
    """Ask for leave to do what cannot be undone; where nobody can answer, `--yes` is the answer or there is none."""
    if yes:
        return True
    if not sys.stdin.isatty():
        from .arguments import WrongUsageError

        raise WrongUsageError(_("{question} Say --yes to do it.").format(question=question))
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes", "是")


class ProgressLine:
    """One line that is written over and over on a terminal; a plain line now and then elsewhere."""

    def __init__(self) -> None:
        self.terminal = sys.stderr.isatty()
        self._shown = ""
        self._last = time.monotonic()
        self._begin: tuple[float, float] | None = None

    def show(self, text: str) -> None:
        """Put `text` in the line."""
        if self.terminal:
            if text != self._shown:
                sys.stderr.write("\r" + _fit(text, shutil.get_terminal_size().columns - 1) + "\x1b[K")
                sys.stderr.flush()
                self._shown = text
        elif time.monotonic() - self._last >= PLAIN_EVERY:
            self._last = time.monotonic()
            say(text)

    def progress(self, done: float, total: float, message: str = "", **metrics: float) -> None:
        """What long work tells while somebody waits for it, with the time left at the rate so far."""
        now, share = time.monotonic(), min(1.0, done / total) if total else 0.0
        if self._begin is None:
            self._begin = now, share
        gone, since = share - self._begin[1], now - self._begin[0]
        left = since / gone * (1 - share) if gone > 0 and since > 1 else None
        self.show("  ".join(filter(None, [bar(share), message, time_left(left)])))

    def above(self, text: str) -> None:
        """Print `text` above the line, to stay."""
        self.clear()
        say(text)

    def clear(self) -> None:
        """Take the line away."""
        if self.terminal and self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = ""


def bar(share: float, width: int = 20) -> str:
    """A bar of progress, with the share in words."""
    full = round(share * width)
    return f"{'█' * full}{'░' * (width - full)} {share:4.0%}"


def time_left(seconds: float | None) -> str:
    """In words."""
    return "" if seconds is None else _("{time} left").format(time=format_duration(seconds))


def _fit(text: str, columns: int) -> str:
    while cells(text) > columns:
        text = text[: max(0, len(text) - max(1, (cells(text) - columns) // 2))]
    return text


class ReadingLine(ProgressLine):
    """The progress of the reading of a prompt that is long; gone when the text begins. For a terminal alone."""

    def read(self, done: float, total: float, message: str = "", **metrics: float) -> None:
        """So many tokens are read."""
        text = reading_text(done, total)
        if self.terminal and text:
            self.progress(done, total, text)
        else:
            self.clear()
