"""`newleaf corpus`: text to learn from."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from typing import TextIO

from ..core import store
from ..core.corpus.before_after import preview_import
from ..core.corpus.importing import ImportOptions, MergeOptions
from ..core.corpus.store import Corpus, list_corpora
from ..core.corpus.telling import sections
from ..core.language import gettext as _
from ..core.language import sentences
from ..core.options import format_size
from ..trainer.in_use import check_unused
from ..trainer.jobs import Job
from ..trainer.work import importing
from .arguments import ArgumentParser, WrongUsageError, given, given_values
from .follow import finish
from .output import confirm, harmless, print_fields, print_json, print_sections, print_table, say, when
from .side_by_side import preview_lines


def configure(parser: ArgumentParser) -> None:
    """Its commands."""
    parser.description = _("Text to learn from.")
    add = parser.commands()
    command = add("add", _("import files, folders, archives or data sets of many kinds"), _add)
    _add_paths(command)
    _add_name(command)
    command.add_argument(
        "--sample", action="store_true", help=_("take the documentation inside Python instead of files")
    )
    command.add_options(ImportOptions)
    command.add_json()
    command = add("preview", _("show what an import would find and change, and write nothing"), _preview)
    _add_paths(command)
    command.add_options(ImportOptions)
    command.add_json()
    command = add("extend", _("add to a corpus what is new in files"), _extend)
    command.add_argument("name", metavar="NAME")
    _add_paths(command)
    command.add_options(ImportOptions)
    command.add_json()
    command = add("merge", _("make one corpus of several, without duplicates"), _merge)
    command.add_argument("corpora", nargs="+", metavar="CORPUS")
    _add_name(command)
    command.add_options(MergeOptions)
    command.add_json()
    command = add("clean", _("clean a corpus again, with other steps or another split"), _clean)
    command.add_argument("corpus", metavar="CORPUS")
    _add_name(command)
    command.add_options(MergeOptions)
    command.add_json()
    command = add("list", _("all corpora"), _list)
    command.add_json()
    command = add("show", _("what is in a corpus, and how its import went"), _show)
    command.add_argument("name", metavar="NAME")
    command.add_json()
    command = add("remove", _("delete a corpus; the files that it came from stay"), _remove)
    command.add_argument("name", metavar="NAME")
    command.add_yes()


def _add_paths(command: ArgumentParser) -> None:
    command.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help=_("a file, a folder to search, a pattern such as 'books/**/*.epub', - for standard input, or hf:NAME"),
    )


def _add_name(command: ArgumentParser) -> None:
    command.add_argument("--name", required=True, metavar="NAME", help=_("what the corpus will be called"))


def _add(parsed: Namespace) -> int:
    options = given(ImportOptions, parsed)
    if parsed.sample == bool(parsed.paths):
        raise WrongUsageError(_("Say which files to import, or --sample."))
    if parsed.sample:
        return _finish(importing.submit_sample(parsed.name), parsed.name, parsed.json)
    return _finish(importing.submit(parsed.paths, parsed.name, options, _input(parsed)), parsed.name, parsed.json)


def _extend(parsed: Namespace) -> int:
    if not parsed.paths:
        raise WrongUsageError(_("Say which files to add."))
    # As the corpus was made, where nothing else is said.
    before = Corpus.open(parsed.name).report["options"]
    kept = {name: before[name] for name in importing.KEPT if name in before}
    options = ImportOptions.from_mapping({**kept, **given_values(ImportOptions, parsed)})
    job = importing.submit_extension(parsed.paths, parsed.name, options, _input(parsed))
    return _finish(job, parsed.name, parsed.json)


def _merge(parsed: Namespace) -> int:
    return _finish(
        importing.submit_merge(parsed.corpora, parsed.name, given(MergeOptions, parsed)), parsed.name, parsed.json
    )


def _clean(parsed: Namespace) -> int:
    job = importing.submit_merge([parsed.corpus], parsed.name, given(MergeOptions, parsed))
    return _finish(job, parsed.name, parsed.json)


def _input(parsed: Namespace) -> TextIO | None:
    if "-" not in parsed.paths:
        return None
    if sys.stdin is None or sys.stdin.isatty():
        raise WrongUsageError(_("Standard input is the keyboard: pipe text into the command, or name a file."))
    return sys.stdin


def _finish(job: Job, name: str, as_json: bool) -> int:
    code = finish(job)
    if not code and as_json:
        print_json(Corpus.open(name).summary())
    elif not code:
        say(_("Next: newleaf tokenizer train {corpus} --name NAME").format(corpus=name))
    return code


def _preview(parsed: Namespace) -> None:
    if not parsed.paths:
        raise WrongUsageError(_("Say which files to look into."))
    found = preview_import(parsed.paths, given(ImportOptions, parsed))
    if parsed.json:
        print_json(found)
        return
    for source in found["sources"]:
        problem = f"  {source['error']}" if "error" in source else ""
        details = "  ".join(filter(None, [format_size(source["bytes"]), source.get("encoding"), source.get("column")]))
        print(harmless(f"{source['source']}  {details}{problem}", sys.stdout))
    for line in preview_lines(found, shutil.get_terminal_size().columns):
        print(harmless(line, sys.stdout))


def _list(parsed: Namespace) -> None:
    corpora = [corpus.summary() for corpus in list_corpora()]
    if parsed.json:
        print_json(corpora)
    elif not corpora:
        say(sentences(_("There is no corpus yet."), store.missing_advice("corpora")))
    else:
        print_table(
            [_("name"), _("documents"), _("text"), _("held out"), _("made")],
            [
                [
                    corpus["name"],
                    f"{corpus['documents']:,}",
                    format_size(corpus["bytes"]),
                    format_size(corpus["held_out"]["bytes"]),
                    when(corpus["created"]),
                ]
                for corpus in corpora
            ],
        )


def _show(parsed: Namespace) -> None:
    corpus = Corpus.open(parsed.name)
    summary, report = corpus.summary(), corpus.report
    if parsed.json:
        print_json({**summary, "report": report})
        return
    print_fields(
        [
            (_("name"), corpus.name),
            (_("path"), str(corpus.path)),
            (_("made"), when(summary["created"])),
            (_("on disk"), format_size(summary["disk_bytes"])),
        ]
    )
    print_sections(sections(corpus))


def _remove(parsed: Namespace) -> None:
    corpus = Corpus.open(parsed.name)
    check_unused("corpora", corpus.name)
    disk = format_size(corpus.summary()["disk_bytes"])
    if confirm(_("Delete corpus {name} ({size})?").format(name=corpus.name, size=disk), parsed.yes):
        store.remove("corpora", corpus.name)
        say(_("Deleted."))
