"""`newleaf evaluate`: how good a model is, on a corpus or at a task."""

from __future__ import annotations

from argparse import Namespace

from ..core.files import read_object
from ..core.language import gettext as _
from ..core.scores.report import Evaluation
from ..core.tasks.all import TASKS
from ..core.tasks.data.options import DataOptions
from ..trainer.evaluation_options import EvaluationOptions
from ..trainer.work import evaluating
from .arguments import ArgumentParser, given
from .follow import finish
from .output import print_json, print_sections, say

FILE = "evaluation.json"


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Measure a model: bits per byte of a corpus's held-out text, or the scores of a task on held-out records, with "
        "intervals, beside a simple method, and with its mistakes."
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("data", nargs="+", metavar="DATA", help=_("a corpus, or files with records"))
    parser.add_argument("--task", choices=tuple(TASKS), help=_("what the records are; the model's own without it"))
    parser.add_options(EvaluationOptions)
    parser.add_options(DataOptions)
    parser.add_json()
    parser.set_defaults(run=_evaluate)


def _evaluate(parsed: Namespace) -> int:
    options, data_options = given(EvaluationOptions, parsed), given(DataOptions, parsed)
    job = evaluating.submit(parsed.model, parsed.data, parsed.task, options, data_options)
    code = finish(job)
    if code:
        return code
    found = read_object(job.path / FILE, "verdict")
    if parsed.json:
        print_json(found)
    elif "evaluation" in found:
        print_sections(Evaluation.from_dict(found["evaluation"]).sections())
        say(_("{seconds:.2f} seconds a record.").format(seconds=found["seconds_a_record"]))
    else:
        print(found["verdict"])
    return 0
