"""`newleaf finetune`: teach a model tasks."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from ..core.language import gettext as _
from ..core.model.store import ModelInfo
from ..core.tasks.all import TASKS
from ..core.tasks.data.options import DataOptions
from ..trainer.finetune_options import FineTuneOptions
from ..trainer.options import OldCorpusOptions
from ..trainer.work import finetuning
from .arguments import ArgumentParser, WrongUsageError, given
from .follow import finish_model, next_command
from .output import harmless, print_json, say

NEXT = {"chat": "chat", "qa": "ask", "summary": "summarize", "translate": "translate", "classify": "classify"}


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Teach a model a task from records, in the background; this command watches it, and Ctrl-C stops it cleanly. "
        "Several tasks: write TASK=PATH."
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("data", nargs="+", metavar="DATA", help=_("a file or folder with records, or TASK=PATH"))
    parser.add_argument("--task", choices=tuple(TASKS), help=_("what the records are"))
    parser.add_argument("--name", metavar="NAME", help=_("what the new model will be called"))
    parser.add_options(OldCorpusOptions)
    parser.add_argument("--detach", action="store_true", help=_("leave it in the background"))
    parser.add_argument("--preview", action="store_true", help=_("only show some records as the model will see them"))
    parser.add_options(DataOptions)
    parser.add_options(FineTuneOptions)
    parser.add_json()
    parser.set_defaults(run=_finetune)


def _finetune(parsed: Namespace) -> int:
    options, data_options = given(FineTuneOptions, parsed), given(DataOptions, parsed)
    data = _data(parsed.data, parsed.task)
    if parsed.preview:
        return _preview(parsed, data, data_options)
    if not parsed.name:
        raise WrongUsageError(_("Say what the new model will be called: --name NAME"))
    old = given(OldCorpusOptions, parsed).old_corpus
    job = finetuning.submit(parsed.model, data, parsed.name, options, data_options, old)
    return finish_model(job, parsed, next_command(NEXT[data[0][0]], job.target))


def _data(words: list[str], task: str | None) -> list[tuple[str, list[str]]]:
    """The tasks, each with its paths."""
    found: dict[str, list[str]] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not (equals and name in TASKS) or Path(word).exists():
            name, path = task or "", word
        if not name:
            raise WrongUsageError(
                _("Say what the records in {path} are: --task {names}").format(path=path, names="|".join(TASKS))
            )
        found.setdefault(name, []).append(path)
    return list(found.items())


def _preview(parsed: Namespace, data: list[tuple[str, list[str]]], options: DataOptions) -> int:
    from ..core.tasks.preview import preview_records

    found = preview_records(ModelInfo.open(parsed.model), data, options)
    if parsed.json:
        print_json(found)
        return 0
    for task in found:
        for record in task["records"]:
            text = record["text"] or _("(left out: too long for what the model sees at once)")
            print(harmless(text, sys.stdout) + "\n")
        for problem in task["problems"]:
            say(problem)
    return 0
