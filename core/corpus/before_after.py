"""What cleaning would do to a text, before anything is written: some documents before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..progress import no_progress
from .cleaning.cleaner import Cleaner
from .cleaning.dropped import Dropped, reason_text
from .found import Found
from .importing import ImportOptions, batches_of_files
from .preparing import texts_of
from .preview import preview
from .sources import Source, find_sources

FILES = 50  # that are looked into
DOCUMENTS = 20  # of each of them that are cleaned for a try
EXAMPLES = 5  # of documents that cleaning changes or drops, of different steps where there are such
EXAMPLE_LENGTH = 2_000  # characters


def preview_import(paths: Sequence[str | Path], options: ImportOptions) -> dict[str, Any]:
    """What cleaning would do to some documents of each of the first files, besides what these files are.

    `sources` are as `preview` has them; so many `documents` were cleaned for a try, of which each step `changed` or
    `dropped` so many, the latter by the reason in words; `examples` are some, with `before` and `after`, or with the
    reason why they are `dropped`. Nothing is written. Raises UserError for a path that is not there.
    """
    sources = find_sources(paths, options.include, options.exclude)
    cleaner = Cleaner(options)
    documents = 0
    examples: list[dict[str, Any]] = []
    rest: list[dict[str, Any]] = []
    shown: set[str] = set()
    for source in sources[:FILES]:
        if source.path is None and not source.data_set:
            continue
        found = Found()
        for name, text in islice(_documents(source, found, options), DOCUMENTS):
            documents += 1
            changes = cleaner.explain(text)
            cleaner.clean(text, name)
            if changes:
                example = _example(name, text, changes)
                (rest if shown.issuperset(example["steps"]) else examples).append(example)
                shown.update(example["steps"])
    steps = cleaner.tally.as_dict()["steps"]
    return {
        "sources": preview(paths, 200),
        "documents": documents,
        "changed": {name: step["changed"] for name, step in steps.items() if step["changed"]},
        "dropped": {
            name: {reason_text(reason): number for reason, number in step["dropped"].items()}
            for name, step in steps.items()
            if step["dropped"]
        },
        "examples": [*examples, *rest][:EXAMPLES],
    }


def _documents(source: Source, found: Found, options: ImportOptions) -> Iterator[tuple[str, str]]:
    for batch in batches_of_files([source], found, options, no_progress):
        for payload, number in zip(batch.payloads, batch.sources, strict=True):
            try:
                for text in texts_of(batch, payload, options.documents):
                    if text.strip():
                        yield found.names[number], text.strip("\n")
            except UserError:  # `preview` says why
                continue


def _example(source: str, text: str, changes: list[tuple[str, str, str | Dropped]]) -> dict[str, Any]:
    last = changes[-1][2]
    example = {"source": source, "steps": list(dict.fromkeys(name for name, _before, _after in changes))}
    example["before"] = text[:EXAMPLE_LENGTH]
    example["after"] = "" if isinstance(last, Dropped) else last[:EXAMPLE_LENGTH]
    example["dropped"] = reason_text(last.reason) if isinstance(last, Dropped) else ""
    return example
