"""What cleaning would do to a text, before anything is written: some documents before and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ..progress import Progress, no_progress
from .cleaning.cleaner import Cleaner
from .cleaning.dropped import Dropped, reason_text
from .cleaning.options import CleaningOptions
from .found import Found
from .importing import ImportOptions, batches_of_files
from .preparer import texts_of
from .preview import preview
from .sources import Source, find_sources
from .store import Corpus

FILES = 50  # that are looked into
DOCUMENTS = 20  # of each of them, or of each of some places of a corpus, that are cleaned for a try
PLACES = 5  # of a corpus
LONGEST = 100_000  # characters of a document that are cleaned for a try
EXAMPLES = 5  # of documents that cleaning changes or drops, of different steps where there are such
EXAMPLE_LENGTH = 2_000  # characters


def preview_import(paths: Sequence[str | Path], options: ImportOptions) -> dict[str, Any]:
    """What cleaning would do to some documents of each of the first files, besides what these files are.

    `sources` are as `preview` has them; the rest is what `try_on_files` gives. Nothing is written. Raises UserError
    for a path that is not there.
    """
    return {"sources": preview(paths, 200, options), **try_on_files(paths, options)}


def try_on_files(
    paths: Sequence[str | Path], options: ImportOptions, progress: Progress = no_progress
) -> dict[str, Any]:
    """What `try_cleaning` gives for some documents of each of the first files; data sets are not loaded for it."""
    sources = find_sources(paths, options.include, options.exclude)

    def documents() -> Iterator[tuple[str, str]]:
        for source in [source for source in sources if source.path][:FILES]:
            yield from islice(_documents_of(source, options), DOCUMENTS)

    return try_cleaning(documents(), options, progress)


def try_on_corpora(names: Sequence[str], options: CleaningOptions, progress: Progress = no_progress) -> dict[str, Any]:
    """What `try_cleaning` gives for some documents from all over each of these corpora."""
    corpora = [Corpus.open(name) for name in names]

    def documents() -> Iterator[tuple[str, str]]:
        for corpus in corpora:
            yield from corpus.some_documents(PLACES, DOCUMENTS)

    return try_cleaning(documents(), options, progress)


def try_cleaning(
    documents: Iterable[tuple[str, str]], options: CleaningOptions, progress: Progress = no_progress
) -> dict[str, Any]:
    """What cleaning would do to pairs (source, text), as JSON can hold it.

    So many `documents` were cleaned for a try, of which each step `changed` or `dropped` so many, the latter by the
    reason in words; `examples` are some, with `before` and `after`, or with the reason why they are `dropped`. Of a
    very long document the beginning is taken. `progress` is called for each document.
    """
    cleaner = Cleaner(options)
    count = 0
    examples: list[dict[str, Any]] = []
    rest: list[dict[str, Any]] = []
    shown: set[str] = set()
    for name, whole in documents:
        text = whole[:LONGEST]
        count += 1
        progress(count, 0)
        changes = cleaner.explain(text)
        cleaner.clean(text, name)
        if changes:
            example = _example(name, text, changes)
            (rest if shown.issuperset(example["steps"]) else examples).append(example)
            shown.update(example["steps"])
    steps = cleaner.tally.as_dict()["steps"]
    return {
        "documents": count,
        "changed": {name: step["changed"] for name, step in steps.items() if step["changed"]},
        "dropped": {
            name: {reason_text(reason): number for reason, number in step["dropped"].items()}
            for name, step in steps.items()
            if step["dropped"]
        },
        "examples": [*examples, *rest][:EXAMPLES],
    }


def _documents_of(source: Source, options: ImportOptions) -> Iterator[tuple[str, str]]:
    found = Found()
    for batch in batches_of_files([source], found, options, no_progress):
        for payload, number in zip(batch.payloads, batch.sources, strict=True):
            try:
                for text in texts_of(batch, payload, options.documents):
                    if text.strip():
                        yield found.names[number], text.strip("\n")
            except Exception:  # `preview` says why
                continue


def _example(source: str, text: str, changes: list[tuple[str, str, str | Dropped]]) -> dict[str, Any]:
    last = changes[-1][2]
    example: dict[str, Any] = {
        "source": source,
        "steps": list(dict.fromkeys(name for name, _before, _after in changes)),
    }
    start = 0 if isinstance(last, Dropped) else _start(text, last)
    example["before"] = text[start : start + EXAMPLE_LENGTH]
    example["after"] = "" if isinstance(last, Dropped) else last[start : start + EXAMPLE_LENGTH]
    example["dropped"] = reason_text(last.reason) if isinstance(last, Dropped) else ""
    return example


def _start(before: str, after: str) -> int:
    """Where an example begins: with the line that is changed first, where the beginning would not show it."""
    lines = zip(before.splitlines(keepends=True), after.splitlines(keepends=True), strict=False)
    start = 0
    for old, new in lines:
        if old != new:
            break
        start += len(old)
    return start if start > EXAMPLE_LENGTH // 2 else 0
