"""Watch a job in the terminal until it ends; Ctrl-C stops it cleanly, or leaves it alone."""

from __future__ import annotations

import contextlib
from argparse import Namespace
from typing import Any

from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.model.store import ModelInfo
from ..core.options import format_duration, format_size
from ..core.tasks.all import scores_text
from ..trainer.checkpoints import list_steps
from ..trainer.health import worries
from ..trainer.history import DAMAGE, History
from ..trainer.jobs import LIVE, Job, kind_word, state_word
from ..trainer.plan import Plan, expected_text
from .main import DONE, INTERRUPTED
from .output import ProgressLine, bar, print_json, say, time_left

SAMPLE_LENGTH = 220  # characters of a sample that are shown on the way


def finish(job: Job, from_now: bool = False) -> int:
    """Watch a job that this command has started: Ctrl-C stops it. Raises UserError with its sentence when it fails.

    What cannot be gone on with leaves nothing behind, the job's own folder included.
    """
    view = _View(job)
    if from_now:
        view.skip()
    stopping = False
    while True:
        try:
            view.run()
            break
        except KeyboardInterrupt:
            if stopping:
                view.line.above(_("Left in the background. Watch it: newleaf job watch {name}").format(name=job.name))
                return INTERRUPTED
            stopping = True
            view.line.above(_("Stopping, with everything kept ... Ctrl-C again leaves it in the background."))
            with contextlib.suppress(UserError):  # it has just ended
                job.stop()
    status = job.status()
    if status["state"] in ("stopped", "failed") and not status.get("fault") and not job.has_work:
        job.remove()
    return _end(job, status)


def say_detached(job: Job, as_json: bool = False) -> None:
    """How to watch a job that was left in the background; or what `job show --json` says of it."""
    if as_json:
        print_json(job.summary())
    else:
        say(_("Started in the background. Watch it: newleaf job watch {name}").format(name=job.name))


def finish_model(job: Job, parsed: Namespace, next_step: str) -> int:
    """See to a job that makes a model, as `--detach` and `--json` say; `next_step` is the sentence at its end."""
    if parsed.detach:
        say_detached(job, parsed.json)
        return DONE
    code = finish(job)
    if not code and parsed.json:
        print_json(ModelInfo.open(job.target).summary())
    elif not code:
        say(next_step)
    return code


def next_command(command: str, name: str) -> str:
    """The sentence that proposes a command for the model of this name."""
    return _("Next: newleaf {command} {name}").format(command=command, name=name)


def watch(job: Job) -> int:
    """Watch a job that somebody else has started: Ctrl-C leaves it alone."""
    view = _View(job)
    try:
        view.run()
    except KeyboardInterrupt:
        view.line.above(_("It goes on in the background. Stop it: newleaf job stop {name}").format(name=job.name))
        return INTERRUPTED
    return _end(job, job.status())


def _end(job: Job, status: dict[str, Any]) -> int:
    if status["state"] in ("failed", "lost"):
        raise UserError(status["error"])
    if status["state"] == "stopped":
        if job.path.exists():
            say(stopped_text(job))
        else:
            say(_("Stopped; nothing was made."))
        return INTERRUPTED
    return DONE


def stopped_text(job: Job) -> str:
    """That it was stopped, with what it goes on from."""
    words, steps = _("Stopped. Go on with: newleaf job resume {name}"), list_steps(job.path / "checkpoints")
    if steps:
        words = _("Stopped at step {step:,}. Go on with: newleaf job resume {name}")
    return words.format(step=steps[0] if steps else 0, name=job.name)


