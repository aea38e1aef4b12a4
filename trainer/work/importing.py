"""The job that makes a corpus of a person's files, or of the text that Python brings along."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...core import store
from ...core.corpus.importing import ImportOptions, import_files
from ...core.corpus.reading import find_sources
from ...core.language import gettext as _
from ...core.options import format_size
from ..jobs import Job, create
from ..reporter import Reporter


def submit(paths: Sequence[str | Path], name: str, options: ImportOptions | None = None) -> Job:
    """Start to import `paths` as the corpus `name`. Raises UserError, before anything is made, for what cannot work."""
    store.new_path("corpora", name)
    find_sources(paths)
    absolute = [str(Path(path).expanduser().absolute()) for path in paths]
    return create("import", name, {"paths": absolute}, (options or ImportOptions()).as_dict())


def submit_sample(name: str) -> Job:
    """Start to make the corpus `name` of the documentation in Python's own standard library."""
    store.new_path("corpora", name)
    return create("import", name, {"sample": "python"}, {})


def run(job: Job, reporter: Reporter) -> None:
    """Do it, in the job's process."""
    options = ImportOptions.from_mapping(job.spec["options"])
    if "sample" in job.spec["inputs"]:
        from ...core.corpus.python_text import import_python_text

        corpus = import_python_text(job.target, reporter)
    else:
        corpus = import_files(job.spec["inputs"]["paths"], job.target, options, reporter)
    total, report = corpus.manifest.total, corpus.report
    reporter.result = {"corpus": corpus.name}
    reporter.message(
        _("Corpus {name}: {documents:,} documents, {size}; {held_out:,} held out to measure on.").format(
            name=corpus.name,
            documents=total.documents,
            size=format_size(total.bytes),
            held_out=corpus.manifest.val.documents,
        )
    )
    if report["duplicates"]:
        reporter.message(_("{number:,} exact duplicates dropped.").format(number=report["duplicates"]))
    if report["unreadable_characters"]:
        reporter.message(
            _("{number:,} characters could not be read in the encoding found.").format(
                number=report["unreadable_characters"]
            )
        )
    for skipped in report["skipped"]:
        reporter.message(_("Left out {source}: {reason}.").format(**skipped))
