"""The job that teaches a model tasks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...core import store
from ...core.corpus.sources import find_sources
from ...core.corpus.store import Corpus
from ...core.errors import UserError
from ...core.language import gettext as _
from ...core.model.adapters import check_adapter
from ...core.model.store import ModelInfo
from ...core.tasks.all import task_of
from ...core.tasks.data.opening import SUFFIXES
from ...core.tasks.data.options import DataOptions
from ..finetune_options import TARGETS, FineTuneOptions
from ..jobs import Job, create
from ..reporter import Reporter
from ..tracking import check_tracker


def submit(
    model: str,
    data: Sequence[tuple[str, Sequence[str]]],
    name: str,
    options: FineTuneOptions | None = None,
    data_options: DataOptions | None = None,
    old_corpus: str | None = None,
) -> Job:
    """Start to teach `model` tasks; the result is the model `name`. `data` are tasks, each with the paths of its files.

    What the model forgets is measured on `old_corpus`, by itself the one that it was trained on, where it is still
    there. Raises UserError, before anything is made, for what cannot work.
    """
    info = ModelInfo.open(model)
    store.new_path("models", name)
    options = options or FineTuneOptions()
    data_options = data_options or DataOptions()
    if options.track:
        check_tracker(options.track)
    if options.mix:
        Corpus.open(options.mix)
    if options.adapter:
        check_adapter(info.config, options.targets or TARGETS)
    if options.context and options.context > info.config.context:
        raise UserError(
            _("Model {name} sees {most:,} tokens at once, not {context:,}.").format(
                name=info.name, most=info.config.context, context=options.context
            )
        )
    if not data:
        raise UserError(_("Say what to learn from: a file with records."))
    for task, paths in data:
        find_sources(paths, suffixes=SUFFIXES.get(task_of(task).name, ()))
    known = options.mix or info.provenance.get("corpus")
    old = old_corpus or (known if known in store.names("corpora") else None)
    if old:
        Corpus.open(old)
    inputs = {
        "from": info.name,
        "data": [[task_of(task).name, [str(Path(path).absolute()) for path in paths]] for task, paths in data],
        "data_options": data_options.at_any_place().as_dict(),
        "old_corpus": old,
    }
    return create("finetune", name, inputs, options.as_dict())


def run(job: Job, reporter: Reporter) -> None:
    """Do it, in the job's process."""
    from ..finetuning import FineTuning  # with torch

    FineTuning(job, reporter).run()
