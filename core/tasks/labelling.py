"""Labels for all texts of a file: its rows, each with a label and how likely that is, in a new file.

What is labelled is kept as it goes, in `.NAME.partial` beside the new file; begun again with the same model, labels and
file it goes on where it was.
"""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ..corpus.readers.base import Notes, ReadOptions, place_text
from ..corpus.readers.columns import find_column, missing, none_found
from ..corpus.sources import LeftOut, find_sources, open_sources
from ..errors import UserError
from ..files import read_json, sync_folder, write_json
from ..language import gettext as _
from ..progress import Progress, no_progress
from .labels import Labels

TOGETHER = 256  # rows that are labelled, and then on disk
LOOKED_AT = 200  # rows that tell which column holds the texts
LABEL, PROBABILITY = "label", "probability"
_SEPARATORS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*_SEPARATORS, ".jsonl")


@dataclass
class Labelled:
    """What was done."""

    path: Path
    rows: int = 0
    before: int = 0  # of them by an earlier try
    column: str = ""
    counts: dict[str, int] = field(default_factory=dict)  # by label
    left_out: list[tuple[str, str]] = field(default_factory=list)  # rows that cannot be read: where, and why


def label_file(
    labels: Labels,
    identity: Mapping[str, Any],
    source: Path,
    target: Path,
    column: str | None = None,
    progress: Progress = no_progress,
) -> Labelled:
    """Label the rows of `source` (csv, tsv, json, jsonl or parquet) into `target` (csv, tsv or jsonl).

    `identity` says which model and labels they are: what another one began is not gone on with. An empty text gets an
    empty label. Raises UserError and Cancelled; what is labelled so far stays to be gone on with.
    """
    if target.suffix.lower() not in SUFFIXES:
        raise UserError(_("{path} must end in one of {suffixes}.").format(path=target, suffixes=", ".join(SUFFIXES)))
    if target.exists():
        raise UserError(_("{path} exists already. Remove it, or choose another --out.").format(path=target))
    partial, state = target.with_name(f".{target.name}.partial"), target.with_name(f".{target.name}.partial.json")
    status = source.stat()
    found, notes = Labelled(target), Notes()
    rows = _rows(source, notes)
    first = list(islice(rows, LOOKED_AT))
    found.column = _column(first, column)
    file_state = {"source": str(source.resolve()), "size": status.st_size, "modified": status.st_mtime}
    begun = {**identity, **file_state, "column": found.column}
    if not (partial.exists() and state.exists() and read_json(state) == begun):
        partial.write_bytes(b"")
        write_json(state, begun)
    columns = list(dict.fromkeys(name for _place, row, _position in first for name in row))
    names = _free(LABEL, columns), _free(PROBABILITY, columns)
    found.rows = found.before = _whole_rows(partial, target, found.counts)
    all_rows = chain(first, rows)
    for _skipped in islice(all_rows, found.before):
        pass
    done, total = 0, max(1, status.st_size)

    def tell() -> bool:
        """Never true: who does not want it any more says so by raising."""
        progress(done, total, _("{rows:,} rows").format(rows=found.rows))
        return False

    with partial.open("a", encoding="utf-8", newline="") as file:
        writer = _Writer(file, target.suffix.lower(), columns, names)
        while some := list(islice(all_rows, TOGETHER)):
            texts = [str(row.get(found.column) or "") for _place, row, _position in some]
            answers = iter(labels.weigh([text for text in texts if text.strip()], cancelled=tell))
            for text, (_place, row, _position) in zip(texts, some, strict=True):
                answer = next(answers) if text.strip() else None
                label = answer["label"] if answer else ""
                sure = round(answer["probabilities"][label], 4) if answer else ""
                writer.write(row, (label, sure), found.rows == 0)
                found.rows += 1
                found.counts[label] = found.counts.get(label, 0) + 1
            file.flush()
            done = some[-1][2]
            tell()
    if not found.rows:
        raise UserError(_("There is no row in {path}.").format(path=source))
    found.left_out = notes.left_out
    partial.replace(target)
    state.unlink()
    sync_folder(target.parent)
    return found


def _rows(source: Path, notes: Notes) -> Iterator[tuple[str, dict[str, Any], int]]:
    """Where each row is, the row, and how many bytes were read."""
    reason = ""
    for item in open_sources(find_sources([source])):
        if isinstance(item, LeftOut):
            reason = item.reason
            continue
        if item.format.rows is None:
            raise UserError(_("{path} is no table: give a csv, tsv, json, jsonl or parquet file.").format(path=source))
        for place, row in item.format.rows(item.stream, notes, ReadOptions()):
            if isinstance(row, Mapping):
                yield place_text(place), dict(row), item.position()
        reason = ""
    if reason:
        raise UserError(f"{source}: {reason}")


def _column(first: Sequence[tuple[str, Mapping[str, Any], int]], asked: str | None) -> str:
    columns: dict[str, list[str]] = {}
    for _place, row, _position in first:
        for name, value in row.items():
            columns.setdefault(name, []).append(str(value or ""))
    if asked:
        if asked not in columns:
            raise missing(asked, list(columns))
        return asked
    found = find_column(columns)
    if found is None:
        raise none_found(list(columns))
    return found


def _free(name: str, taken: Collection[str]) -> str:
    """A name for a column that is not there yet."""
    while name in taken:
        name = f"predicted_{name}"
    return name


def _whole_rows(partial: Path, target: Path, counts: dict[str, int]) -> int:
    """The rows that are whole in what an earlier try has left; half of a last one is cut off."""
    data, suffix = partial.read_bytes(), target.suffix.lower()
    lines = [line + "\n" for line in data.decode("utf-8", "replace").split("\n")[:-1]]
    labels, whole = [], 0
    if suffix == ".jsonl":
        labels, whole = [_label(json.loads(line)) for line in lines], len(lines)
    else:
        csv.field_size_limit(max(csv.field_size_limit(), len(data)))
        table = csv.reader(lines, delimiter=_SEPARATORS[suffix], strict=True)
        header = next(table, [])
        with contextlib.suppress(csv.Error):  # the last row was cut at a line end within it
            for row in table:
                labels.append(_label(dict(zip(header, row, strict=True))))
                whole = table.line_num
    end = len("".join(lines[:whole]).encode())
    if end < len(data):
        with partial.open("r+b") as file:
            file.truncate(end)
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    return len(labels)


def _label(row: Mapping[str, Any]) -> str:
    """The label in a row that has one: the last column but one."""
    return str(list(row.values())[-2])


class _Writer:
    """Rows as a table or as JSON lines. `columns` are those of the first rows, `names` those of what is found out."""

    def __init__(self, file: Any, suffix: str, columns: Sequence[str], names: tuple[str, str]):
        self._file, self._names = file, names
        self._table: csv.DictWriter[str] | None = None
        if suffix != ".jsonl":
            all_columns, separator = [*columns, *names], _SEPARATORS[suffix]
            self._table = csv.DictWriter(
                file, all_columns, delimiter=separator, lineterminator="\n", extrasaction="ignore", restval=""
            )

    def write(self, row: Mapping[str, Any], answer: tuple[Any, Any], is_first: bool) -> None:
        """One row, with what was found out."""
        if self._table is None:
            names = [_free(name, row) for name in self._names]
            whole = {**row, **dict(zip(names, answer, strict=True))}
            self._file.write(json.dumps(whole, ensure_ascii=False) + "\n")
            return
        if is_first:
            self._table.writeheader()
        self._table.writerow({**row, **dict(zip(self._names, answer, strict=True))})
