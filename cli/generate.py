"""`newleaf generate`: let a model go on from a prompt."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

from ..core.generation.options import GenerationOptions
from ..core.language import gettext as _
from ..core.model.store import ModelInfo
from .arguments import ArgumentParser, given, given_values
from .main import DONE, INTERRUPTED
from .output import harmless, print_json, say

SEPARATOR = "---"  # between completions


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Let a model go on from a prompt, and print how it goes on. Text on standard input comes before the prompt."
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("prompt", nargs="?", default="", metavar="PROMPT", help=_("without it: from nothing"))
    parser.add_options(GenerationOptions)
    parser.add_json()
    parser.set_defaults(run=_generate)


def _generate(parsed: Namespace) -> int:
    values = given_values(GenerationOptions, parsed)
    given(GenerationOptions, parsed)  # what is wrong is said before the wait for torch, and for standard input
    ModelInfo.open(parsed.model)
    prompt = _prompt(parsed.prompt)
    from ..core.generation.generate import Writer

    writer = Writer.open(parsed.model)
    run = writer.start(prompt, GenerationOptions.from_mapping(values, writer.defaults))
    if run.left_out:
        say(
            _("The prompt is longer than the model can see: its first {number:,} tokens are left out.").format(
                number=run.left_out
            )
        )
    streaming = run.number == 1 and not parsed.json
    try:
        for delta in run:
            if streaming:
                sys.stdout.write(harmless(delta.text, sys.stdout))
                sys.stdout.flush()
    except KeyboardInterrupt:
        if streaming:
            print()
        return INTERRUPTED
    if parsed.json:
        print_json({"prompt": prompt, "model": parsed.model, **run.as_dict()})
    elif streaming:
        print()
    else:
        texts = [harmless(completion.text, sys.stdout) for completion in run.completions]
        print(f"\n{SEPARATOR}\n".join(texts))
    if sys.stderr.isatty() and not parsed.json:
        say(_summary(run))
    return DONE


def _prompt(argument: str) -> str:
    if sys.stdin is None or sys.stdin.isatty():
        return argument
    piped = sys.stdin.buffer.read().decode("utf-8", "replace").removesuffix("\n")
    return f"{piped}\n{argument}" if piped and argument else piped or argument


def _summary(run: Any) -> str:
    tokens = sum(len(completion.tokens) for completion in run.completions)
    seconds = max(completion.seconds for completion in run.completions)
    return _("{tokens:,} tokens, {rate:.0f} tokens/s, seed {seed}").format(
        tokens=tokens, rate=tokens / seconds if seconds else 0, seed=run.seed
    )
