"""Whether a job can be gone on with, and how: from where it was, from an earlier checkpoint, or beyond its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from time import time as clock
from typing import Any

from ..core import store
from ..core.corpus.store import Corpus
from ..core.errors import UserError
from ..core.files import read_object, write_json
from ..core.home import folder
from ..core.language import N_
from ..core.language import gettext as _
from ..core.model.store import ModelInfo
from ..core.options import OptionsBase, option, parse_duration
from ..core.sentences import join_sentences
from ..core.tokenizer.store import TokenizerInfo
from .checkpoints import checkpoint_path, is_whole, list_steps, newest_whole, remove_newer, step_of
from .finetune_options import FineTuneOptions
from .jobs import FOLDS, RESUMABLE, Job, start, state_word
from .options import MOST_STEPS, YEAR, TrainOptions
from .plan import More, Plan
from .queue import TURN

MORE = "more.json"  # how much longer a training shall be
NEEDED = [  # to go on: kinds of what there is, and what a job's inputs or options call it
    ("corpora", "corpus"),
    ("tokenizers", "tokenizer"),
    ("models", "from"),
    ("corpora", "old_corpus"),
    ("corpora", "mix"),
]
TEXT = "text.json"  # the fingerprints of the corpus and the tokenizer that a training began with


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
    fold: str | None = None  # which of a cross-validation's it is in, as 2/5
    damaged: tuple[str, ...] = ()  # newer checkpoints that are not whole
    obstacle: str | None = None  # a sentence


def prospect(job: Job) -> Prospect:
    """Look at all that a resumed job needs; reads its checkpoints whole."""
    state = job.state
    if state not in (*RESUMABLE, "finished"):
        return Prospect(
            obstacle=_("Job {name} cannot be resumed: it is {state}.").format(name=job.name, state=state_word(state))
        )
    for kind, name in _needed(job):
        if name not in store.names(kind):
            return Prospect(
                obstacle=_("Job {name} cannot be resumed: {path} is gone.").format(name=job.name, path=f"{kind}/{name}")
            )
    try:
        if job.trains:
            check_model(job)
        _plan_of(job)
        if (job.path / TEXT).exists():
            check_text(job, _fingerprints(job))
    except UserError as error:
        return Prospect(obstacle=str(error))
    path, damaged = newest_whole(job.path / "checkpoints")
    names = tuple(each.name for each in damaged)
    if path is None and damaged:
        why = _("Job {name} cannot be resumed: no checkpoint is whole ({names}).")
        why = why.format(name=job.name, names=", ".join(names))
        return Prospect(damaged=names, obstacle=join_sentences([why, _instead(job)]))
    if path is None and state == "finished":
        return Prospect(
            obstacle=_("Job {name} is finished, and has kept no checkpoint to go on from.").format(name=job.name)
        )
    if path is None and any(event.get("kind") == "checkpoint" for event in job.events()[0]):
        # from the beginning it would come to its own model's place with one that is worse
        why = _("Job {name} cannot be resumed: its checkpoints are gone.").format(name=job.name)
        return Prospect(obstacle=join_sentences([why, _instead(job)]))
    if path is None:
        return Prospect(fold=_fold(job))
    return Prospect(step_of(path), damaged=names)


def _instead(job: Job) -> str:
    """What to do with a job that cannot be resumed."""
    inputs = job.spec["inputs"]
    if job.target in store.names("models") and "corpus" in inputs:
        words = _("Go on from its model instead: newleaf train {corpus} --from {model} --name NEW")
        return words.format(corpus=inputs["corpus"], model=job.target)
    return _("Remove it, and train again: newleaf job remove {name}").format(name=job.name)


def _needed(job: Job) -> Iterator[tuple[str, str]]:
    """What a training cannot go on without, each with its kind."""
    if job.trains:
        inputs = {**job.spec["inputs"], "mix": job.spec["options"].get("mix")}
        for kind, key in NEEDED:
            if name := inputs.get(key):
                yield kind, name


def _fingerprints(job: Job) -> dict[str, str]:
    """Of what a training learns from, as it is now."""
    found = {"corpus": Corpus.open(job.spec["inputs"]["corpus"]).manifest.fingerprint}
    if origin := job.spec["inputs"].get("from"):
        from ..core.tokenizer.tokenizer import Tokenizer  # with numpy

        found["tokenizer"] = Tokenizer.at(folder("models") / origin).fingerprint
    elif job.tokenizer and (fingerprint := TokenizerInfo.open(job.tokenizer).report.get("fingerprint")):
        found["tokenizer"] = fingerprint
    return found


def check_text(job: Job, now: Mapping[str, str]) -> None:
    """Raises UserError where a training would go on with another corpus or tokenizer than it began with."""
    inputs, then = job.spec["inputs"], read_object(job.path / TEXT, "corpus", "tokenizer")
    reader = f"models/{inputs['from']}" if inputs.get("from") else f"tokenizers/{job.tokenizer}"
    paths = {"corpus": f"corpora/{inputs['corpus']}", "tokenizer": reader}
    if changed := [paths[kind] for kind in now if now[kind] != then[kind]]:
        why = _("Job {name} cannot be resumed: {path} is another than it began with.")
        why = why.format(name=job.name, path=", ".join(changed))
        raise UserError(join_sentences([why, _instead(job)]))


def check_model(job: Job) -> None:
    """Raises UserError where another than this job has made a model of the name that its own would have."""
    path = folder("models") / job.target
    if (path / "config.json").exists() and ModelInfo.at(path).provenance.get("job") != job.name:
        raise UserError(
            _(
                "Model {name} exists already, and this job did not make it. Remove it: newleaf model remove {name}"
            ).format(name=job.target)
        )


def _fold(job: Job) -> str | None:
    """The fold in which a cross-validation goes on, if it has come to anything."""
    folds = job.spec["options"].get("folds")
    done = len(read_object(job.path / FOLDS, "scores")["scores"]) if (job.path / FOLDS).exists() else 0
    return f"{done + 1}/{folds}" if folds and job.has_work and done < folds else None


def prospect_text(found: Prospect) -> str:
    """A prospect in words."""
    if found.obstacle:
        return found.obstacle
    if found.fold:
        return _("from fold {fold}, with what is known of those before").format(fold=found.fold)
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
    with job.while_there():
        found = prospect(job)
    if found.obstacle:
        raise UserError(found.obstacle)
    more = _more(job, time, steps)
    if job.state == "finished" and not more:
        message = _("Job {name} is finished. To train longer: newleaf job resume {name} --time +30m")
        raise UserError(message.format(name=job.name))
    kind = FineTuneOptions if job.kind == "finetune" else TrainOptions
    options = kind.from_mapping({**job.spec["options"], **where}) if where else None
    if options and (plan := _plan_of(job)) and plan.device == "cpu":  # it has begun without a GPU: in so many processes
        options = replace(options, device="cpu")
    step = None if origin is None else step_named(job, origin)

    def prepare() -> dict[str, Any]:
        before, folder_of_checkpoints = job.status(), job.path / "checkpoints"
        if step is not None:
            remove_newer(folder_of_checkpoints, step)
        write_json(job.path / TURN, {"turn": clock()})  # behind those that wait already
        if more:
            write_json(job.path / MORE, asdict(more))
        if options:
            write_json(job.path / "job.json", {**job.spec, "options": options.as_dict()})
        known: dict[str, Any] = {"progress": _share_of_more(job, before, more)} if more else {}
        steps_kept = list_steps(folder_of_checkpoints)
        if not more and job.trains and not job.spec["options"].get("folds"):  # of which a part is done before any step
            of_before = min(1.0, steps_kept[0] / max(1, before.get("step", 0))) if steps_kept else 0.0
            known["progress"] = round(before["progress"] * of_before, 4)
        if steps_kept:
            known["step"] = steps_kept[0]
            if 0 < before.get("best_step", 0) <= steps_kept[0]:
                known |= {key: before[key] for key in ("best_step", "bits_per_byte") if key in before}
        return known

    start(Job(job.path), prepare=prepare)


def _share_of_more(job: Job, before: Mapping[str, Any], more: More) -> float:
    """What a training that is prolonged has done of all that it shall do now, about."""
    plan = _plan_of(job)
    assert plan  # there is a checkpoint
    if more.time is not None:
        whole, added = plan.time or plan.expected_seconds, more.time
    else:
        whole, added = float(plan.steps or before.get("total_steps", plan.expected_steps)), float(more.steps or 0)
    return round(float(before["progress"]) * whole / (whole + added), 4)


def _plan_of(job: Job) -> Plan | None:
    """The plan that a training goes on with, if it has come to have one."""
    path = job.path / "plan.json"
    return Plan.from_dict(read_object(path)) if path.exists() else None


def _more(job: Job, time: str | None, steps: str | None) -> More | None:
    if time is None and steps is None:
        return None
    if not job.trains:
        raise UserError(_("Only a training can be prolonged."))
    if time is not None and steps is not None:
        raise UserError(_("--time and --steps exclude each other: give one."))
    if not job.has_checkpoint:
        text = _("Job {name} has no checkpoint yet: resume it without {option}.")
        raise UserError(text.format(name=job.name, option="--time" if steps is None else "--steps"))
    text = (steps or "" if time is None else time).strip()
    try:
        value, most = (int(text[1:]), MOST_STEPS) if time is None else (parse_duration(text[1:]), YEAR)
        if not text.startswith("+") or not 0 < value <= most:
            raise ValueError(text)
    except ValueError:
        expected = "--steps +500" if time is None else "--time +30m"
        raise UserError(
            _("{text} is not how much longer to train. Write: {expected}").format(text=text, expected=expected)
        ) from None
    more = More(steps=int(value)) if time is None else More(time=value)
    if job.state == "finished":
        return more
    plan = _plan_of(job)
    assert plan  # there is a checkpoint
    return replace(more, goal_time=plan.time, goal_steps=plan.steps)


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
                origin=origin,
                steps=", ".join(f"{step:,}" for step in steps if is_whole(checkpoint_path(folder, step))) or _("none"),
            )
        )
    return wanted
