"""`newleaf corpus`: text to learn from."""

from __future__ import annotations

import sys
from argparse import Namespace

from ..core import store
from ..core.corpus.importing import ImportOptions
from ..core.corpus.store import Corpus, list_corpora
from ..core.language import gettext as _
from ..core.options import format_size
from ..trainer.work import importing
from .arguments import ArgumentParser, WrongUsageError, given
from .follow import finish
from .output import confirm, harmless, print_fields, print_json, print_table, say, when


def configure(parser: ArgumentParser) -> None:
    """Its commands."""
    parser.description = _("Text to learn from.")
    add = parser.commands()
    command = add("add", _("import .txt and .md files, or whole folders of them"), _add)
    command.add_argument("paths", nargs="*", metavar="PATH", help=_("a file, or a folder to search"))
    command.add_argument("--name", required=True, metavar="NAME", help=_("what the corpus will be called"))
    command.add_argument(
        "--sample", action="store_true", help=_("take the documentation inside Python instead of files")
    )
    command.add_options(ImportOptions)
    command.add_json()
    command = add("list", _("all corpora"), _list)
    command.add_json()
    command = add("show", _("what is in a corpus, and how its import went"), _show)
    command.add_argument("name", metavar="NAME")
    command.add_json()
    command = add("remove", _("delete a corpus; the files that it came from stay"), _remove)
    command.add_argument("name", metavar="NAME")
    command.add_yes()


def _add(parsed: Namespace) -> int:
    options = given(ImportOptions, parsed)
    if parsed.sample == bool(parsed.paths):
        raise WrongUsageError(_("Say which files to import, or --sample."))
    job = (
        importing.submit_sample(parsed.name) if parsed.sample else importing.submit(parsed.paths, parsed.name, options)
    )
    code = finish(job)
    if not code and parsed.json:
        print_json(Corpus.open(parsed.name).summary())
    elif not code:
        say(_("Next: newleaf tokenizer train {corpus} --name NAME").format(corpus=parsed.name))
    return code


def _list(parsed: Namespace) -> None:
    corpora = [corpus.summary() for corpus in list_corpora()]
    if parsed.json:
        print_json(corpora)
    elif not corpora:
        say(_("There is no corpus yet.") + " " + store.missing_advice("corpora"))
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
    train, held_out = corpus.manifest.train, corpus.manifest.val
    print_fields(
        [
            (_("name"), corpus.name),
            (_("path"), str(corpus.path)),
            (_("made"), when(summary["created"])),
            (_("to train on"), _amount(train.documents, train.bytes)),
            (_("held out"), _amount(held_out.documents, held_out.bytes)),
            (_("characters"), f"{summary['characters']:,}"),
            (_("sources"), f"{report['sources']:,}"),
            (_("encodings"), ", ".join(report["encodings"]) or "-"),
            (_("duplicates dropped"), f"{report['duplicates']:,}"),
            (_("on disk"), format_size(summary["disk_bytes"])),
        ]
    )
    for skipped in report["skipped"]:
        print(_("Left out {source}: {reason}.").format(**skipped))
    if report["samples"]:
        print("\n" + harmless(report["samples"][0], sys.stdout))


def _amount(documents: int, size_bytes: int) -> str:
    return _("{documents:,} documents, {size}").format(documents=documents, size=format_size(size_bytes))


def _remove(parsed: Namespace) -> None:
    corpus = Corpus.open(parsed.name)
    disk = format_size(corpus.summary()["disk_bytes"])
    if confirm(_("Delete corpus {name} ({size})?").format(name=corpus.name, size=disk), parsed.yes):
        store.remove("corpora", corpus.name)
        say(_("Deleted."))
