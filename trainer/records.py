"""The records of a fine-tuning on disk, in tokens: read once, so that a resumed job learns from what it began with.

records/report.json      what was read, what was left out and why, what the model has to remember of each task
records/train.npz, val.npz   tokens, and which are learnt
records/held-out.jsonl   the held-out records, to be answered and scored: {"task", "record"}
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..core.errors import UserError
from ..core.files import append_lines, read_lines, read_object, staged_folder, write_json
from ..core.language import gettext as _
from ..core.progress import Progress, no_progress, part
from ..core.tasks.all import task_of
from ..core.tasks.base import Record
from ..core.tasks.data.options import DataOptions
from ..core.tasks.data.splitting import read_split
from ..core.tasks.encoding import encode_record
from ..core.tokenizer.tokenizer import Tokenizer
from .packing import Examples

T = TypeVar("T")
FOLDER = "records"
FORMAT = 1
LONGEST = 1024  # tokens of a record, unless the person or the model says otherwise
SOME = 500  # records between two words of progress
KEPT_PROBLEMS = 200


@dataclass(frozen=True)
class Source:
    """The files with the records of one task."""

    task: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Records:
    """What `prepare_records` has made."""

    path: Path
    report: dict[str, Any]

    def examples(self, split_name: str) -> Examples:
        """The records of "train" or "val" in tokens."""
        with np.load(self.path / f"{split_name}.npz") as arrays:
            return Examples(arrays["tokens"], arrays["learnt"], arrays["ends"])

    def held_out(self) -> list[tuple[str, Record]]:
        """The held-out records, each with the name of its task."""
        found, _offset = read_lines(self.path / "held-out.jsonl")
        return [(each["task"], each["record"]) for each in found]

    @property
    def tasks(self) -> dict[str, dict[str, Any]]:
        """What a model has to remember of each task, by its name."""
        return dict(self.report["tasks"])


def prepare_records(
    folder: Path,
    sources: Sequence[Source],
    options: DataOptions,
    tokenizer: Tokenizer,
    longest: int,
    progress: Progress = no_progress,
) -> Records:
    """Read, check, split and encode the records; in `folder`, unless they are there already.

    A record takes at most `longest` tokens; what is longer is cut as its task says, or left out, and counted. Raises
    UserError where nothing is left to learn from.
    """
    path = folder / FOLDER
    if (path / "report.json").exists():
        return Records(path, read_object(path / "report.json", "tasks", "counts"))
    with staged_folder(path, replace=True) as staging:
        report = _prepare(staging, sources, options, tokenizer, longest, progress)
        write_json(staging / "report.json", report)
    return Records(path, report)


def _prepare(
    staging: Path,
    sources: Sequence[Source],
    options: DataOptions,
    tokenizer: Tokenizer,
    longest: int,
    progress: Progress,
) -> dict[str, Any]:
    parts: dict[str, list[tuple[str, Record]]] = {"train": [], "val": []}
    numbers: dict[str, int] = {}
    all_kept: list[dict[str, Any]] = []
    problems, columns, said, duplicates, besides = [], {}, [], 0, 0
    counts: dict[str, int] = {}
    for its_name in dict.fromkeys(source.task for source in sources):
        task = task_of(its_name)
        paths = [path for source in sources if source.task == its_name for path in source.paths]
        train, held_out, data = read_split(task, paths, options, part(progress, 0.0, 0.5))
        parts["train"] += [(task.name, record) for record in train]
        parts["val"] += [(task.name, record) for record in held_out]
        numbers[task.name] = len(train)
        problems += [f"{each.file}, {each.where}: {each.reason}" for each in data.problems]
        besides += data.problems_besides
        said += data.said
        columns[task.name] = data.columns
        duplicates += data.duplicates
    parts["val"] = shuffled(parts["val"])  # the first of them are measured on the way: of all tasks and labels some
    total, done = sum(map(len, parts.values())), 0

    def encoded(number: int) -> None:
        progress(0.5 + 0.5 * (done + number) / total, 1.0, _("encoding records"))

    for name, records in parts.items():
        kept, arrays, found = _encode(records, tokenizer, longest, encoded)
        done += len(records)
        all_kept += kept
        np.savez(staging / f"{name}.npz", tokens=arrays["tokens"], learnt=arrays["learnt"], ends=arrays["ends"])
        if name == "val":
            append_lines(staging / "held-out.jsonl", kept)
        counts |= {name if key == "records" else f"{name}_{key}": number for key, number in found.items()}
    if not counts["train"]:
        raise UserError(
            _("No record is left to learn from: each is longer than the {tokens:,} tokens that the model sees.").format(
                tokens=longest - 1
            )
        )
    tasks = {name: {**_about(name, all_kept), "records": number} for name, number in numbers.items()}
    return {
        "format": FORMAT,
        "tasks": tasks,
        "counts": {**counts, "duplicates": duplicates, "problems": len(problems) + besides},
        "columns": columns,
        "said": said,
        "problems": problems[:KEPT_PROBLEMS],
    }


def _about(name: str, kept: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What a model has to remember of a task, by the records that are kept: a label may be too long, too.

    Raises UserError where there is nothing to tell apart.
    """
    found = task_of(name).about([each["record"] for each in kept if each["task"] == name])
    if len(labels := found.get("labels", ())) == 1:
        raise UserError(
            _("All records have the label {label}: to classify, a model needs records of two at least.").format(
                label=labels[0]
            )
        )
    return found


