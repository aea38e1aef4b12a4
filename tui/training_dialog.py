"""The dialog that plans and starts a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Select, Static

from ..core.command_line import command_line
from ..core.errors import UserError
from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import format_duration, format_size
from ..trainer.options import OldCorpusOptions, TrainOptions
from ..trainer.plan import Plan, changed_text, expected_text
from ..trainer.planner import ask_plan
from ..trainer.work import training
from .command_dialog import tell_command
from .drafts import draft_text, draft_values
from .kept import free_name
from .keyed import KeyButton
from .widgets.dialogs import FormDialog
from .widgets.form import Form

CHOICES = ("corpus", "tokenizer", "origin")  # by their names: of the form's own options there are others


@dataclass(frozen=True)
class ChosenOptions(OldCorpusOptions, TrainOptions):
    """All that a person can choose in the form."""

    def training(self) -> TrainOptions:
        """Those of the training itself."""
        return TrainOptions.from_mapping(self.as_dict())


class TrainingDialog(FormDialog[str]):
    """Asks what to train; the name of the job when one was started, else nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss('')", N_("Cancel"), id="training_dialog.cancel"),
        Binding("ctrl+s", "start", N_("Start"), id="training_dialog.start", key_display="^s", priority=True),
        Binding("ctrl+l", "plan", N_("Plan"), id="training_dialog.plan", key_display="^l", priority=True),
        Binding("ctrl+y", "copy", N_("Copy the command"), id="training_dialog.copy", key_display="^y", priority=True),
    ]
    DEFAULT_CSS = """
    TrainingDialog .plan { height: auto; max-height: 10; }
    TrainingDialog #command { height: auto; max-height: 3; color: $accent; }
    """

    def __init__(self, corpora: list[str], tokenizers: list[str], models: list[str], start: dict[str, Any]):
        super().__init__()
        self.corpora, self.tokenizers, self.models, self.start = corpora, tokenizers, models, start
        self._proposed_name = "" if draft_text(start, "name") else free_name("models", self._proposed_corpus())
        self._planned: object = None  # of what the plan is that is shown, or being made

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(_("Train a model"), classes="title", markup=False)
            with Horizontal(classes="row"):
                yield Label(_("corpus"), markup=False)
                yield Select(
                    [(Content(name), name) for name in self.corpora],
                    value=self._proposed_corpus(),
                    allow_blank=False,
                    compact=True,
                    id="corpus",
                )
            with Horizontal(classes="row"):
                yield Label(_("tokenizer"), markup=False)
                yield Select(
                    [(Content(name), name) for name in self.tokenizers],
                    value=self._kept_choice("tokenizer", self.tokenizers),
                    prompt=_("the newest of this corpus, or a new one"),
                    compact=True,
                    id="tokenizer",
                )
            if self.models:
                with Horizontal(classes="row"):
                    yield Label(_("start from"), markup=False)
                    yield Select(
                        [(Content(name), name) for name in self.models],
                        value=self._kept_choice("origin", self.models),
                        prompt=_("nothing: a new model"),
                        compact=True,
                        id="origin",
                    )
            with Horizontal(classes="row"):
                yield Label(_("name"), markup=False)
                yield Input(
                    draft_text(self.start, "name") or self._proposed_name,
                    placeholder=_("what the model will be called"),
                    compact=True,
                    id="name",
                )
            usual = {} if "options" in self.start else {"time": "5m"}  # who has emptied the field wants it empty
            yield Form(ChosenOptions, {**usual, **draft_values(self.start, "options")})
            yield Static("", classes="plan", markup=False)
            yield Static("", id="command", markup=False)
            yield Static("", classes="problem", markup=False)
            with Horizontal(classes="buttons"):
                yield KeyButton(_("Start"), "start", id="start", variant="primary")
                yield KeyButton(_("Plan"), "plan", id="plan")
                yield KeyButton(_("Copy"), "copy", id="copy")
                yield KeyButton(_("Cancel"), "dismiss('')", id="cancel")

    def on_mount(self) -> None:
        """The name is what a person gives first: it stands there marked, to be typed over."""
        for entry in self.query(Input):
            entry.cursor_blink = False
        self.query_one("#name").focus()
        self._show_command()

    @on(Select.Changed, "#corpus")
    def _propose_name(self, event: Select.Changed) -> None:
        """After the corpus, as long as no other was typed."""
        name = self.query_one("#name", Input)
        if self._proposed_name and name.value == self._proposed_name:
            self._proposed_name = name.value = free_name("models", str(event.value))

    @on(Input.Changed)
    @on(Select.Changed)
    def _show_command(self) -> None:
        tell_command(self, self.command)
        if self._planned is not None and self._planned != self._for_plan():  # the plan is of something else
            self._planned = None
            self.workers.cancel_group(self, "plan")
            self.query_one(".plan", Static).update("")

    def command(self) -> str:
        """The command that does the same. Raises UserError."""
        corpus, tokenizer, options, origin = self._chosen()
        words = ["newleaf", "train", corpus, "--name", self.query_one("#name", Input).value.strip() or "NAME"]
        words += ["--tokenizer", tokenizer] if tokenizer else []
        words += ["--from", origin] if origin else []
        return command_line(words, options)

    def action_copy(self) -> None:
        """Copy the command."""
        try:
            cast("Any", self.app).copy(self.command())
        except UserError as error:
            self.query_one(".problem", Static).update(str(error))

    def _proposed_corpus(self) -> str:
        corpus = draft_text(self.start, "corpus")
        return corpus if corpus in self.corpora else self.corpora[-1]

    def _kept_choice(self, key: str, choices: list[str]) -> Any:
        kept = draft_text(self.start, key)
        return kept if kept in choices else Select.NULL

    def draft(self) -> dict[str, Any]:
        """What was typed and chosen."""
        name = self.query_one("#name", Input).value
        chosen = {str(select.id): select.value for select in self.query(Select) if select.id in CHOICES}
        return {
            "training": {
                # one has no value while it is being made, and where nothing is chosen
                **{key: value if isinstance(value, str) else None for key, value in chosen.items()},
                "name": "" if name == self._proposed_name else name,
                "options": self.query_one(Form).texts(),
            }
        }

    def _for_plan(self) -> object:
        return [choice.value for choice in self.query(Select)], self.query_one(Form).texts()

    def _chosen(self) -> tuple[str, str | None, ChosenOptions, str | None]:
        tokenizer = self.query_one("#tokenizer", Select).value
        origin = self.query_one("#origin", Select).value if self.models else Select.NULL
        return (
            str(self.query_one("#corpus", Select).value),
            None if tokenizer is Select.NULL else str(tokenizer),
            self.query_one(Form).make(),
            None if origin is Select.NULL else str(origin),
        )

    @work(exclusive=True, group="plan", exit_on_error=False)
    async def action_plan(self) -> None:
        """Say what would be done."""
        problem = self.query_one(".problem", Static)
        plan = self.query_one(".plan", Static)
        try:
            self._planned = self._for_plan()
            corpus, tokenizer, options, origin = self._chosen()
            how, name = options.training(), self.query_one("#name", Input).value.strip() or None
            problem.update("")
            plan.update(_("Measuring this machine ..."))
            found = await ask_plan(corpus, tokenizer, how, origin, options.old_corpus, name)
            plan.update("\n".join([plan_text(found), *changed_text(how, found)]))
        except UserError as error:
            plan.update("")
            problem.update(str(error))

    def action_start(self) -> None:
        """Start the job, or say what is wrong."""
        try:
            corpus, tokenizer, options, origin = self._chosen()
            name, how = self.query_one("#name", Input).value, options.training()
            job = training.submit(corpus, name, how, tokenizer, origin, options.old_corpus)
        except UserError as error:
            self.query_one(".problem", Static).update(str(error))
            return
        self.query_one("#name", Input).value = ""  # the next model has another
        for select in self.query("#origin").results(Select):
            select.clear()
        self.dismiss(job.name)


def plan_text(plan: Plan) -> str:
    """A plan in words."""
    shape = plan.model_config
    return "\n".join(
        [
            _("{size}: {parameters:,} parameters, {layers} layers x {width}, context {context}").format(
                size=plan.size,
                parameters=plan.parameters,
                layers=shape.num_layers,
                width=shape.hidden_size,
                context=plan.context,
            ),
            _("about {steps:,} steps of {tokens:,} tokens: {passes:.1f} passes over the text").format(
                steps=plan.expected_steps, tokens=plan.batch_tokens, passes=plan.passes
            ),
            _("{rate:,.0f} tokens/s with {dtype} on {device}: {time}; {memory} of memory").format(
                rate=plan.expected_tokens_per_second,
                dtype=plan.dtype,
                device=plan.device,
                time=format_duration(plan.expected_seconds),
                memory=format_size(plan.memory_bytes),
            ),
            *expected_text(plan),
        ]
    )
