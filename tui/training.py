"""The tab for training: all trainings, and the one that is marked, as it learns."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ..core import store
from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import format_duration
from ..core.tasks.all import TASKS, scores_text
from ..trainer.checkpoint_models import PREFIX
from ..trainer.health import health
from ..trainer.history import History
from ..trainer.jobs import LIVE, RESUMABLE, TRAININGS, Job, job_word, place_text
from ..trainer.outcome import outcome
from ..trainer.queue import device_of, move, waiting
from .charts_screen import ChartsScreen
from .chat_words import newest
from .compare_screen import CompareScreen
from .drafts import draft_values
from .finetune_dialog import FineTuneDialog
from .following import Following
from .job_actions import JobActions, has_checkpoint, is_possible_in
from .jobs_screen import SIGNS
from .kept import place_of
from .keyed import keyed
from .link import link_to
from .model_dialogs import ModelImportDialog
from .resume_dialog import ResumeDialog, checkpoints_of
from .run_charts import Run, RunCharts
from .training_dialog import TrainingDialog
from .view import View
from .widgets.bar import bar
from .widgets.devices import DevicePanel

if TYPE_CHECKING:
    from textual.dom import DOMNode

SLIM = 72  # cells, below which the list gets fewer of them
BESIDE = 130  # cells, from which on numbers and devices stand beside each other


class TrainingView(JobActions, View):
    """All trainings at the left; charts, numbers and the newest sample of the marked one at the right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "train", N_("Train"), id="training.train"),
        Binding("f", "finetune", N_("Fine-tune"), id="training.finetune"),
        Binding("p", "pause", N_("Pause"), id="training.pause"),
        Binding("p", "unpause", show=False, id="training.unpause"),
        Binding("s", "stop", N_("Stop"), id="training.stop"),
        Binding("r", "resume", N_("Resume"), id="training.resume"),
        Binding("left_square_bracket", "earlier", N_("Earlier"), id="training.earlier", key_display="["),
        Binding("right_square_bracket", "later", N_("Later"), id="training.later", key_display="]"),
        Binding("m", "more", N_("Longer"), id="training.more"),
        Binding("b", "back", N_("Go back"), id="training.back"),
        Binding("k", "keep", N_("Keep"), id="training.keep"),
        Binding("c", "charts", N_("Charts"), id="training.charts"),
        Binding("v", "compare", N_("Compare"), id="training.compare"),
        Binding("space", "lay_over", N_("Lay over"), id="training.lay_over", key_display="Space"),
        Binding("l", "log", N_("Log"), id="training.log"),
        Binding("d", "remove", N_("Delete"), id="training.remove"),
    ]
    CARRIED = ("_laid_over",)
    DEFAULT_CSS = """
    TrainingView #state { height: auto; layout: vertical; }
    TrainingView #numbers { height: auto; max-height: 8; }
    TrainingView.-beside #state { layout: horizontal; }
    TrainingView.-beside #numbers { width: 1fr; }
    TrainingView.-beside DevicePanel { width: 1fr; margin-left: 2; }
    TrainingView #sample { height: 1fr; }
    TrainingView RunCharts { height: 4fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.heading = _("Training")
        self.tab = "training"
        self._known: list[tuple[str, str]] = []
        self._words: dict[str, str] = {}  # of their states
        self._following: Following | None = None
        self._followed = -math.inf  # when it was looked at what is new of it
        self._targets: dict[str, str] = {}
        self._laid_over: list[str] = []  # jobs whose charts are drawn with those of the marked one

    def compose(self) -> ComposeResult:
        with Horizontal(classes="columns"):
            with Vertical(classes="side"):
                yield Static(_("Trainings"), classes="title", markup=False)
                yield OptionList(id="trainings", markup=False)
            with Vertical(classes="main"):
                with Container(id="state"):
                    yield Static("", id="numbers", markup=False)
                    yield DevicePanel()
                yield RunCharts()
                with VerticalScroll(id="sample", classes="reading"):
                    yield Static("", id="sample-text", markup=False)

    def on_resize(self, event: events.Resize) -> None:
        """The devices beside the numbers where there is room, else below them."""
        self.set_class(event.size.width >= BESIDE, "-beside")
        self.set_class(event.size.width < SLIM, "-slim")

    def take_focus(self) -> None:
        self.focus_on("#trainings")
        self._show()

    def take_up(self, carried: dict[str, Any]) -> None:
        super().take_up(carried)
        self._list(self.marked())

    def jobs_changed(self, jobs: list[dict[str, Any]]) -> None:
        mine = [job for job in jobs if job["kind"] in TRAININGS]
        known = [(job["name"], job["state"]) for job in mine]
        words = {job["name"]: job_word(job) for job in mine}
        if known != self._known or words != self._words:
            names = [name for name, _state in known]
            new = set(names) - {name for name, _state in self._known}
            marked = next(iter(new)) if len(new) == 1 else self.marked()
            self._known, self._words = known, words
            self._targets = {job["name"]: job["target"] for job in mine}
            self._laid_over = [name for name in self._laid_over if name in names]
            self._list(marked)
        if self.newleaf.tab == self.tab:  # what nobody sees waits
            self._show()

    def _list(self, marked: str | None) -> None:
        entries = self.query_one("#trainings", OptionList)
        names, before = [name for name, _state in self._known], entries.highlighted
        entries.clear_options()
        entries.add_options(Option(Content(self._line(name, state))) for name, state in self._known)
        entries.highlighted = place_of(marked, names, before)
        self.refresh_bindings()

    def _line(self, name: str, state: str) -> str:
        over = "+" if name in self._laid_over else ""
        return f"{over}{SIGNS[state]} {self._targets[name]}  {self._words[name]}"

    def is_possible(self, action: str) -> bool:
        state = dict(self._known).get(self.marked() or "")
        if action in ("earlier", "later"):
            return state == "queued" and sum(state == "queued" for _name, state in self._known) > 1
        if action == "more":
            return state in (*RESUMABLE, "finished")
        if action == "back":
            return state in RESUMABLE and has_checkpoint(self.marked() or "")
        if action == "keep":
            return state is not None and has_checkpoint(self.marked() or "")
        if action == "lay_over":
            return len(self._known) > 1
        if action == "compare":
            return len(self._chosen()) > 1
        return is_possible_in(action, state) and (action != "charts" or state is not None)

    def marked(self) -> str | None:
        """The name of the job that is marked."""
        index = self.query_one("#trainings", OptionList).highlighted
        return self._known[index][0] if index is not None and index < len(self._known) else None

    @on(OptionList.OptionHighlighted, "#trainings")
    def _show(self) -> None:
        name = self.marked()
        self.query_one(RunCharts).display = name is not None
        if name is None:
            self._following = None
            self.query_one(DevicePanel).show(None)
            self._write(nothing_yet(self, self.runs("import") or self.runs("tokenizer")), "")
            return
        if self._following is None or name != self._following.name:
            self.refresh_bindings()
            self._following, self._followed = Following(name), -math.inf
            self._draw()
        elif self.query_one(RunCharts).look.growing and not self._grows():
            self._draw()
        self._tell()
        now, runs = time.monotonic(), self._grows()
        if not runs or now - self._followed >= link_to(self.app).follow:
            self._followed = now
            self._follow()

    @work(exit_on_error=False, group="follow")
    async def _follow(self) -> None:
        """Draw what has happened since the last look."""
        following = self._following
        if following is None:
            return
        async for _some in following.catch_up():
            if following is not self._following:
                return
            self._draw()
            self._tell()

    def _grows(self) -> bool:
        return self._following is not None and dict(self._known).get(self._following.name) in LIVE

    def _draw(self) -> None:
        if self._following:
            self.query_one(RunCharts).show([Run(self._following.name, self._following.history)], self._grows())

    def _tell(self) -> None:
        following = self._following
        job = next((job for job in self.newleaf.jobs if following and job["name"] == following.name), None)
        if following and job:
            self.query_one(DevicePanel).show(job.get("machine") if job["state"] in LIVE else None)
            self._write(numbers_text(self, job, following.history), sample_text(job, following.history))

    def _write(self, numbers: str, sample: str) -> None:
        for id_, text in (("#numbers", numbers), ("#sample-text", sample)):
            shown = self.query_one(id_, Static)
            if shown.content != text:  # a layout draws the whole screen anew: only where the height may differ
                width = max(1, shown.size.width)
                before, after = (len(Content(part).wrap(width)) for part in (str(shown.content), text))
                shown.update(text, layout=before != after)

    @work(exit_on_error=False)
    async def action_train(self) -> None:
        """Ask what to train, and start it."""
        corpora = store.names("corpora")
        if not corpora:
            self.newleaf.say(keyed(self, _("There is no corpus yet: press  1  and add text first.")))
            return
        draft = draft_values(self.newleaf.draft, "training")
        dialog = TrainingDialog(corpora, store.names("tokenizers"), store.names("models"), draft)
        await self.app.push_screen_wait(dialog)

    @work(exit_on_error=False)
    async def action_finetune(self) -> None:
        """Ask what to teach a model, and start it."""
        models = store.names("models")
        if not models:
            self.newleaf.say(keyed(self, _("There is no model yet: press  n  and train one first.")))
            return
        made = next((job["target"] for job in self.newleaf.jobs if job["name"] == self.marked()), "")
        proposed = made if made in models else newest(models)
        draft = draft_values(self.newleaf.draft, "finetuning")
        await self.app.push_screen_wait(FineTuneDialog(models, draft, proposed))

    @work(exit_on_error=False)
    async def action_more(self) -> None:
        """Train longer than was planned, or with other GPUs or machines."""
        if name := self.marked():
            await self._go_on(name, more="+10m" if Job.open(name).has_checkpoint else "")

    @work(exit_on_error=False)
    async def action_back(self) -> None:
        """Go on from an earlier checkpoint; what came after it is done anew."""
        if name := self.marked():
            await self._go_on(name, origin="best" if "best" in checkpoints_of(name) else "")

    async def _go_on(self, name: str, more: str = "", origin: str = "") -> None:
        await self.app.push_screen_wait(ResumeDialog(name, more, origin))

    @work(exit_on_error=False)
    async def action_keep(self) -> None:
        """Make a checkpoint a model of its own, beside the best one."""
        if name := self.marked():
            steps = checkpoints_of(name)
            hint = _("A checkpoint becomes a model of its own. There are: {steps}.").format(steps=", ".join(steps))
            await self.app.push_screen_wait(ModelImportDialog(f"{PREFIX}{name}@{steps[0]}", hint))

    def action_earlier(self) -> None:
        """Let the marked training, which waits, start before the one before it."""
        self._move(-1)

    def action_later(self) -> None:
        """Let the one behind it start first."""
        self._move(1)

    def _move(self, by: int) -> None:
        def act(job: Job) -> None:
            names = [other.name for other in waiting(device_of(job))]
            if job.name in names:
                line = move(job, names.index(job.name) + 1 + by)
                self.newleaf.say(_("In line: {names}").format(names=", ".join(each.target for each in line)))

        self.with_marked(act)

    def action_charts(self) -> None:
        """A whole screen of charts: of the marked training, and of those that are laid over it."""
        if names := self._chosen():
            self.app.push_screen(ChartsScreen({each: self._targets[each] for each in names}))

    def action_compare(self) -> None:
        """Results and settings of the marked training beside those of the ones that are laid over it."""
        self.app.push_screen(CompareScreen({each: self._targets[each] for each in self._chosen()}))

    def _chosen(self) -> list[str]:
        """The marked training, and those that Space has chosen."""
        name = self.marked()
        return [name, *(other for other in self._laid_over if other != name)] if name else []

    def action_lay_over(self) -> None:
        """Draw the charts of the marked training over those of others; or no longer."""
        if name := self.marked():
            if name in self._laid_over:
                self._laid_over.remove(name)
            else:
                self._laid_over.append(name)
            self._list(name)


def nothing_yet(node: DOMNode, at_work: bool = False) -> str:
    """What a person reads who has trained nothing: what is missing, and the key for it unless that is `at_work`."""
    by_hand = keyed(node, _("Press  n  to train a model."))
    if not store.names("corpora"):
        first = _("A model learns from a corpus, and there is none yet.")
        now = keyed(node, _("Press  t  to take sample text."), "first.text")
        by_hand = keyed(node, _("Press  1  and add text first."))
    elif not store.names("tokenizers"):
        first = _("A model reads with a tokenizer, and there is none yet.")
        now = keyed(node, _("Press  t  to train a tokenizer now, as is usual."), "first.tokenizer")
        by_hand = keyed(node, _("Press  n  to train both."))
    else:
        first = _("Say how long you have, and newleaf plans the rest: size, batch, rates, steps.")
        sentence = _("Press  t  to train for 5 minutes, without a question.")
        now = "" if store.names("models") else keyed(node, sentence, "first.model")
    return "\n".join([first, "", *filter(None, ["" if at_work else now, by_hand])])


def numbers_text(node: DOMNode, job: dict[str, Any], found: History) -> str:
    """Where a training is, in words."""
    over, live = job["state"] == "finished", job["state"] in LIVE
    first = [
        job_word(job),
        "" if over else f"{bar(job['progress'], 20)} {job['progress']:.0%}",
        place_text(job),
    ]
    if job.get("eta_s") is not None and live:
        first.append(_("{time} left").format(time=format_duration(job["eta_s"])))
    second = []
    if "loss" in job:
        second.append(_("loss {loss:.3f}").format(loss=job["loss"]))
    if found.best is not None:
        of_answers = job["kind"] == "finetune"
        words = _("held-out answers {bits:.3f} bits per byte") if of_answers else _("held out {bits:.3f} bits per byte")
        second.append(words.format(bits=found.best))
    second += scores_text({name: value for name, value in job.get("scores", {}).items() if name in TASKS})
    if "tokens_per_second" in job and live:
        second.append(_("{rate:,.0f} tokens/s").format(rate=job["tokens_per_second"]))
    if job.get("mfu") and live:
        second.append(_("{share:.0%} of the peak").format(share=job["mfu"]))
    lines = ["  ".join(filter(None, first)), "  ".join(second)]
    lines += [*outcome(found), *health(found)[:1]]
    if "error" in job:
        lines.append(job["error"])
    elif job["state"] in RESUMABLE:
        sentence = _("Press  p  to go on from here.") if job.get("paused") else _("Press  r  to go on from here.")
        lines.append(keyed(node, sentence, "training.unpause"))
    elif over:
        lines.append(keyed(node, _("Next: press  4  and let it write, or  m  to train it longer.")))
    return "\n".join(filter(None, lines))


def sample_text(job: dict[str, Any], found: History) -> str:
    """What it writes by now; before that, what was said."""
    if found.samples:
        step, text = found.samples[-1]
        return _("At step {step:,} it writes:").format(step=step) + "\n" + text.strip()
    return "\n".join(found.messages[-3:])
