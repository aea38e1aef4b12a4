"""`newleaf generate`: let a model go on from a prompt."""

from __future__ import annotations

import contextlib
import sys
import time
from argparse import Namespace
from typing import Any

from ..core.engine.writing import open_writing
from ..core.generation.options import GenerationOptions
from ..core.generation.stream import left_out_text
from ..core.language import gettext as _
from ..core.model.loading import LoadOptions
from ..core.model.store import ModelInfo
from .arguments import ArgumentParser, given, given_values
from .main import DONE, INTERRUPTED
from .output import ReadingLine, harmless, piped, print_json, say

SEPARATOR = "---"  # between completions


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Let a model go on from a prompt, and print how it goes on. Text on standard input comes before the prompt."
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("prompt", nargs="?", default="", metavar="PROMPT", help=_("without it: from nothing"))
    add_writing(parser)
    parser.set_defaults(run=_generate)


def add_writing(parser: ArgumentParser) -> None:
    """How a model writes and is loaded."""
    parser.add_options(GenerationOptions)
    parser.add_options(LoadOptions)
    parser.add_json()


def read_writing(parsed: Namespace) -> tuple[dict[str, Any], LoadOptions]:
    """The same as it was given: what is wrong is said before the wait for torch, and for standard input."""
    given(GenerationOptions, parsed)
    load = given(LoadOptions, parsed)
    ModelInfo.open(parsed.model)
    return given_values(GenerationOptions, parsed), load


def tell_left_out(number: int, chat: bool) -> None:
    """A word about a prompt that is too long."""
    if text := left_out_text(number, chat):
        say(text)


def _generate(parsed: Namespace) -> int:
    values, load = read_writing(parsed)
    prompt = piped(parsed.prompt)
    streaming = values.get("n", 1) == 1 and not parsed.json
    done: dict[str, Any] = {}
    begin = time.monotonic()
    answers = open_writing(parsed.model, load).answers(prompt, values, ReadingLine().read)
    try:
        with contextlib.closing(answers):
            for answer in answers:
                if "started" in answer:
                    begin = time.monotonic()
                    tell_left_out(answer["started"]["left_out"], chat=False)
                elif "done" in answer:
                    done = answer["done"]
                elif streaming:
                    sys.stdout.write(harmless(answer["delta"]["text"], sys.stdout))
                    sys.stdout.flush()
    except KeyboardInterrupt:
        if streaming:
            print()
        return INTERRUPTED
    if parsed.json:
        print_json({"prompt": prompt, "model": parsed.model, **done})
    elif streaming:
        print()
    else:
        texts = [harmless(completion["text"], sys.stdout) for completion in done["completions"]]
        print(f"\n{SEPARATOR}\n".join(texts))
    if sys.stderr.isatty() and not parsed.json:
        say(summary(done, time.monotonic() - begin))
    return DONE


def summary(done: dict[str, Any], seconds: float) -> str:
    """How much was written, and how fast."""
    tokens = sum(completion["tokens"] for completion in done["completions"])
    return _("{tokens:,} tokens, {rate:.0f} tokens/s, seed {seed}").format(
        tokens=tokens, rate=tokens / seconds if seconds else 0, seed=done["seed"]
    )
