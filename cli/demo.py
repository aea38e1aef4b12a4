"""`newleaf demo`: from nothing to a GPT that writes, on text that every machine has."""

from __future__ import annotations

import sys
from argparse import Namespace

from ..core import store
from ..core.generation.options import GenerationOptions
from ..core.language import gettext as _
from ..trainer.options import TrainOptions
from ..trainer.usual import SAMPLE, begin_model
from ..trainer.work import importing, tokenizing
from .arguments import ArgumentParser, WrongUsageError
from .follow import finish
from .output import say

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
    if SAMPLE not in store.names("corpora"):
        say(_("1. The text: what Python says of itself."))
        if code := finish(importing.submit_sample(SAMPLE)):
            return code
    if SAMPLE not in store.names("tokenizers"):
        say(_("2. The tokenizer: which pieces of text are common?"))
        if code := finish(tokenizing.submit_for_training(SAMPLE, SAMPLE, options)):
            return code
    say(_("3. The model: it reads, and guesses what comes next."))
    job = begin_model(SAMPLE, SAMPLE, options)  # it never replaces a model: the second one is python-2
    if code := finish(job):
        return code
    say(_("4. What it writes:"))
    _write(job.target)
    if sys.stdout.isatty():
        say("")
        say(_("Try it in the app: newleaf   or here: newleaf generate {model} 'Return'").format(model=job.target))
    return 0


def _write(model: str) -> None:
    from ..core.generation.generate import Writer

    writer = Writer.open(model)
    for index, prompt in enumerate(PROMPTS):
        completions, _seed = writer.generate(prompt, GenerationOptions(max_tokens=120, seed=index + 1, temperature=0.7))
        print(f"\n--- {index + 1} ---\n{prompt}{completions[0].text}", flush=True)
