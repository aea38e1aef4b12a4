"""`newleaf tokenizer`: how text is cut into pieces."""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from ..core import store
from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.language import sentences
from ..core.tokenizer.options import TokenizerOptions
from ..core.tokenizer.store import TokenizerInfo, list_tokenizers
from ..core.tokenizer.telling import comparison_sections, sections
from ..trainer.in_use import check_unused
from ..trainer.work import tokenizing
from .arguments import ArgumentParser, WrongUsageError, count, given
from .follow import finish
from .output import confirm, harmless, piped, print_fields, print_json, print_sections, print_table, say, when


def configure(parser: ArgumentParser) -> None:
    """Its commands."""
    parser.description = _("How text is cut into pieces.")
    add = parser.commands()
    command = add("train", _("learn from a corpus which pieces are common"), _train)
    command.add_argument("corpus", metavar="CORPUS")
    command.add_argument("--name", required=True, metavar="NAME", help=_("what the tokenizer will be called"))
    command.add_options(TokenizerOptions)
    command.add_json()
    command = add("list", _("all tokenizers"), _list)
    command.add_json()
    command = add("show", _("what a tokenizer is"), _show)
    command.add_argument("name", metavar="NAME")
    command.add_json()
    command = add("encode", _("show the pieces of a text"), _encode)
    command.add_argument("name", metavar="NAME")
    command.add_argument("text", nargs="?", metavar="TEXT", help=_("the text; without it, standard input"))
    command.add_json()
    command = add("search", _("find the pieces that contain a text"), _search)
    command.add_argument("name", metavar="NAME")
    command.add_argument("text", metavar="TEXT")
    command.add_argument("--limit", type=count, default=50, metavar="N", help=_("how many to show. Default: 50."))
    command.add_json()
    command = add("compare", _("how two tokenizers cut the same text"), _compare)
    command.add_argument("first", metavar="A")
    command.add_argument("second", metavar="B")
    command.add_argument("file", nargs="?", metavar="FILE", help=_("a text file; without it, standard input"))
    command.add_argument("--corpus", metavar="CORPUS", help=_("the held-out text of this corpus instead"))
    command.add_json()
    command = add("import", _("take a tokenizer from elsewhere"), _import)
    command.add_argument(
        "path",
        metavar="PATH",
        help=_(
            "tokenizer.model (SentencePiece), tokenizer.json (Hugging Face), a folder with one of them or with GPT-2's "
            "vocab.json and merges.txt, or a model's name"
        ),
    )
    command.add_argument("--name", required=True, metavar="NAME", help=_("what the tokenizer will be called"))
    command.add_argument("--corpus", metavar="CORPUS", help=_("measure it on the held-out text of this corpus"))
    command.add_json()
    command = add("remove", _("delete a tokenizer; models keep a copy of theirs"), _remove)
    command.add_argument("name", metavar="NAME")
    command.add_yes()


def _train(parsed: Namespace) -> int:
    code = finish(tokenizing.submit(parsed.corpus, parsed.name, given(TokenizerOptions, parsed)))
    if not code and parsed.json:
        print_json(TokenizerInfo.open(parsed.name).summary())
    elif not code:
        say(
            _("Next: newleaf train {corpus} --tokenizer {name} --name NAME --time 5m").format(
                corpus=parsed.corpus, name=parsed.name
            )
        )
    return code


def _list(parsed: Namespace) -> None:
    tokenizers = [info.summary() for info in list_tokenizers()]
    if parsed.json:
        print_json(tokenizers)
    elif not tokenizers:
        say(sentences(_("There is no tokenizer yet."), store.missing_advice("tokenizers")))
    else:
        print_table(
            [_("name"), _("corpus"), _("type"), _("pieces"), _("bytes a piece"), _("made")],
            [
                [
                    entry["name"],
                    entry["corpus"] or _place(entry),
                    entry["type"],
                    f"{entry['vocab_size']:,}",
                    f"{entry['bytes_per_token']:.2f}",
                    when(entry["created"]),
                ]
                for entry in tokenizers
            ],
        )


def _show(parsed: Namespace) -> None:
    summary = TokenizerInfo.open(parsed.name).summary()
    if parsed.json:
        print_json(summary)
        return
    fields = [
        (_("name"), summary["name"]),
        (_("path"), summary["path"]),
        (_("made"), when(summary["created"])),
        (_("from"), summary["origin"]) if summary.get("origin") else (_("corpus"), summary["corpus"]),
        (_("type"), summary["type"]),
    ]
    print_fields([(name, harmless(str(value), sys.stdout)) for name, value in fields])
    print_sections(sections(summary, _visible))


