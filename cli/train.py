"""`newleaf train`: train a GPT on a corpus."""

from __future__ import annotations

from argparse import Namespace

from ..core.language import gettext as _
from ..trainer.options import OldCorpusOptions, TrainOptions
from ..trainer.plan import changed_text
from ..trainer.work import training
from .arguments import ArgumentParser, WrongUsageError, given
from .follow import finish_model, next_command, plan_text
from .output import print_json


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Train a GPT on a corpus, in the background; this command watches it, and Ctrl-C stops it cleanly."
    )
    parser.add_argument("corpus", metavar="CORPUS")
    parser.add_argument("--name", metavar="NAME", help=_("what the model will be called"))
    parser.add_argument(
        "--tokenizer",
        metavar="TOKENIZER",
        help=_("without it: the newest that was trained on the corpus, or else a new one"),
    )
    parser.add_argument("--from", metavar="MODEL", dest="origin", help=_("go on from this model, own or imported"))
    parser.add_options(OldCorpusOptions)
    parser.add_argument("--detach", action="store_true", help=_("leave it in the background"))
    parser.add_argument("--plan", action="store_true", help=_("only show what would be done"))
    parser.add_options(TrainOptions)
    parser.add_json()
    parser.set_defaults(run=_train)


def _train(parsed: Namespace) -> int:
    options = given(TrainOptions, parsed)
    old = given(OldCorpusOptions, parsed).old_corpus
    if parsed.plan:
        from ..trainer.planner import plan_training

        plan = plan_training(parsed.corpus, parsed.tokenizer, options, parsed.origin, old, parsed.name)
        if parsed.json:
            print_json(plan.as_dict())
        else:
            print("\n".join([plan_text(plan), *changed_text(options, plan)]))
        return 0
    if not parsed.name:
        raise WrongUsageError(_("Say what the model will be called: --name NAME"))
    job = training.submit(parsed.corpus, parsed.name, options, parsed.tokenizer, parsed.origin, old)
    return finish_model(job, parsed, next_command("generate", job.target))
