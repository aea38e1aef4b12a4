"""`newleaf chat`: talk with a model."""

from __future__ import annotations

import contextlib
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Any

from ..core.engine.writing import Writing, open_writing
from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.progress import Progress, no_progress
from .arguments import ArgumentParser
from .generate import add_writing, read_writing, summary, tell_left_out
from .main import DONE, INTERRUPTED
from .output import ReadingLine, harmless, piped, print_json, say, without_commands

Message = dict[str, str]
NEW = "/new"  # begins another chat


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Talk with a model. With TEXT, or text on standard input, it answers once; otherwise it goes on until Ctrl+D."
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("text", nargs="?", default="", metavar="TEXT", help=_("what you say"))
    parser.add_argument(
        "--plain",
        action="store_true",
        help=_("nothing but text, for screen readers and pipes: a line is what you say, and its answer follows"),
    )
    parser.add_argument("--system", metavar="TEXT", help=_("what the model is told before the chat begins"))
    add_writing(parser)
    parser.set_defaults(run=_chat)


def _chat(parsed: Namespace) -> int:
    values, load = read_writing(parsed)
    start = [{"role": "system", "content": parsed.system}] if parsed.system else []
    if parsed.plain and not parsed.text and not parsed.json:
        return _answer_all(_lines(), open_writing(parsed.model, load), start, values, no_progress)
    text = piped(parsed.text)
    if not text and not sys.stdin.isatty():
        raise UserError(_("There is nothing to answer: say something, as TEXT or on standard input."))
    writing = open_writing(parsed.model, load)
    if not text:
        return _talk(writing, start, values)
    messages = [*start, {"role": "user", "content": text}]
    try:
        done = _answer(writing, messages, values, show=not parsed.json)
    except KeyboardInterrupt:
        return INTERRUPTED
    if parsed.json:
        print_json({"messages": messages, "model": parsed.model, **done})
    return DONE


def _talk(writing: Writing, start: list[Message], values: Mapping[str, Any]) -> int:
    """Turn by turn."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  arrows and history in `input`
    say(_("Enter sends, Ctrl+C stops an answer, {new} begins another chat, Ctrl+D leaves.").format(new=NEW))
    return _answer_all(_typed(), writing, start, values)


def _answer_all(
    texts: Iterator[str],
    writing: Writing,
    start: list[Message],
    values: Mapping[str, Any],
    progress: Progress | None = None,
) -> int:
    """Answer each text, which may be a command; with `progress` plainly."""
    messages = list(start)
    for text in map(str.strip, texts):
        if text == NEW:
            messages = list(start)
        elif text:
            messages.append({"role": "user", "content": text})
            written: list[str] = []
            try:
                _answer(writing, messages, values, written, progress=progress)
            except KeyboardInterrupt:
                print()
            except UserError as error:
                say(str(error))
                messages.pop()
                continue
            messages.append({"role": "assistant", "content": "".join(written)})
    return DONE


def _typed() -> Iterator[str]:
    """What is said after a prompt, until Ctrl+D."""
    while True:
        try:
            yield input("> ")
        except EOFError:
            print()
            return
        except KeyboardInterrupt:  # perhaps meant for an answer that has just ended
            print()


def _lines() -> Iterator[str]:
    """What is said without a prompt, until its end, or Ctrl+C that stops no answer."""
    with contextlib.suppress(KeyboardInterrupt):
        while line := sys.stdin.readline():
            yield line


def _answer(
    writing: Writing,
    messages: list[Message],
    values: Mapping[str, Any],
    written: list[str] | None = None,
    show: bool = True,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """One answer, as it comes; its text so far is in `written`, whatever happens."""
    written = [] if written is None else written
    done: dict[str, Any] = {}
    begin = time.monotonic()
    answers = writing.answers(list(messages), values, progress or ReadingLine().read)
    with contextlib.closing(answers):
        for answer in answers:
            if "started" in answer:
                begin = time.monotonic()
                tell_left_out(answer["started"]["left_out"], chat=True)
            elif "done" in answer:
                done = answer["done"]
            elif answer["delta"]["index"] == 0:
                text = answer["delta"]["text"]
                text = text if written else text.lstrip()  # many models begin with a space
                if text:
                    written.append(text)
                if show:
                    plain = progress is not None
                    sys.stdout.write(without_commands(text) if plain else harmless(text, sys.stdout))
                    sys.stdout.flush()
    if show:
        print()
        if progress is None and sys.stderr.isatty():
            say(summary(done, time.monotonic() - begin))
    return done
