"""Whether a job can be gone on with, and how: from where it was, from an earlier checkpoint, or beyond its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core import store
from ..core.errors import UserError
from ..core.files import write_json
from ..core.language import N_
from ..core.language import gettext as _
from ..core.options import OptionsBase, option, parse_duration
from .checkpoints import checkpoint_path, is_whole, list_steps, newest_whole, remove_newer, step_of
from .finetune_options import FineTuneOptions
from .jobs import RESUMABLE, Job, start, state_word
from .options import TrainOptions

MORE = "more.json"  # how much longer a training shall be: {"time": seconds} or {"steps": number}


@dataclass(frozen=True)
class ResumeOptions(OptionsBase):
    """How a training goes on, where not as it was."""

    time: str | None = option(None, N_("Train so much longer, as +30m."), metavar="+TIME")
    steps: str | None = option(None, N_("Train so many steps more, as +500."), metavar="+STEPS")
    gpus: str | None = option(None, N_("Go on with so many GPUs, or processes; all takes each."), metavar="N")
    nodes: int | None = option(
        None, N_("Go on with so many machines; resume it on each."), minimum=1, maximum=1_000, metavar="N"
    )
    rendezvous: str | None = option(None, N_("Where the machines meet."), metavar="HOST:PORT")

    def where(self) -> dict[str, Any]:
        """On what it goes on, as far as it is said."""
        values = {name: getattr(self, name) for name in ("gpus", "nodes", "rendezvous")}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Prospect:
    """What a resumed job would begin with, or why there is none."""

    step: int | None = None  # of the newest checkpoint that is whole; None: from the beginning
    damaged: tuple[str, ...] = ()  # newer checkpoints that are not whole
    obstacle: str | None = None  # a sentence


def prospect(job: Job) -> Prospect:
    """Look at all that a resumed job needs; reads its checkpoints whole."""
    state = job.state
    if state not in (*RESUMABLE, "finished"):
        return Prospect(
            obstacle=_("Job {name} cannot be resumed: it is {state}.").format(name=job.name, state=state_word(state))
        )
    for kind, key in (("corpora", "corpus"), ("tokenizers", "tokenizer")):
        if job.trains and (name := job.spec["inputs"].get(key)) and name not in store.names(kind):
            return Prospect(
                obstacle=_("Job {name} cannot be resumed: {path} is gone.").format(name=job.name, path=f"{kind}/{name}")
            )
    path, damaged = newest_whole(job.path / "checkpoints")
    names = tuple(each.name for each in damaged)
    if path is None and damaged:
        return Prospect(
            damaged=names,
            obstacle=_(
                "Job {name} cannot be resumed: no checkpoint is whole ({names}). Remove it, and train again: "
                "newleaf job remove {name}"
            ).format(name=job.name, names=", ".join(names)),
        )
    if path is None and state == "finished":
        return Prospect(
            obstacle=_("Job {name} is finished, and has kept no checkpoint to go on from.").format(name=job.name)
        )
    return Prospect(None if path is None else step_of(path), names)


def prospect_text(found: Prospect) -> str:
    """A prospect in words."""
    if found.obstacle:
        return found.obstacle
    if found.step is None:
        return _("from the beginning: there is no checkpoint yet")
    text = _("from step {step:,}, whose checkpoint is whole").format(step=found.step)
    return text if not found.damaged else text + _("; damaged: {names}").format(names=", ".join(found.damaged))


def resume(
    job: Job,
    time: str | None = None,
    steps: str | None = None,
    origin: str | None = None,
    where: Mapping[str, Any] | None = None,
) -> None:
    """Start the process of a job again.

    A training goes on from its newest checkpoint, or from `origin`: "best" or a step of which there is a checkpoint;
    later ones are removed. With a `time` such as "+30m", or `steps` such as "+500", it trains so much longer; a
    finished one needs either. `where` says on what it goes on, if not on the same: gpus, nodes, rendezvous. Raises
    UserError.
    """
    found = prospect(job)
    if found.obstacle:
        raise UserError(found.obstacle)
    more = _more(job, time, steps)
    if job.state == "finished" and not more:
        message = _("Job {name} is finished. To train longer: newleaf job resume {name} --time +30m")
        raise UserError(message.format(name=job.name))
    kind = FineTuneOptions if job.kind == "finetune" else TrainOptions
    options = kind.from_mapping({**job.spec["options"], **where}) if where else None
    if origin is not None:  # nothing is removed before all is known to be right
        remove_newer(job.path / "checkpoints", step_named(job, origin))
    if more:
        write_json(job.path / MORE, more)
    if options:
        write_json(job.path / "job.json", {**job.spec, "options": options.as_dict()})
    start(Job(job.path))


def _more(job: Job, time: str | None, steps: str | None) -> dict[str, float]:
    if time is None and steps is None:
        return {}
    if not job.trains:
        raise UserError(_("Only a training can be prolonged."))
    if time is not None and steps is not None:
        raise UserError(_("--time and --steps exclude each other: give one."))
    if not job.has_checkpoint:
        raise UserError(_("Job {name} has no checkpoint yet: resume it without --time.").format(name=job.name))
    text = (time or steps or "").strip()
    try:
        value = parse_duration(text[1:]) if time else int(text[1:])
        if not text.startswith("+") or value <= 0:
            raise ValueError(text)
    except ValueError:
        expected = "--time +30m" if time else "--steps +500"
        raise UserError(
            _("{text} is not how much longer to train. Write: {expected}").format(text=text, expected=expected)
        ) from None
    return {"time": value} if time else {"steps": value}


def step_named(job: Job, origin: str, read: bool = True) -> int:
    """The step of the checkpoint that `origin` means: a step, "best" or "newest".

    Raises UserError where there is none, or it is damaged, which only who reads it whole can tell.
    """
    folder = job.path / "checkpoints"
    steps = list_steps(folder)
    wanted: int | None = None
    if origin == "best":
        wanted = job.status().get("best_step")
    elif origin == "newest":
        wanted = steps[0] if steps else None
    elif origin.isdecimal():
        wanted = int(origin)
    if wanted not in steps or (read and not is_whole(checkpoint_path(folder, wanted))):
        raise UserError(
            _("There is no whole checkpoint of {origin}. There are: {steps}.").format(
                origin=origin, steps=", ".join(f"{step:,}" for step in steps) or _("none")
            )
        )
    return wanted