class _View:
    """What is on the terminal of a job that runs; goes on where it was when it is run again."""

    def __init__(self, job: Job):
        self.job = job
        self.line = ProgressLine()
        self.offset = 0
        self.history = History()
        self.warned = ""

    def _warn(self) -> None:
        """Say how it does, where that is new and not what one hopes for."""
        found = [text for text in worries(self.history) if text != self.warned]
        if found:
            self.warned = found[0]
            self.line.above(found[0])

    def skip(self) -> None:
        """Leave out what has happened so far."""
        events, self.offset = self.job.events()
        self.history.feed(events)

    def run(self) -> None:
        """Until the job ends."""
        try:
            for events, offset, status in self.job.follow(self.offset):
                for event in events:
                    self._tell(event)
                self.offset = offset
                if status["state"] in LIVE:
                    self.line.show(progress_text(self.job, status))
        finally:
            self.line.clear()

    def _tell(self, event: dict[str, Any]) -> None:
        self.history.feed([event])
        with contextlib.suppress(*DAMAGE):
            if text := _event_text(event):
                self.line.above(text)
                if event["kind"] == "eval":
                    self._warn()


def _event_text(event: dict[str, Any]) -> str:
    """An event in words, if it has any to be said; a damaged one raises what DAMAGE holds."""
    kind = event["kind"]
    if kind == "message":
        return str(event["text"])
    if kind == "plan":
        return plan_text(Plan.from_dict(event))
    if kind == "eval" and not event.get("final"):
        return _evaluation_text(event)
    if kind == "sample":
        text = " ".join((event["prompt"] + event["text"]).split())
        return f"    {text}" if len(text) <= SAMPLE_LENGTH else f"    {text[:SAMPLE_LENGTH].rstrip()} ..."
    if kind == "resume":
        return _("Going on from step {step:,}.").format(step=event["step"])
    return ""


def _evaluation_text(event: dict[str, Any]) -> str:
    if "scores" not in event:
        return _("step {step:,}: {bits:.3f} bits per byte of held-out text").format(
            step=event["step"], bits=event["bits_per_byte"]
        )
    text = _("step {step:,}: {bits:.3f} bits per byte of held-out answers").format(
        step=event["step"], bits=event["bits_per_byte"]
    )
    return ", ".join([text, *scores_text(event["scores"])])


def progress_text(job: Job, status: dict[str, Any]) -> str:
    """The line of a job that runs."""
    parts = [f"{kind_word(job.kind)} {job.target}"]
    if status["state"] != "running":
        parts.append(state_word(status["state"]))
    if "loss" in status:
        parts += [
            bar(status["progress"], 10),
            status["message"],
            _("loss {loss:.3f}").format(loss=status["loss"]),
        ]
        if status.get("bits_per_byte") is not None:
            parts.append(_("{bits:.3f} bits per byte").format(bits=status["bits_per_byte"]))
        parts.append(_("{rate:,.0f} tokens/s").format(rate=status["tokens_per_second"]))
        if status.get("mfu"):
            parts.append(_("{share:.0%} of the peak").format(share=status["mfu"]))
    else:
        parts += [bar(status["progress"]) if status["progress"] else "", status.get("message", "")]
        if status.get("bytes_per_second"):
            parts.append(_("{size}/s").format(size=format_size(status["bytes_per_second"])))
    parts.append(time_left(status.get("eta_s")))
    return "  ".join(filter(None, parts))


def plan_text(plan: Plan) -> str:
    """A plan, in some lines."""
    shape = plan.model_config
    return "\n".join(
        [
            _(
                "Plan: {size}, {parameters:,} parameters ({layers} layers x {width}), context {context}, {optimizer}, "
                "{dtype} on {device}."
            ).format(
                size=plan.size,
                parameters=plan.parameters,
                layers=shape.num_layers,
                width=shape.hidden_size,
                context=plan.context,
                optimizer=plan.optimizer,
                dtype=plan.dtype,
                device=plan.device,
            ),
            _(
                "About {steps:,} steps of {tokens:,} tokens, {passes:.1f} passes over the text, {rate:,.0f} tokens/s, "
                "{time}; {memory} of memory."
            ).format(
                steps=plan.expected_steps,
                tokens=plan.batch_tokens,
                passes=plan.passes,
                rate=plan.expected_tokens_per_second,
                time=format_duration(plan.expected_seconds),
                memory=format_size(plan.memory_bytes),
            ),
            *expected_text(plan),
        ]
    )
