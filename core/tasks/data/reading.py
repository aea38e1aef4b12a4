"""From people's files to checked records of a task.

    data = read_records(task_of("classify"), ["reviews.csv"], DataOptions(column=["label=stars"]))
    for problem in data.problems:
        print(problem.file, problem.where, problem.reason)

A record that is wrong is left out and told with its file and line; the rest is taken. Nothing is guessed where it is
not sure: then the columns that there are are named, and what to type.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from ...corpus.readers.base import Notes, NotTextError, Place, place_text
from ...corpus.readers.records import LOOKED_AT
from ...corpus.sources import LeftOut, Opened, Source, find_sources, open_sources
from ...errors import UserError
from ...language import gettext as _
from ...language import sentences
from ...progress import Progress, no_progress
from ..base import Task
from .conversations import find_conversations
from .fields import find_fields
from .found import Data, Problem
from .opening import SUFFIXES, Rows, rows_of
from .options import DataOptions
from .pairs import REVERSED, find_pairs
from .ways import MissingColumnError, Row, UnfitError, Way
from .whole import InFolders, Parallel

TOLD = 3  # of them where nothing is left
_Row = tuple[Place | str, Any]  # where it is, and what it holds
_EACH = 500  # rows between two words of progress

_FINDERS: dict[str, Callable[[Task, Sequence[Row], DataOptions], Way]] = {
    "chat": find_conversations,
    "translate": find_pairs,
}  # for other tasks find_fields


def read_records(
    task: Task, paths: Sequence[str | Path], options: DataOptions | None = None, progress: Progress = no_progress
) -> Data:
    """The records in the files, folders, archives and data sets that `paths` mean, each once.

    Raises UserError where there is no record, where a column that the person named is missing, and for the first
    problem where the options are strict. `progress` counts bytes of the files.
    """
    options = options or DataOptions()
    reading = _Reading(task, options, None)
    reading.read(find_sources(paths, suffixes=SUFFIXES.get(task.name, ())), progress)
    if not reading.data.records:
        raise UserError(reading.nothing([str(path) for path in paths]))
    return reading.data


def preview(task: Task, paths: Sequence[str | Path], options: DataOptions | None = None, limit: int = 20) -> Data:
    """The first records as `read_records` would give them, each in one direction; only the beginnings are read."""
    options = dataclasses.replace(options or DataOptions(), both_directions=False)
    reading = _Reading(task, options, limit)
    reading.read(_some(find_sources(paths, suffixes=SUFFIXES.get(task.name, ())), limit), no_progress)
    if not reading.data.records:
        raise UserError(reading.nothing([str(path) for path in paths]))
    return reading.data


def _some(sources: Sequence[Source], limit: int) -> list[Source]:
    """Of each folder the first files, for each folder may be a label."""
    folders = Counter(source.path.parent if source.path else None for source in sources)
    most = max(2, limit // len(folders))
    taken: Counter[Path | None] = Counter()
    some = []
    for source in sources:
        folder = source.path.parent if source.path else None
        taken[folder] += 1
        if taken[folder] <= most:
            some.append(source)
    return some


class _Notes(Notes):
    """What a reader has to say goes on at once, so that a strict reading stops there."""

    def __init__(self, tell: Callable[[str, str], None]):
        super().__init__()
        self._tell = tell

    def leave_out(self, where: str, reason: str) -> None:
        self._tell(where, reason)


class _Reading:
    """All files, one after the other."""

    def __init__(self, task: Task, options: DataOptions, limit: int | None):
        self.task, self.options, self.limit = task, options, limit
        self.data = Data()
        self.skipped: Counter[str] = Counter()
        self._find = _FINDERS.get(task.name, find_fields)
        self._names = [field.name for field in task.fields]
        self._seen: set[bytes] = set()
        self._folders, self._parallel = InFolders(), Parallel()
        self._first: list[_Row] | None = None  # rows of a file that tell its columns, not used yet
        self._others: list[Problem] = []  # files beside the data, such as a README

    def read(self, sources: Sequence[Source], progress: Progress) -> None:
        """Read them all, or as many as are wanted."""
        total, done = max(1, sum(source.size for source in sources)), 0
        source = None
        for item in open_sources(sources):
            if isinstance(item, LeftOut):
                self._problem(item.name, "", item.reason)
                continue
            if source is not None and item.source is not source:
                done += source.size
            source = item.source
            self._file(item, partial(_tell, progress, item, done, total))
            if self._is_enough():
                break
        self._texts_in_folders()
        for name, rows in self._parallel.pairs(self.limit):
            if isinstance(rows, str):
                self._problem(name, "", rows)
            else:
                with self._trying(name):
                    self._rows(name, rows, lambda: None)
        self._say_skipped()
        progress(total, total)

    def nothing(self, paths: Sequence[str]) -> str:
        """The sentence where there is no record."""
        problems = [*self.data.problems, *self._others]
        reasons = [str(problem) for problem in problems[:TOLD]]
        if more := len(problems) + self.data.problems_besides - len(reasons):
            reasons.append(_("And {number:,} more.").format(number=more))
        sentence = _("There is no record for {task} in {paths}.").format(task=self.task.name, paths=", ".join(paths))
        return sentences(sentence, *reasons, *self.data.said)

    def _is_enough(self) -> bool:
        return self.limit is not None and len(self.data.records) >= self.limit

    def _problem(self, file: str, where: str, reason: str) -> None:
        problem = Problem(file, where, reason)
        if self.options.strict:
            sentence = _("{problem} Without --strict it is left out, and the rest is taken.")
            raise UserError(sentence.format(problem=problem))
        self.data.leave_out(problem)

    def _file(self, item: Opened, tell: Callable[[], None]) -> None:
        notes = _Notes(partial(self._reader_says, item.name))
        with self._trying(item.name):
            rows = rows_of(self.task, item, notes, self.options, self.skipped)
            if rows is not None:
                self._rows(item.name, rows, tell)
            elif self.task.name == "translate" and self._parallel.add(item, notes, self.limit):
                pass  # its pair may be yet to come
            elif self.task.name == "classify":
                self._folders.add(item, notes)
            else:
                self._beside(item.name, _("it is no table or list of records; give JSON, JSON Lines, CSV or Parquet"))

    @contextmanager
    def _trying(self, file: str) -> Iterator[None]:
        """What goes wrong is a problem of the file; a column that is missing though it was named ends it all."""
        try:
            yield
        except MissingColumnError as error:
            raise UserError(str(Problem(file, "", str(error)))) from None
        except (NotTextError, OSError) as error:
            reason = str(error) if isinstance(error, NotTextError) else error.strerror or str(error)
            self._problem(file, "", reason)

    def _beside(self, file: str, reason: str) -> None:
        """A file that has no records; no problem where it is only in a folder or archive that has others."""
        if "/" in file:
            self._others.append(Problem(file, "", reason))
        else:
            self._problem(file, "", reason)

    def _rows(self, file: str, rows: Rows | Iterable[tuple[Place, Any]], tell: Callable[[], None]) -> None:
        remaining = iter(rows)
        first, error = self._beginning(remaining)
        sample = [row for _place, row in first if isinstance(row, dict)]
        if not first and not error and not self.skipped:
            raise NotTextError(_("there is no record in it"))
        way = self._find(self.task, sample, self.options) if sample else None
        if way is not None:
            self.data.columns = self.data.columns or way.columns
            self.data.said += [f"{file}: {sentence}" for sentence in way.said]
        before = len(self.data.records)
        try:
            for number, (place, row) in enumerate(chain(first, () if error else remaining)):
                if number % _EACH == 0:
                    tell()
                self._row(file, place, row, way)
                if self._is_enough():
                    break
        finally:
            self.data.files += len(self.data.records) > before
        if error:
            raise error

    def _beginning(self, rows: Iterator[_Row]) -> tuple[list[_Row], Exception | None]:
        """The first rows, with what the reader has to say among them, and what ended them before their time."""
        self._first = first = []
        try:
            for _number, each in zip(range(LOOKED_AT), rows, strict=False):
                first.append(each)
        except (NotTextError, OSError) as error:
            return first, error
        finally:
            self._first = None
        return first, None

    def _reader_says(self, file: str, where: str, reason: str) -> None:
        if self._first is None:
            self._problem(file, where, reason)
        else:
            self._first.append((where, UnfitError(reason)))

    def _row(self, file: str, place: Place | str, row: Any, way: Way | None) -> None:
        if isinstance(row, UnfitError):
            self._problem(file, _words(place), str(row))
            return
        if way is None or not isinstance(row, dict):
            self._problem(file, _words(place), _("it is not a record with fields"))
            return
        try:
            records = way.records(row)
        except UnfitError as error:
            self._problem(file, _words(place), str(error))
            return
        if not records:
            self.skipped["languages"] += 1
        for record in records:
            if reason := self.task.check(record):
                self._problem(file, _words(place), reason)
                return
            self._add(record)

    def _add(self, record: dict[str, Any]) -> None:
        values = repr([record[name] for name in self._names])
        key = hashlib.blake2b(values.encode(), digest_size=16).digest()
        if key not in self._seen:
            self._seen.add(key)
            self.data.records.append(record)
        elif not record.get(REVERSED):
            self.data.duplicates += 1

    def _texts_in_folders(self) -> None:
        tables = bool(self.data.records)  # what is beside these are notes on them
        for name, record in self._folders.records():
            if record is None or tables:
                self._beside(name, _("it is no table of records, and not in one of several folders of labels"))
            elif reason := self.task.check(record):
                self._problem(name, "", reason)
            else:
                self._add(record)
                self.data.files += 1
            if self._is_enough():
                break

    def _say_skipped(self) -> None:
        words = {
            "fuzzy": _("Left out as fuzzy, which may be wrong: {number:,}."),
            "untranslated": _("Left out as not translated: {number:,}."),
            "languages": _("Left out as in languages that were not asked for: {number:,}."),
        }
        self.data.said += [words[kind].format(number=number) for kind, number in self.skipped.items()]


def _tell(progress: Progress, item: Opened, before: int, total: int) -> None:
    progress(before + min(item.position(), item.source.size), total, item.name)


def _words(place: Place | str) -> str:
    return place if isinstance(place, str) else place_text(place)
