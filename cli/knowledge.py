"""`newleaf knowledge`: documents to search and to ask."""

from __future__ import annotations

import sys
import textwrap
from argparse import Namespace
from dataclasses import asdict

from ..core import store
from ..core.knowledge.options import KnowledgeOptions
from ..core.knowledge.passages import place_parts
from ..core.knowledge.searching import Found, is_answered
from ..core.knowledge.store import Knowledge, list_knowledge
from ..core.language import gettext as _
from ..core.language import sentences
from ..core.options import format_size
from .arguments import ArgumentParser, WrongUsageError, count, given
from .main import DONE, INTERRUPTED
from .output import ProgressLine, confirm, harmless, print_fields, print_json, print_table, say, when

TOLD = 20  # files that were left out or dropped are told one by one


def configure(parser: ArgumentParser) -> None:
    """Its commands."""
    parser.description = _("Documents that are searched for the answers to questions.")
    add = parser.commands()
    command = add("add", _("add files, or bring those up to date that were added before"), _add)
    command.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help=_("a file, a folder to search, a pattern such as 'books/**/*.epub', - for standard input, or hf:NAME"),
    )
    command.add_argument(
        "--name", required=True, metavar="NAME", help=_("the knowledge base; it is made where there is none")
    )
    command.add_options(KnowledgeOptions)
    command.add_json()
    command = add("list", _("all knowledge bases"), _list)
    command.add_json()
    command = add("show", _("which documents are in a knowledge base"), _show)
    command.add_argument("name", metavar="NAME")
    command.add_json()
    command = add("search", _("the passages that may answer a question"), _search)
    command.add_argument("name", metavar="NAME")
    command.add_argument("question", metavar="QUESTION")
    command.add_argument("-n", type=count, default=5, metavar="N", help=_("how many passages. Default: 5."))
    command.add_json()
    command = add("remove", _("delete a knowledge base; the files that it was made of stay"), _remove)
    command.add_argument("name", metavar="NAME")
    command.add_yes()


def _add(parsed: Namespace) -> int:
    from ..core.knowledge.adding import Added, add_to_named

    options = given(KnowledgeOptions, parsed)
    if "-" in parsed.paths and (sys.stdin is None or sys.stdin.isatty()):
        raise WrongUsageError(_("Standard input is the keyboard: pipe text into the command, or name a file."))
    line = ProgressLine()

    def progress(done: float, total: float, message: str = "", **metrics: float) -> None:
        if rate := metrics.get("bytes_per_second"):
            message = "  ".join((message, _("{size}/s").format(size=format_size(rate))))
        if rate := metrics.get("passages_per_second"):
            message = "  ".join((message, _("{rate:,.0f} passages/s").format(rate=rate)))
        line.progress(done, total, message)

    report: Added | None = None
    try:
        report = add_to_named(parsed.paths, parsed.name, options.include, options.exclude, progress, options.embeddings)
    except KeyboardInterrupt:
        line.clear()
        if parsed.name not in store.names("knowledge"):
            say(_("Stopped; nothing was made."))
            return INTERRUPTED
        say(_("Stopped; the files that were done are kept. Run it again to go on."))
    finally:
        line.clear()
    summary = Knowledge.open(parsed.name).summary()
    if report:
        _tell(report.dropped, _("{name} is gone, and was taken out."))
        _tell([f"{name}: {reason}" for name, reason in report.left_out], _("{name}; left out."))
        say(
            _("{added:,} added, {changed:,} changed, {unchanged:,} unchanged, {dropped:,} taken out.").format(
                added=len(report.added),
                changed=len(report.changed),
                unchanged=report.unchanged,
                dropped=len(report.dropped),
            )
        )
    say(
        _("Knowledge base {name}: {documents:,} documents, {passages:,} passages, {size}.").format(
            name=summary["name"],
            documents=summary["documents"],
            passages=summary["passages"],
            size=format_size(summary["bytes"]),
        )
    )
    if report and parsed.json:
        print_json({**summary, "report": asdict(report)})
    return DONE if report else INTERRUPTED


def _tell(names: list[str], sentence: str) -> None:
    for name in names[:TOLD]:
        say(sentence.format(name=name))
    if len(names) > TOLD:
        say(_("So were {number:,} more.").format(number=len(names) - TOLD))


def _list(parsed: Namespace) -> None:
    bases = [knowledge.summary() for knowledge in list_knowledge()]
    if parsed.json:
        print_json(bases)
    elif not bases:
        say(sentences(_("There is no knowledge base yet."), store.missing_advice("knowledge")))
    else:
        print_table(
            [_("name"), _("documents"), _("passages"), _("size"), _("brought up to date")],
            [
                [
                    base["name"],
                    f"{base['documents']:,}",
                    f"{base['passages']:,}",
                    format_size(base["bytes"]),
                    when(base["updated"]),
                ]
                for base in bases
            ],
        )


def _show(parsed: Namespace) -> None:
    knowledge = Knowledge.open(parsed.name)
    summary, documents = knowledge.summary(), knowledge.documents()
    if parsed.json:
        print_json({**summary, "files": documents})
        return
    shown = [
        (_("name"), knowledge.name),
        (_("path"), str(knowledge.path)),
        (_("made"), when(summary["created"])),
        (_("brought up to date"), when(summary["updated"])),
        (_("passages"), f"{summary['passages']:,}"),
        (_("embeddings"), harmless(summary["embeddings"] or _("none"), sys.stdout)),
        (_("on disk"), format_size(summary["disk_bytes"])),
    ]
    print_fields(shown + [(_("from"), harmless(path, sys.stdout)) for path in summary["paths"]])
    print()
    print_table(
        [_("document"), _("size"), _("pages"), _("passages")],
        [
            [
                harmless(document["name"], sys.stdout),
                format_size(document["bytes"]),
                f"{document['pages']:,}" if document["pages"] else "",
                f"{document['passages']:,}",
            ]
            for document in documents
        ],
    )


def _search(parsed: Namespace) -> None:
    found = Knowledge.open(parsed.name).search(parsed.question, parsed.n)
    if parsed.json:
        print_json([{**asdict(one.passage), **_figures(one)} for one in found])
        return
    if not found:
        say(_("No passage has a word of the question."))
    elif not is_answered(found):
        say(_("No passage has much of the question: the answer may not be in the documents."))
    for one in found:
        print(harmless(f"{one.rank}. {_where(one)}", sys.stdout))
        print(harmless(textwrap.indent(one.passage.text, "   "), sys.stdout))
        print()


def _figures(found: Found) -> dict[str, float]:
    return {"rank": found.rank, "score": found.score, "relevance": found.relevance}


def _where(found: Found) -> str:
    passage = found.passage
    parts = place_parts(passage.source, passage.page, passage.heading)
    return "  ".join([*parts, _("relevance {share:.0%}").format(share=found.relevance)])


def _remove(parsed: Namespace) -> None:
    knowledge = Knowledge.open(parsed.name)
    disk = format_size(knowledge.summary()["disk_bytes"])
    if confirm(_("Delete knowledge base {name} ({size})?").format(name=knowledge.name, size=disk), parsed.yes):
        knowledge.remove()
        say(_("Deleted."))
