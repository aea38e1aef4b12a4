"""The job that makes a corpus: of a person's files, of other corpora, or of the text that Python brings along."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from ...core import store
from ...core.corpus.importing import ImportOptions, MergeOptions, extend, import_files, merge, origin_of
from ...core.corpus.sources import find_sources
from ...core.corpus.store import Corpus
from ...core.corpus.telling import left_out
from ...core.language import gettext as _
from ...core.language import ngettext
from ...core.options import fields, format_size
from ..jobs import Job, create
from ..reporter import Reporter

KEPT = (*(field.name for field in fields(MergeOptions)), "documents")  # options that hold when a corpus is extended
TOLD = 20  # files and parts that were left out are told one by one


def submit(
    paths: Sequence[str | Path], name: str, options: ImportOptions | None = None, stdin: IO[Any] | None = None
) -> Job:
    """Start to import `paths` as the corpus `name`; "-" among them is `stdin`.

    Raises UserError, before anything is made, for what cannot work.
    """
    store.new_path("corpora", name)
    return _submit_files(paths, name, options, stdin, {})


def submit_extension(
    paths: Sequence[str | Path], name: str, options: ImportOptions | None = None, stdin: IO[Any] | None = None
) -> Job:
    """Start to add what is new in `paths` to the corpus `name`. Raises UserError, before anything is made."""
    Corpus.open(name)
    return _submit_files(paths, name, options, stdin, {"extend": True})


def _submit_files(
    paths: Sequence[str | Path],
    name: str,
    options: ImportOptions | None,
    stdin: IO[Any] | None,
    more: dict[str, Any],
) -> Job:
    options = options or ImportOptions()
    find_sources(paths, options.include, options.exclude)
    expanded = [Path(path).expanduser() if str(path).startswith("~") else path for path in paths]
    return create("import", name, {"paths": origin_of(expanded), **more}, options.as_dict(), stdin)


def submit_merge(corpora: Sequence[str], name: str, options: MergeOptions | None = None) -> Job:
    """Start to make the corpus `name` of others, or of one alone, cleaned again.

    `name` may be one of them, which then gives way. Raises UserError, before anything is made.
    """
    for corpus in corpora:
        Corpus.open(corpus)
    if name not in corpora:
        store.new_path("corpora", name)
    return create("import", name, {"corpora": list(corpora)}, (options or MergeOptions()).as_dict())


def submit_sample(name: str) -> Job:
    """Start to make the corpus `name` of the documentation in Python's own standard library."""
    store.new_path("corpora", name)
    return create("import", name, {"sample": "python"}, {})


def run(job: Job, reporter: Reporter) -> None:
    """Do it, in the job's process."""
    options, inputs = ImportOptions.from_mapping(job.spec["options"]), job.spec["inputs"]
    if "sample" in inputs:
        from ...core.corpus.python_text import import_python_text

        corpus = import_python_text(job.target, reporter)
    elif "corpora" in inputs:
        corpus = merge(inputs["corpora"], job.target, options, reporter)
    elif inputs.get("extend"):
        corpus = extend(job.target, inputs["paths"], options, reporter)
    else:
        corpus = import_files(inputs["paths"], job.target, options, reporter)
    reporter.result = {"corpus": corpus.name}
    for sentence in what_came_of_it(corpus):
        reporter.message(sentence)


def what_came_of_it(corpus: Corpus) -> list[str]:
    """In sentences: what is in a new corpus, and what is not."""
    total, report = corpus.manifest.total, corpus.report
    said = [
        _("Corpus {name}: {documents:,} documents, {size}; {held_out:,} held out to measure on.").format(
            name=corpus.name,
            documents=total.documents,
            size=format_size(total.bytes),
            held_out=corpus.manifest.val.documents,
        )
    ]
    if report["duplicates"]:
        words = ngettext(
            "{number:,} exact duplicate dropped.", "{number:,} exact duplicates dropped.", report["duplicates"]
        )
        said.append(words.format(number=report["duplicates"]))
    if number := report["near_duplicates"]:
        if report["near_duplicates_dropped"]:
            words = ngettext("{number:,} near duplicate dropped.", "{number:,} near duplicates dropped.", number)
        else:
            words = ngettext(
                "{number:,} near duplicate kept, on the side of the split of what it resembles: "
                "--near-duplicates on drops it.",
                "{number:,} near duplicates kept, each on the side of the split of what it resembles: "
                "--near-duplicates on drops them.",
                number,
            )
        said.append(words.format(number=number))
    dropped = sum(sum(step["dropped"].values()) for step in report["cleaning"]["steps"].values())
    if dropped:
        said.append(
            ngettext(
                "{number:,} text dropped by cleaning. Why: newleaf corpus show {name}",
                "{number:,} texts dropped by cleaning. Why: newleaf corpus show {name}",
                dropped,
            ).format(number=dropped, name=corpus.name)
        )
    if report["held_out_is_alike"]:
        said.append(_("Most documents are much alike: those held out resemble those that are trained on."))
    if report["unreadable_characters"]:
        said.append(
            _("{number:,} characters could not be read in the encoding found.").format(
                number=report["unreadable_characters"]
            )
        )
    said += [left_out(skipped) for skipped in report["skipped"][:TOLD]]
    more = report["skipped_in_all"] - min(TOLD, len(report["skipped"]))
    if more:
        said.append(_("So were {number:,} more.").format(number=more))
    return said
