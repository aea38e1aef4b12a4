"""From files to a corpus: read, clean, cut into documents, drop exact duplicates, hold some out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import staged_folder
from ..language import N_
from ..language import gettext as _
from ..options import OptionsBase, option
from ..progress import Progress, no_progress
from ..store import new_path
from .cleaning import STANDARD, clean
from .documents import MODES, split_documents
from .reading import NotTextError, Source, TextFile, find_sources
from .store import Corpus, CorpusWriter, Split

SAMPLES = 5  # documents whose beginnings the report shows
SAMPLE_LENGTH = 600  # characters
LARGEST_SOURCES = 100  # how many sources the report names one by one
UNDECIDED = 20  # as many documents should have been held out before one is taken that need not be


@dataclass(frozen=True)
class ImportOptions(OptionsBase):
    """How files become a corpus."""

    documents: str = option(
        "auto",
        N_(
            "Where a document ends: auto (a blank line, after enough text), file (with its file), paragraph (any blank "
            "line, as between poems), line."
        ),
        choices=MODES,
    )
    held_out: float = option(
        0.05,
        N_("The share of documents that is kept from training, to measure on."),
        minimum=0.001,
        maximum=0.5,
        metavar="SHARE",
    )


@dataclass
class _Tally:
    """What the report will say."""

    sources: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    duplicates: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    samples: list[str] = field(default_factory=list)


def import_files(
    paths: Sequence[str | Path], name: str, options: ImportOptions | None = None, progress: Progress = no_progress
) -> Corpus:
    """Make the corpus `name` of the text files that `paths` mean.

    A file that is no text is left out, and the report says why. Raises UserError when nothing is left, or when `name`
    is taken. `progress` counts bytes of the files.
    """
    sources = find_sources(paths)
    total = max(1, sum(source.size for source in sources))
    tally = _Tally()

    def documents() -> Iterator[tuple[str, str]]:
        before = 0
        for source in sources:
            for text, position in _read(source, options or ImportOptions(), tally):
                progress(before + position, total, source.name)
                yield text, source.name
            before += source.size

    return import_documents(documents(), name, options, tally, [str(Path(path).absolute()) for path in paths])


def _read(source: Source, options: ImportOptions, tally: _Tally) -> Iterator[tuple[str, int]]:
    try:
        file = TextFile(source.path)
    except (NotTextError, OSError) as error:
        reason = str(error) if isinstance(error, UserError) else error.strerror or str(error)
        tally.skipped.append({"source": source.name, "reason": reason})
        return
    for text in split_documents(file, options.documents):
        yield text, file.position
    tally.sources.append(
        {"source": source.name, "bytes": source.size, "encoding": file.encoding, "unreadable": file.unreadable}
    )


def import_documents(
    documents: Iterable[tuple[str, str]],
    name: str,
    options: ImportOptions | None = None,
    tally: _Tally | None = None,
    origin: Sequence[str] = (),
) -> Corpus:
    """Make the corpus `name` of pairs (text, source): cleaned, without exact duplicates, some held out.

    Which document is held out depends on its text alone: its SHA-256, as a number, is in the lowest share. When no
    document's is, the lowest one is taken, and when all are, the highest one is left; when there is but one document,
    its last tenth is taken.
    """
    options, tally = options or ImportOptions(), tally or _Tally()
    path = new_path("corpora", name)
    with staged_folder(path) as folder:
        writer = CorpusWriter(folder, path.name)
        for text, source, split in _hold_out(_distinct(documents, tally), options.held_out):
            writer.add(text, source, split)
            if len(tally.samples) < SAMPLES:
                tally.samples.append(text[:SAMPLE_LENGTH])
        if not writer.train.documents:
            raise UserError(_nothing_left(tally))
        writer.finish(_report(tally, options, origin))
    return Corpus.at(path)


def _distinct(documents: Iterable[tuple[str, str]], tally: _Tally) -> Iterator[tuple[str, str, bytes]]:
    seen: set[bytes] = set()
    for raw, source in documents:
        text = clean(raw.strip("\n"), STANDARD, tally.changes)
        if not text.strip():
            continue
        digest = hashlib.sha256(text.encode()).digest()[:16]
        if digest in seen:
            tally.duplicates += 1
            continue
        seen.add(digest)
        yield text, source, digest


def _hold_out(documents: Iterator[tuple[str, str, bytes]], share: float) -> Iterator[tuple[str, str, Split]]:
    limit = int(share * 2**64)
    waiting: list[tuple[str, str, bytes]] = []
    kinds: set[bool] = set()  # of those that wait: held out or not
    decided = False
    for document in documents:
        number = int.from_bytes(document[2][:8], "big")
        if decided:
            yield document[0], document[1], "val" if number < limit else "train"
            continue
        waiting.append(document)
        kinds.add(number < limit)
        if len(kinds) == 2 or len(waiting) * share >= UNDECIDED:
            decided = True
            yield from _decide(waiting, limit)
            waiting = []
    if len(waiting) == 1:
        text, source, _digest = waiting[0]
        beginning, end = _last_tenth(text)
        yield beginning, source, "train"
        if end:
            yield end, source, "val"
    elif waiting:
        yield from _decide(waiting, limit)


def _decide(waiting: list[tuple[str, str, bytes]], limit: int) -> Iterator[tuple[str, str, Split]]:
    lowest = min(digest for _text, _source, digest in waiting)
    highest = max(digest for _text, _source, digest in waiting)
    for text, source, digest in waiting:
        held = digest == lowest or (digest != highest and int.from_bytes(digest[:8], "big") < limit)
        yield text, source, "val" if held else "train"


def _last_tenth(text: str) -> tuple[str, str]:
    middle = len(text) - len(text) // 10
    for separator in ("\n", " "):
        cut = text.find(separator, middle)
        if 0 <= cut < len(text) - 1:
            return text[:cut], text[cut:].strip()
    return text[:middle], text[middle:]


def _report(tally: _Tally, options: ImportOptions, origin: Sequence[str]) -> dict[str, Any]:
    largest = sorted(tally.sources, key=lambda source: -source["bytes"])[:LARGEST_SOURCES]
    return {
        "origin": list(origin),
        "options": options.as_dict(),
        "sources": len(tally.sources),
        "largest_sources": largest,
        "encodings": dict(Counter(source["encoding"] for source in tally.sources)),
        "unreadable_characters": sum(source["unreadable"] for source in tally.sources),
        "skipped": tally.skipped,
        "duplicates": tally.duplicates,
        "cleaned": {step.name: tally.changes[step.name] for step in STANDARD},
        "samples": tally.samples,
    }


def _nothing_left(tally: _Tally) -> str:
    if tally.skipped:
        first = tally.skipped[0]
        more = len(tally.skipped) - 1
        message = _("{source} was not imported: {reason}.").format(**first)
        return message + (" " + _("So were {number} others.").format(number=more) if more else "")
    return _("There is no text in it: only blank lines.")
