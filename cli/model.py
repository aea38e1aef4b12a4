"""`newleaf model`: what was trained."""

from __future__ import annotations

from argparse import Namespace

from ..core import store
from ..core.language import gettext as _
from ..core.model.store import ModelInfo, list_models
from ..core.options import format_size
from .arguments import ArgumentParser
from .output import confirm, print_fields, print_json, print_table, say, when


def configure(parser: ArgumentParser) -> None:
    """Its commands."""
    parser.description = _("What was trained. A model is a folder that Hugging Face's Transformers opens as it is.")
    add = parser.commands()
    command = add("list", _("all models"), _list)
    command.add_json()
    command = add("show", _("what a model is, and where it came from"), _show)
    command.add_argument("name", metavar="NAME")
    command.add_json()
    command = add("remove", _("delete a model"), _remove)
    command.add_argument("name", metavar="NAME")
    command.add_yes()


def _list(parsed: Namespace) -> None:
    models = [info.summary() for info in list_models()]
    if parsed.json:
        print_json(models)
    elif not models:
        say(_("There is no model yet.") + " " + store.missing_advice("models"))
    else:
        print_table(
            [_("name"), _("corpus"), _("parameters"), _("context"), _("bits per byte"), _("made")],
            [
                [
                    entry["name"],
                    entry.get("corpus", ""),
                    f"{entry['parameters']:,}",
                    f"{entry['context']:,}",
                    _score(entry["bits_per_byte"]),
                    when(entry["created"]) if "created" in entry else "",
                ]
                for entry in models
            ],
        )


def _score(bits: float | None) -> str:
    return "-" if bits is None else f"{bits:.4f}"


def _show(parsed: Namespace) -> None:
    summary = ModelInfo.open(parsed.name).summary()
    if parsed.json:
        print_json(summary)
        return
    shown = [
        (_("name"), summary["name"]),
        (_("path"), summary["path"]),
        (_("architecture"), summary["architecture"]),
        (_("parameters"), f"{summary['parameters']:,}"),
        (_("context"), _("{number:,} tokens").format(number=summary["context"])),
        (_("vocabulary"), f"{summary['vocab_size']:,}"),
        (_("bits per byte"), _score(summary["bits_per_byte"])),
        (_("on disk"), format_size(summary["disk_bytes"])),
    ]
    if "job" in summary:
        shown += [
            (_("corpus"), summary["corpus"]),
            (_("tokenizer"), summary["tokenizer"]),
            (_("job"), summary["job"]),
            (
                _("trained"),
                _("{steps:,} steps, {tokens:,} tokens").format(steps=summary["step"], tokens=summary["tokens"]),
            ),
            (_("made"), when(summary["created"])),
        ]
    print_fields(shown)


def _remove(parsed: Namespace) -> None:
    info = ModelInfo.open(parsed.name)
    disk = format_size(info.summary()["disk_bytes"])
    if confirm(_("Delete model {name} ({size})?").format(name=info.name, size=disk), parsed.yes):
        store.remove("models", info.name)
        say(_("Deleted."))
