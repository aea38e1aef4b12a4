"""`newleaf tokenizer`: how text is cut into pieces."""

from __future__ import annotations

import sys
from argparse import Namespace

from ..core import store
from ..core.language import gettext as _
from ..core.tokenizer.options import TokenizerOptions
from ..core.tokenizer.store import TokenizerInfo, list_tokenizers
from ..trainer.work import tokenizing
from .arguments import ArgumentParser, given
from .follow import finish
from .output import confirm, print_fields, print_json, print_table, say, when


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
        say(_("There is no tokenizer yet.") + " " + store.missing_advice("tokenizers"))
    else:
        print_table(
            [_("name"), _("corpus"), _("type"), _("pieces"), _("bytes a piece"), _("made")],
            [
                [
                    entry["name"],
                    entry["corpus"],
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
    print_fields(
        [
            (_("name"), summary["name"]),
            (_("path"), summary["path"]),
            (_("made"), when(summary["created"])),
            (_("corpus"), summary["corpus"]),
            (_("type"), summary["type"]),
            (_("pieces"), f"{summary['vocab_size']:,}"),
            (_("bytes a piece"), f"{summary['bytes_per_token']:.2f}"),
            (_("characters a piece"), f"{summary['characters_per_token']:.2f}"),
            (_("spelled in bytes"), f"{summary['spelled_in_bytes']:.2%}"),
        ]
    )
    for remark in summary["remarks"]:
        print(remark)


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
    if confirm(_("Delete tokenizer {name}?").format(name=info.name), parsed.yes):
        store.remove("tokenizers", info.name)
        say(_("Deleted."))
