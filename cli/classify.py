"""`newleaf classify`: under which label a text belongs."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.model.loading import LoadOptions
from ..core.model.store import ModelInfo
from .arguments import ArgumentParser, WrongUsageError, given
from .main import DONE, INTERRUPTED
from .output import ProgressLine, print_json, print_table, say
from .performing import add_text, opened, perform, text_of

SHOWN = 10  # labels of a text
PROBLEMS = 5  # rows that cannot be read


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Say under which label a text belongs, with the probability of each; or label all rows of a table. A model "
        "that was not taught the labels judges by their names."
    )
    parser.add_argument("model", metavar="MODEL")
    add_text(parser)
    parser.add_argument("--labels", metavar="A,B", help=_("the labels; those that the model learnt without it"))
    parser.add_argument("--input", metavar="FILE", help=_("a table with a text in each row: csv, tsv, jsonl, parquet"))
    parser.add_argument("--out", metavar="FILE", help=_("with --input: where to write the labelled rows, csv or jsonl"))
    parser.add_argument("--column", metavar="NAME", help=_("with --input: the column with the texts; found without it"))
    parser.add_options(LoadOptions)
    parser.add_json()
    parser.set_defaults(run=_classify)


def _classify(parsed: Namespace) -> int:
    labels = [label.strip() for label in (parsed.labels or "").split(",") if label.strip()]
    ModelInfo.open(parsed.model)
    if parsed.input:
        return _file(parsed, labels)
    if parsed.out or parsed.column:
        raise WrongUsageError(_("--out and --column go with --input."))
    text = text_of(parsed, _("There is nothing to classify: give a text."))
    writing, _values = opened(parsed)
    try:
        done = perform(writing, "classify", {"text": text, "labels": labels}, {}, show=False)
    except KeyboardInterrupt:
        return INTERRUPTED
    if parsed.json:
        print_json({"model": parsed.model, "text": text, **done})
        return DONE
    rows = [[label, f"{share:.1%}"] for label, share in list(done["probabilities"].items())[:SHOWN]]
    print_table([_("label"), _("probability")], rows)
    return DONE


def _file(parsed: Namespace, names: list[str]) -> int:
    if not parsed.out:
        raise WrongUsageError(_("Say where to write the labelled rows: --out FILE"))
    source, target = Path(parsed.input), Path(parsed.out)
    if not source.is_file():
        raise UserError(_("There is no file {path}.").format(path=source))
    from ..core.generation.generate import Writer
    from ..core.model.weights import weight_files
    from ..core.tasks.labelling import label_file
    from ..core.tasks.performing import Performer
    from ..core.tasks.sorting import labels_for, zero_shot_notice

    load = given(LoadOptions, parsed)
    performer = Performer.of(parsed.model, Writer.open(parsed.model, load), {})
    labels = labels_for(performer, names)
    if not labels.taught:
        say(zero_shot_notice(performer))
    changed = max(file.stat().st_mtime for file in weight_files(ModelInfo.open(parsed.model).path))
    identity = {"model": parsed.model, "weights": changed, "labels": list(labels.names)}
    line = ProgressLine()

    try:
        found = label_file(labels, identity, source, target, parsed.column, line.progress)
    except KeyboardInterrupt:
        line.clear()
        say(_("What is labelled so far is kept: the same command goes on with it."))
        return INTERRUPTED
    line.clear()
    if parsed.json:
        counted = {"rows": found.rows, "before": found.before, "column": found.column, "labels": found.counts}
        print_json({"model": parsed.model, "out": str(target), **counted, "left_out": found.left_out})
        return DONE
    for where, reason in found.left_out[:PROBLEMS]:
        say(_("{path}, {where}: {reason}; left out.").format(path=source, where=where, reason=reason))
    if len(found.left_out) > PROBLEMS:
        say(_("{number} more rows are left out.").format(number=len(found.left_out) - PROBLEMS))
    ordered = sorted(found.counts.items(), key=lambda pair: -pair[1])
    print_table([_("label"), _("rows")], [[label or "-", f"{number:,}"] for label, number in ordered])
    say(_("{rows:,} rows are labelled in {path}.").format(rows=found.rows, path=target))
    return DONE