def _encode(
    records: Sequence[tuple[str, Record]], tokenizer: Tokenizer, longest: int, tell: Callable[[int], None]
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray[Any, Any]], dict[str, int]]:
    """The records that fit, their arrays for a file, and what there is to count of them."""
    tokens: list[np.ndarray[Any, Any]] = []
    learnt: list[np.ndarray[Any, Any]] = []
    kept, cut, too_long = [], 0, 0
    for number, (task_name, record) in enumerate(records):
        if number % SOME == 0:
            tell(number)
        example = encode_record(task_of(task_name), tokenizer, record, longest)
        if example is None:
            too_long += 1
            continue
        cut += example.cut
        kept.append({"task": task_name, "record": dict(record)})
        tokens.append(np.array(example.tokens, dtype=np.uint32))
        learnt.append(np.array(example.learnt, dtype=bool))
    lengths = np.array([len(each) for each in tokens], dtype=np.int64)
    arrays = {
        "tokens": np.concatenate([*tokens, np.zeros(0, np.uint32)]),
        "learnt": np.concatenate([*learnt, np.zeros(0, bool)]),
        "ends": np.cumsum(lengths),
    }
    answers = arrays["tokens"][arrays["learnt"]]
    counts = {
        "records": len(kept),
        "cut": cut,
        "too_long": too_long,
        "answer_tokens": len(answers),
        "answer_bytes": int(tokenizer.byte_lengths[answers].sum()),
        "longest": int(lengths.max(initial=0)),
    }
    return kept, arrays, counts


def shuffled(records: Sequence[T], seed: int = 0) -> list[T]:
    """The same in another order, which files that are sorted by something do not settle."""
    return [records[index] for index in np.random.default_rng(seed).permutation(len(records))]


def report_text(report: dict[str, Any]) -> list[str]:
    """What there is to say of the records, in sentences."""
    counts = report["counts"]
    found = [
        *report["said"],
        _("{train:,} records to learn from, {held_out:,} held out.").format(
            train=counts["train"], held_out=counts["val"]
        ),
    ]
    if number := counts["duplicates"]:
        found.append(_("{number:,} were there more than once, and are taken once.").format(number=number))
    if number := counts["train_cut"] + counts["val_cut"]:
        found.append(_("{number:,} are longer than the model sees: their ends are left out.").format(number=number))
    if number := counts["train_too_long"] + counts["val_too_long"]:
        found.append(_("{number:,} are too long to be cut so that their answer stays: left out.").format(number=number))
    if number := counts["problems"]:
        found.append(
            _("{number:,} cannot be used. The first: {first}.").format(number=number, first=report["problems"][0])
        )
    return found
