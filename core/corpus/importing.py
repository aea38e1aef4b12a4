"""From files, or from corpora that there are, to a corpus: read, clean, drop duplicates, hold some out.

Two passes. The first reads the sources in order and prepares their documents in several processes, into scratch files.
Then it is known which documents are the same or nearly so, and the second pass writes those that are kept. Memory does
not grow with the text, only by some bytes for each document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import staged_folder
from ..language import N_, sentences
from ..language import gettext as _
from ..options import format_size, option
from ..progress import Progress, Rate, no_progress, part
from ..store import find, new_path
from .batches import Batch, Batches, renumbered, size_of
from .choosing import Choice, choose
from .cleaning.options import CleaningOptions
from .documents import MODES, split_documents
from .found import Found
from .preparer import Preparer, cannot_be_read
from .preparing import prepare_all
from .readers.base import Notes, NotTextError, ReadOptions
from .report import make_report
from .scratch import Scratch
from .sources import HUB, STANDARD_INPUT, LeftOut, Opened, Source, find_sources, open_sources
from .store import Corpus, write_manifest

READING, CHOOSING = 0.8, 0.85  # shares of the work after the first pass, and before the second


@dataclass(frozen=True)
class MergeOptions(CleaningOptions):
    """How documents that there are become a corpus."""

    held_out: float = option(
        0.05,
        N_("The share of documents that is kept from training, to measure on."),
        minimum=0.001,
        maximum=0.5,
        metavar="SHARE",
    )
    held_out_by: str = option(
        "document",
        N_("What is held out as a whole: single documents, or all that comes from one source."),
        choices=("document", "source"),
    )


@dataclass(frozen=True)
class ImportOptions(MergeOptions):
    """How files become a corpus."""

    documents: str = option(
        "auto",
        N_(
            "Where a document ends: auto (a blank line, after enough text), file (with its file), paragraph (any blank "
            "line, as between poems), line."
        ),
        choices=MODES,
    )
    column: str | None = option(
        None,
        N_("The column of a table, or the field of a record, that holds the text; found without it."),
        metavar="NAME",
    )
    include: list[str] = option(
        [], N_("From folders and archives only files whose path matches, such as '*.md' or 'docs/**'."), metavar="GLOB"
    )
    exclude: list[str] = option([], N_("From folders and archives no files whose path matches."), metavar="GLOB")
    limit: int | None = option(
        None, N_("Stop after so much text, such as 500MB or 1GB."), minimum=1, kind="size", metavar="SIZE"
    )
    strict: bool = option(False, N_("Stop at the first file, or part of one, that cannot be read."))


def import_files(
    paths: Sequence[str | Path], name: str, options: ImportOptions | None = None, progress: Progress = no_progress
) -> Corpus:
    """Make the corpus `name` of the text in the files, folders, archives and data sets that `paths` mean.

    A file that gives no text is left out, and the report says why. Raises UserError when nothing is left, or when
    `name` is taken. `progress` counts bytes of the files.
    """
    options = options or ImportOptions()
    sources = find_sources(paths, options.include, options.exclude)

    def batches(found: Found, progress: Progress) -> Iterator[Batch]:
        return batches_of_files(sources, found, options, progress)

    return _make(batches, name, options, progress, origin_of(paths))


def import_documents(
    documents: Iterable[tuple[str, str]],
    name: str,
    options: ImportOptions | None = None,
    origin: Sequence[str] = (),
    progress: Progress = no_progress,
) -> Corpus:
    """Make the corpus `name` of pairs (text, source). `progress` hears of it when they are all there."""

    def batches(found: Found, progress: Progress) -> Iterator[Batch]:
        return _batches_of_documents(((text, source, None) for text, source in documents), found)

    return _make(batches, name, options or ImportOptions(), progress, origin)


def extend(
    name: str, paths: Sequence[str | Path], options: ImportOptions | None = None, progress: Progress = no_progress
) -> Corpus:
    """Add to the corpus `name` what is new in the files of `paths`.

    Its documents stay as they are, where they are and in their split; what is the same as one of them is not added.
    The corpus is the old one until the new one is whole.
    """
    options = options or ImportOptions()
    corpus = Corpus.open(name)
    sources = find_sources(paths, options.include, options.exclude)

    def batches(found: Found, progress: Progress) -> Iterator[Batch]:
        before = corpus.manifest.total.bytes
        new = max(1, sum(source.size for source in sources))
        share = before / (before + new)
        old = _batches_of_corpora([corpus], found, part(progress, 0, share), as_they_are=True)
        return renumbered(chain(old, batches_of_files(sources, found, options, part(progress, share, 1))))

    return _make(batches, name, options, progress, [*corpus.report["origin"], *origin_of(paths)], replace=True)


def merge(
    names: Sequence[str], name: str, options: MergeOptions | None = None, progress: Progress = no_progress
) -> Corpus:
    """Make the corpus `name` of the documents of others, in their order: duplicates dropped, the split made anew.

    With one corpus this cleans it again, with other steps. `name` may be one of `names`: the corpus is the old one
    until the new one is whole.
    """
    options = ImportOptions.from_mapping((options or MergeOptions()).as_dict())
    corpora = [Corpus.open(other) for other in names]
    origin = [line for corpus in corpora for line in corpus.report["origin"]]

    def batches(found: Found, progress: Progress) -> Iterator[Batch]:
        return _batches_of_corpora(corpora, found, progress, as_they_are=False)

    return _make(batches, name, options, progress, origin, replace=name in names)


def origin_of(paths: Sequence[str | Path]) -> list[str]:
    """Where a corpus comes from, as its report says it: absolute paths, and names of data sets."""
    return [_absolute(str(path)) for path in paths]


def _absolute(path: str) -> str:
    if path == STANDARD_INPUT:
        return path
    if path.startswith(HUB) and not Path(path).exists():
        name = path.removeprefix(HUB)
        return HUB + str(Path(name).absolute()) if Path(name).is_dir() else path
    return str(Path(path).absolute())


def _make(
    batches: Callable[[Found, Progress], Iterator[Batch]],
    name: str,
    options: ImportOptions,
    progress: Progress,
    origin: Sequence[str],
    replace: bool = False,
) -> Corpus:
    path = find("corpora", name) if replace else new_path("corpora", name)
    reading = part(progress, 0, READING)
    told = (0.0, 1.0, "")

    def tell(done: float, total: float, message: str = "", **metrics: float) -> None:
        nonlocal told
        told = (done, total, message)
        reading(done, total, message, **metrics)

    with staged_folder(path, replace=replace) as folder:
        found = Found(strict=options.strict)
        scratch = Scratch(folder / "scratch", options.near_duplicate_similarity)
        preparer = Preparer(scratch.folder, options, found.names)
        for prepared in prepare_all(batches(found, tell), preparer, lambda: reading(*told)):
            scratch.add(prepared)
            found.tally.merge(prepared.tally)
            for source, where, reason in prepared.left_out:
                found.leave_out(found.names[source], where, reason)
            found.left_out_in_all += prepared.left_out_besides
            found.unreadable += prepared.unreadable
        if not len(scratch.documents):
            raise UserError(_nothing_left(found))
        reading(*told, bytes_per_second=0.0)  # what follows is not reckoned in bytes
        looking = part(progress, READING, CHOOSING)
        choice = choose(
            scratch.documents, lambda copies: scratch.near.representatives(looking, copies), options, found.names
        )
        if choice.kept.sum() == 1 and not scratch.documents["split"].any():
            choice = _cut_in_two(scratch, choice, preparer)
        total, writing = len(scratch.documents), part(progress, CHOOSING, 1)
        shards = scratch.write_shards(folder, choice, found.names, lambda done: writing(done, total, _("writing")))
        report = make_report(found, choice, scratch, options.as_dict(), origin)
        write_manifest(folder, path.name, shards, scratch.documents, choice.kept, choice.splits, report)
        scratch.remove()
    return Corpus.at(path)


def _cut_in_two(scratch: Scratch, choice: Choice, preparer: Preparer) -> Choice:
    """Of a corpus of one document the last tenth is held out."""
    import numpy as np

    number = int(np.flatnonzero(choice.kept)[0])
    beginning, end = _last_tenth(scratch.texts([number])[0])
    source = int(scratch.documents["source"][number])
    scratch.begin_again()
    for index, (text, split) in enumerate(((beginning, "train"), (end, "val"))):
        if text:
            scratch.add(preparer(Batch(index, None, split=split, payloads=[text], sources=[source])))
    splits = np.array(scratch.documents["split"])
    return Choice(np.ones(len(splits), bool), splits, choice.duplicates, choice.near_duplicates, [])


def _last_tenth(text: str) -> tuple[str, str]:
    middle = len(text) - len(text) // 10
    for separator in ("\n", " "):
        cut = text.find(separator, middle)
        if 0 <= cut < len(text) - 1:
            return text[:cut], text[cut:].strip()
    return text[:middle], text[middle:]


def batches_of_files(
    sources: Sequence[Source], found: Found, options: ImportOptions, progress: Progress
) -> Iterator[Batch]:
    """The documents and payloads in `sources`, in order; what cannot be read of them is told to `found`."""
    total = max(1, sum(source.size for source in sources))
    starts = dict(zip(sources, accumulate((source.size for source in sources), initial=0), strict=False))
    limit, taken = options.limit, 0
    batches = Batches()
    rate = Rate()
    for item in open_sources(sources):
        if isinstance(item, LeftOut):
            found.leave_out(item.name, "", item.reason)
            continue
        number, notes, size = found.new_source(item.name), Notes(), 0
        if batch := batches.open(item.format.convert, item.format.records):
            yield batch
        try:
            for payload in _payloads(item, notes, options):
                its_size = size_of(payload)
                size += its_size
                if batch := batches.add(payload, number, its_size):
                    here, size_here = item.position() or size, item.source.size
                    done = starts[item.source] + min(here, size_here)
                    # How much there is of standard input and of data sets nobody knows.
                    name = item.name if size_here else f"{item.name}, {format_size(here)}"
                    progress(done, total, name, bytes_per_second=rate(starts[item.source] + here))
                    yield batch
                if limit and taken + size >= limit:
                    break
        except (NotTextError, OSError) as error:
            found.leave_out(item.name, "", _reason(error))
            if not size:
                continue
        found.close_source(number, item.format.name, size, notes)
        taken += size
        if limit and taken >= limit:
            break
    if batch := batches.close():
        progress(total, total, found.names[-1], bytes_per_second=rate(total))
        yield batch


def _payloads(item: Opened, notes: Notes, options: ImportOptions) -> Iterator[Any]:
    try:
        # With a limit the characters of each text count, before the next is read.
        read_options = ReadOptions(options.column, options.limit, in_parts=options.limit is None)
        payloads = item.format.read(item.stream, notes, read_options)
        yield from split_documents(payloads, options.documents) if item.format.lines else payloads
    except (UserError, MemoryError, OSError):
        raise
    except Exception as error:  # of a library, on a file that its authors never saw
        raise NotTextError(cannot_be_read(error)) from error


def _reason(error: UserError | OSError) -> str:
    return str(error) if isinstance(error, UserError) else error.strerror or str(error)


def _batches_of_documents(documents: Iterable[tuple[str, str, str | None]], found: Found) -> Iterator[Batch]:
    """Of triples (text, source, split), where the split is given for what stays as it is."""
    numbers: dict[str, int] = {}
    batches = Batches()
    for text, source, split in documents:
        number = numbers.get(source)
        if number is None:
            number = numbers[source] = found.new_source(source)
            found.close_source(number, "", 0, Notes())
        if batch := batches.open(None, split=split):
            yield batch
        if batch := batches.add(text, number, len(text)):
            yield batch
    if batch := batches.close():
        yield batch


def _batches_of_corpora(
    corpora: Sequence[Corpus], found: Found, progress: Progress, as_they_are: bool
) -> Iterator[Batch]:
    total, done, rate = sum(corpus.manifest.total.bytes for corpus in corpora), 0, Rate()

    def rows() -> Iterator[tuple[str, str, str | None]]:
        nonlocal done
        for corpus in corpora:
            for text, source, split in corpus.rows():
                done += len(text.encode())
                yield text, source, split if as_they_are else None

    for batch in _batches_of_documents(rows(), found):
        progress(done, total, found.names[batch.sources[-1]], bytes_per_second=rate(done))
        yield batch


def _nothing_left(found: Found) -> str:
    if found.left_out:
        source, where, reason = found.left_out[0]
        more = found.left_out_in_all - 1
        message = _("{source} was not imported: {reason}.").format(
            source=f"{source}, {where}" if where else source, reason=reason
        )
        return sentences(message, _("So were {number} others.").format(number=more) if more else "")
    dropped = sum(step.dropped.total() for step in found.tally.steps.values())
    if dropped:
        return _(
            "Cleaning left nothing of {number:,} texts: see which step dropped them with a milder --clean."
        ).format(number=dropped)
    if not found.names:
        return _("No file in the archives fits --include and --exclude.")
    return _("There is no text in it: only blank lines.")
