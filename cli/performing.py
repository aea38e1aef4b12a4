"""What the commands of tasks have in common: ask a model, show what comes, say what there is to know of it."""

from __future__ import annotations

import contextlib
import sys
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from ..core.engine.writing import Writing, open_writing
from ..core.errors import UserError
from ..core.language import gettext as _
from .arguments import ArgumentParser
from .generate import add_writing, read_writing
from .main import DONE, INTERRUPTED
from .output import ProgressLine, harmless, piped, print_json


def add_model(parser: ArgumentParser) -> None:
    """The model, and how it writes and is loaded."""
    parser.add_argument("model", metavar="MODEL")
    add_writing(parser)


def add_text(parser: ArgumentParser) -> None:
    """The text to work on."""
    parser.add_argument("text", nargs="?", default="", metavar="TEXT", help=_("a text or a file"))


def opened(parsed: Namespace) -> tuple[Writing, dict[str, Any]]:
    """The model, ready, and how it is to write. Raises UserError."""
    values, load = read_writing(parsed)
    return open_writing(parsed.model, load), values


def text_of(parsed: Namespace, nothing: str) -> str:
    """The text to work on: a file's, where the argument names one, an argument, or standard input. Raises UserError."""
    from pathlib import Path

    given = parsed.text or ""
    with contextlib.suppress(OSError):  # a text may be too long for the name of a file
        if given and Path(given).is_file():
            from ..core.corpus.whole_text import text_at

            return text_at([given])
    text = piped(given)
    if not text.strip():
        raise UserError(nothing)
    return text


def perform(
    writing: Writing, task: str, request: Mapping[str, Any], options: Mapping[str, Any], show: bool
) -> dict[str, Any]:
    """Do a task; its text as it comes where that is to be shown; what it says at its end, with its notices.

    Raises UserError and KeyboardInterrupt.
    """
    line = ProgressLine()
    notices: list[str] = []
    done: dict[str, Any] = {}
    written = False
    told = writing.perform(task, request, options)
    with contextlib.closing(told):
        for each in told:
            if "notice" in each:
                notices.append(each["notice"])
                line.above(each["notice"])
            elif "reading" in each and not written:
                line.progress(each["reading"]["done"], each["reading"]["total"], "")
            elif "delta" in each and show:
                line.clear()
                text = each["delta"]["text"] if written else each["delta"]["text"].lstrip()
                written = written or bool(text)
                sys.stdout.write(harmless(text, sys.stdout))
                sys.stdout.flush()
            elif "done" in each:
                done = each["done"]
    line.clear()
    if show and written:
        print()
    return {**done, "notices": notices}


def answer(parsed: Namespace, task: str, request: Mapping[str, Any], told: Mapping[str, Any]) -> int:
    """Do a task with the model of a command, and print its text; or with `--json` what was `told` and what was done.

    The exit code. Raises UserError.
    """
    writing, values = opened(parsed)
    try:
        done = perform(writing, task, request, values, show=not parsed.json)
    except KeyboardInterrupt:
        return INTERRUPTED
    if parsed.json:
        print_json({"model": parsed.model, **told, **done})
    return DONE
