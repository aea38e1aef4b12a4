"""`newleaf demo`: from nothing to a GPT that writes, on text that every machine has."""

from __future__ import annotations

import sys
from argparse import Namespace

from ..core import store
from ..core.corpus.store import Corpus
from ..core.generation.options import GenerationOptions
from ..core.language import gettext as _
from ..core.tokenizer.options import TokenizerOptions
from ..trainer.expectation import Text
from ..trainer.options import TrainOptions
from ..trainer.plan import vocabulary_for
from ..trainer.work import importing, tokenizing, training
from .arguments import ArgumentParser, WrongUsageError
from .follow import finish
from .output import say

NAME = "python"
TIME = 60.0
PROMPTS = ("", "Return", "The")


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Grow a small GPT on the documentation inside Python: import it, train a tokenizer and a model, let it write."
    )
    parser.add_argument("--time", default="60s", metavar="TIME", help=_("how long to train. Default: 60s."))
    parser.set_defaults(run=_demo)


def _demo(parsed: Namespace) -> int:
    from ..core.options import fields

    time = next(field for field in fields(TrainOptions) if field.name == "time")
    seconds = time.parse(parsed.time)
    if not time.takes(seconds):
        raise WrongUsageError(time.complaint(parsed.time))
    options = TrainOptions(time=seconds)
    if NAME not in store.names("corpora"):
        say(_("1. The text: what Python says of itself."))
        if code := finish(importing.submit_sample(NAME)):
            return code
    if NAME not in store.names("tokenizers"):
        say(_("2. The tokenizer: which pieces of text are common?"))
        size = vocabulary_for(options, Text.of(Corpus.open(NAME)))
        if code := finish(tokenizing.submit(NAME, NAME, TokenizerOptions(vocab_size=size))):
            return code
    model = _free_name()
    say(_("3. The model: it reads, and guesses what comes next."))
    if code := finish(training.submit(NAME, model, options, NAME)):
        return code
    say(_("4. What it writes:"))
    _write(model)
    if sys.stdout.isatty():
        say("")
        say(_("Try it in the app: newleaf   or here: newleaf generate {model} 'Return'").format(model=model))
    return 0


def _free_name() -> str:
    """A demo never replaces a model: the second one is python-2."""
    taken = {*store.names("models"), *(name.removeprefix("train-") for name in store.names("jobs"))}
    number = 1
    while (name := NAME if number == 1 else f"{NAME}-{number}") in taken:
        number += 1
    return name


def _write(model: str) -> None:
    from ..core.generation.generate import Writer

    writer = Writer.open(model)
    for index, prompt in enumerate(PROMPTS):
        completions, _seed = writer.generate(prompt, GenerationOptions(max_tokens=120, seed=index + 1, temperature=0.7))
        print(f"\n--- {index + 1} ---\n{prompt}{completions[0].text}", flush=True)
