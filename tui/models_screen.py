"""All models: what each is and how good, and what can be done with it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType

from ..core import store
from ..core.errors import UserError
from ..core.files import read_object
from ..core.language import N_, labelled
from ..core.language import gettext as _
from ..core.model.store import ModelInfo
from ..core.options import format_size
from ..core.scores.report import Evaluation
from ..core.sections import Section
from ..core.store import DAMAGED
from ..core.tasks.all import taught_text
from ..trainer.in_use import check_unused
from ..trainer.jobs import LIVE, Job, job_word, kind_word, share_text
from ..trainer.renaming import rename_model
from .kept import Entry, damaged_text, entries
from .kept_screen import KeptScreen
from .keyed import keyed
from .model_dialogs import EvaluateDialog, ExportDialog, ModelImportDialog, ServeDialog
from .tokenizer_words import sections_text
from .widgets.dialogs import Question

if TYPE_CHECKING:
    from textual.dom import DOMNode


class ModelsScreen(KeptScreen):
    """A line for each model; below, where it came from, its scores, and the last evaluation."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "evaluate", N_("Measure"), id="models.evaluate"),
        Binding("i", "import", N_("Import"), id="models.import"),
        Binding("x", "export", N_("Export"), id="models.export"),
        Binding("s", "serve", N_("Serve"), id="models.serve"),
        Binding("r", "rename", N_("Rename"), id="models.rename"),
        Binding("d", "remove", N_("Delete"), id="models.remove"),
        Binding("f10", "dismiss", N_("Close"), show=False, id="models.close"),
    ]

    def heading(self) -> str:
        return _("Models")

    def look(self) -> list[Entry]:
        return entries("models", _describe)

    def about(self, name: str | None) -> Text:
        if name is None:
            return Text(
                keyed(self, _("There is no model yet. Train one on the training tab, or press  i  to import one."))
            )
        return model_text(self, name, self.newleaf.jobs)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's question."""
        if action in ("evaluate", "export", "rename", "remove", "serve"):
            return bool(self._known)
        return True

    def action_import(self) -> None:
        """Take a model from elsewhere."""
        self.app.push_screen(ModelImportDialog())

    def action_evaluate(self) -> None:
        """Measure the marked model."""
        if name := self.marked():
            self.app.push_screen(EvaluateDialog(name, _corpora_for(name)))

    def action_export(self) -> None:
        """Write the marked model as a file."""
        if name := self.marked():
            self.app.push_screen(ExportDialog(name))

    def action_serve(self) -> None:
        """Show the command that serves it."""
        self.app.push_screen(ServeDialog(self.marked(), store.names("models")))

    @work(exit_on_error=False)
    async def action_rename(self) -> None:
        """Ask for another name."""
        if not (name := self.marked()):
            return
        new = await self.app.push_screen_wait(Question(_("What shall model {name} be called?").format(name=name), name))
        if new and new != name:
            try:
                rename_model(name, new)
            except UserError as error:
                self.newleaf.say(str(error), error=True)
                return
            self.refresh_list(new)

    @work(exit_on_error=False)
    async def action_remove(self) -> None:
        """Delete the marked model."""
        name = self.marked()
        if name:
            check_unused("models", name)
        if name and await self.newleaf.confirm(_("Delete model {name} ({size})?").format(name=name, size=_size(name))):
            store.remove("models", name)
            self.refresh_list()


def _describe(name: str) -> tuple[float, str]:
    info = ModelInfo.open(name)
    bits = info.bits_per_byte
    words = [_("{parameters:,} parameters").format(parameters=info.config.parameters)]
    words += [] if bits is None else [_("{bits:.3f} bits per byte").format(bits=bits)]
    return float(info.provenance.get("created", 0.0)), "  ".join([*words, *taught_text(info.taught)])


def _size(name: str) -> str:
    try:
        return format_size(ModelInfo.open(name).summary()["disk_bytes"])
    except DAMAGED:
        return "?"


def _corpora_for(name: str) -> list[str]:
    """All corpora, the one that the model learnt from first."""
    try:
        learnt = ModelInfo.open(name).provenance.get("corpus")
    except DAMAGED:
        learnt = None
    return sorted(store.names("corpora"), key=lambda corpus: corpus != learnt)


def model_text(node: DOMNode, name: str, jobs: list[dict[str, Any]]) -> Text:
    """A model with all that is known of it, and what is being done with it."""
    try:
        summary = ModelInfo.open(name).summary()
        found = [Section(name, fields=_fields(summary)), *_evaluation(name)]
    except DAMAGED:
        return Text(damaged_text(node, name))
    at_work = [
        labelled(kind_word(job["kind"]), f"{job_word(job)} {share_text(job)} {job.get('message', '')}".rstrip())
        for job in jobs
        if job["target"] == name and job["state"] in LIVE
    ]
    found[0].lines += at_work
    return sections_text(found)


def _fields(summary: dict[str, Any]) -> list[tuple[str, str]]:
    fields = [
        (_("architecture"), summary["architecture"]),
        (_("parameters"), f"{summary['parameters']:,}"),
        (_("context"), _("{number:,} tokens").format(number=summary["context"])),
        (_("vocabulary"), f"{summary['vocab_size']:,}"),
        (_("bits per byte"), "" if summary["bits_per_byte"] is None else f"{summary['bits_per_byte']:.4f}"),
        (_("taught"), "; ".join(taught_text(summary["tasks"]))),
        (_("from"), str(summary.get("source", summary.get("from", "")))),
        (_("corpus"), str(summary.get("corpus", ""))),
        (_("tokenizer"), str(summary.get("tokenizer", ""))),
        (_("job"), str(summary.get("job", ""))),
        (_("on disk"), format_size(summary["disk_bytes"])),
        (_("path"), summary["path"]),
    ]
    if "created" in summary:
        made = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary["created"]))
        fields.append((_("made"), made))
    return [(label, value) for label, value in fields if value]


def _evaluation(name: str) -> list[Section]:
    """What the last evaluation found, if there was one."""
    try:
        found = read_object(Job.open(f"evaluate-{name}").path / "evaluation.json", "verdict")
        if "evaluation" in found:
            return Evaluation.from_dict(found["evaluation"]).sections()
    except DAMAGED:
        return []
    return [Section(_("Last evaluation"), lines=[str(found["verdict"])])]