def _place(entry: dict[str, Any]) -> str:
    return Path(entry.get("origin", "")).name


def _visible(text: str) -> str:
    return harmless(text.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r"), sys.stdout)


def _search(parsed: Namespace) -> None:
    from ..core.tokenizer.search import find_pieces
    from ..core.tokenizer.tokenizer import Tokenizer

    found = find_pieces(Tokenizer.open(parsed.name), parsed.text, parsed.limit)
    if parsed.json:
        print_json([{"id": piece.id, "text": piece.text, "bytes": piece.bytes.hex()} for piece in found])
    elif not found:
        say(_("No piece of {name} contains {text!r}.").format(name=parsed.name, text=parsed.text))
    else:
        rows = [[f"{piece.id}", repr(_visible(piece.text)), piece.bytes.hex(" ")] for piece in found]
        print_table([_("number"), _("piece"), _("bytes")], rows)


def _compare(parsed: Namespace) -> None:
    from ..core.tokenizer.comparison import compare
    from ..core.tokenizer.tokenizer import Tokenizer

    first, second = ((name, Tokenizer.open(name)) for name in (parsed.first, parsed.second))
    found = compare(first, second, _texts(parsed))
    if parsed.json:
        print_json(found.as_dict())
    else:
        measured_on = "val" if parsed.corpus else ""
        print_sections(comparison_sections({**found.as_dict(), "measured_on": measured_on}, _visible))


def _texts(parsed: Namespace) -> list[str]:
    if parsed.corpus and parsed.file:
        raise WrongUsageError(_("Give a file or --corpus, not both."))
    if parsed.corpus:
        from ..core.corpus.store import Corpus
        from ..core.tokenizer.report import held_out_text

        return held_out_text(Corpus.open(parsed.corpus))[0]
    if parsed.file:
        path = Path(parsed.file).expanduser()
        if not path.is_file():
            raise UserError(_("There is no file {path}.").format(path=parsed.file))
        text = path.read_bytes().decode("utf-8", "replace")
    else:
        text = piped("")
    if not text:
        raise WrongUsageError(_("Which text? Name a file, or --corpus CORPUS, or pipe some in."))
    return re.split(r"(?<=\n\n)(?=[^\n])", text)


def _import(parsed: Namespace) -> None:
    from ..core.corpus.store import Corpus
    from ..core.tokenizer.importing import import_tokenizer

    import_tokenizer(parsed.path, parsed.name, Corpus.open(parsed.corpus) if parsed.corpus else None)
    summary = TokenizerInfo.open(parsed.name).summary()
    if parsed.json:
        print_json(summary)
        return
    say(
        _("Tokenizer {name}: {pieces:,} pieces; a piece stands for {bytes:.2f} bytes of text.").format(
            name=parsed.name, pieces=summary["vocab_size"], bytes=summary["bytes_per_token"]
        )
    )
    for remark in summary["remarks"]:
        say(remark)
    say(
        _("Next: newleaf train {corpus} --tokenizer {name} --name NAME --time 5m").format(
            corpus=parsed.corpus or "CORPUS", name=parsed.name
        )
    )


def _encode(parsed: Namespace) -> None:
    from ..core.tokenizer.tokenizer import Tokenizer

    tokenizer = Tokenizer.open(parsed.name)
    text = sys.stdin.read() if parsed.text is None else parsed.text
    pieces = tokenizer.pieces(text)
    if parsed.json:
        print_json({"text": text, "tokens": [piece.id for piece in pieces], "pieces": [piece.text for piece in pieces]})
        return
    print("|".join(piece.text.replace("\n", "\\n").replace("\t", "\\t") for piece in pieces))
    print(" ".join(str(piece.id) for piece in pieces))
    say(
        _("{pieces:,} pieces, {bytes:,} bytes: {rate:.2f} bytes a piece").format(
            pieces=len(pieces), bytes=len(text.encode()), rate=len(text.encode()) / max(1, len(pieces))
        )
    )


def _remove(parsed: Namespace) -> None:
    info = TokenizerInfo.open(parsed.name)
    check_unused("tokenizers", info.name)
    if confirm(_("Delete tokenizer {name}?").format(name=info.name), parsed.yes):
        store.remove("tokenizers", info.name)
        say(_("Deleted."))
