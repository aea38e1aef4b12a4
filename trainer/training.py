"""One training, from the corpus to the model's folder: it prepares, plans, resumes, and tells what the loop does."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from ..core.errors import is_disk_full
from ..core.files import read_object, write_json
from ..core.generation.generate import Writer
from ..core.generation.options import GenerationOptions
from ..core.home import folder
from ..core.language import gettext as _
from ..core.model import gpt
from ..core.model.gpt import GPT
from ..core.model.store import load_model, save_model
from ..core.options import format_duration
from ..core.progress import Cancelled
from .batches import Batch, Prefetched, TokenBatches
from .candidates import sampler_of
from .checkpoints import Kept, load_newest, save_checkpoint, set_aside, tidy
from .evaluation import HeldOut
from .fold_training import FoldTraining
from .folds import Scores, check_folds, deal
from .group import ALONE, Group, workers
from .history import History
from .jobs import Job
from .launch import launch, since_launch
from .loop import Loop, State, initialise
from .memory import is_out_of_memory, keep_memory, memory_is_full
from .options import TrainOptions
from .outcome import folds_text
from .plan import More, prolonged
from .preparing import Preparation
from .reporter import Reporter
from .resuming import MORE, TEXT, check_model, check_text
from .telemetry import Telemetry
from .tracking import Run, Tracker, open_tracker

SAMPLE = GenerationOptions(max_tokens=60, temperature=0.8, seed=1)
WAIT = 2.0  # seconds between two tries to write to a full disk


def _compiled() -> Path:
    """Where compiled layers are kept. They call operators of ours: those of other sources are others."""
    sources = sorted(path for path in Path(gpt.__file__).parent.iterdir() if path.suffix in (".py", ".c", ".h"))
    return folder("compiled") / hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


class Training:
    """One training, from the corpus to the model's folder."""

    options_class: ClassVar[type[TrainOptions]] = TrainOptions

    def __init__(self, job: Job, reporter: Reporter, group: Group = ALONE):
        self.job, self.reporter, self.group = job, reporter, group
        self.options = self.options_class.from_mapping(job.spec["options"])
        self._path = folder("models") / job.target
        self._writes = self.group.local_rank == 0  # of several processes on a machine one writes
        self._waited_for_room = 0.0  # seconds
        self.tracker: Tracker | None = None
        self._tracking = threading.Lock()

    def run(self) -> None:
        """All of it; by several processes where that is wanted."""
        torch.set_float32_matmul_precision("high")
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(_compiled()))
        self._prepare()
        number = workers(self.options, self.plan.device)  # it can be refused, with the plan as it was
        self._take_more()
        if self.group.size == 1 and number * self.options.nodes > 1:
            launch(self.job, self.reporter, self.options, number)
            return
        self._train()

    def _prepare(self) -> None:
        """Have what it learns from, and a plan."""
        preparation = Preparation(self.job, self.reporter, self.options)
        self.corpus, self.origin = preparation.corpus, preparation.origin
        self.tokenizer_name, self.tokenizer, self.files = preparation.text()
        keep_memory()  # not sooner: what a tokenizer took to be trained goes back to the system
        self._check_text()
        self.plan = preparation.plan(self.tokenizer, self.files)
        self.val_tokens = self.files.tokens("val")
        self.bytes_per_token = self.files.index["train"]["bytes"] / self.files.index["train"]["tokens"]

    def _check_text(self) -> None:
        """Raises UserError where it would go on with another text or tokenizer than it began with."""
        path = self.job.path / TEXT
        if path.exists():
            check_text(self.job, self._fingerprints)
        else:
            write_json(path, self._fingerprints)

    @property
    def _fingerprints(self) -> Any:
        """Of what it learns from: the same for all processes."""
        return self.files.index["fingerprints"]

    def _batches(self) -> Callable[[int], Batch]:
        """What each step learns from."""
        plan, tokens = self.plan, self.files.tokens("train")
        return TokenBatches(tokens, plan.context, plan.rows, plan.seed, sampler_of(plan, tokens)).batch

    def _network(self) -> tuple[GPT, Callable[[GPT], None]]:
        """A network, and what gives it its first weights."""
        model = GPT(self.plan.model_config)
        return model, self._initial(self.files.tokens("train"))

    def _train(self) -> None:
        plan = self.plan = self.group.same_plan(self.plan)
        if self.group.size == 1:
            torch.set_num_threads(plan.threads)
        self.group.check_same(self._fingerprints)
        model, initial = self._network()
        if plan.compile:
            model.model.compile_layers()
        if self.options.folds:
            self._cross_validate(model, self.options.folds)
        self.measured = HeldOut(self.val_tokens, self.tokenizer.byte_lengths, plan, self.group)
        prefetched = Prefetched(self._batches(), pin=plan.device == "cuda")
        checkpoint = self._newest_checkpoint()
        spent = 0.0 if self.options.folds else max(0.0, since_launch() - self.reporter.paused)
        self.loop = Loop(model, plan, prefetched.batch, self, initial, self.group, checkpoint, spent)
        events, _offset = self.job.events()
        if any(event["kind"] in ("step", "eval") for event in events):
            state = self.loop.state
            self.reporter.event("resume", step=state.step, begin=state.schedule.begin)
        self._measure_old("before", model)
        if self.options.track and self.group.rank == 0:
            self._open_tracker(self.options.track)
        try:
            telemetry = Telemetry(self._tell_of_machine, plan.device, alone=self.group.size == 1)
            with telemetry if self._writes else contextlib.nullcontext():
                finished = self.loop.run()
        except (RuntimeError, MemoryError) as error:
            if self.group.size > 1 or not is_out_of_memory(error):
                raise
            raise memory_is_full() from None
        finally:
            self._track_no_more()
        if not finished:
            self.reporter.result = {"model": self.job.target, "step": self.loop.state.step}
            raise Cancelled
        self._finish()

    def _initial(self, tokens: np.ndarray[Any, Any]) -> Callable[[GPT], None]:
        """What gives a network its first weights, for a training on these tokens."""
        return self.origin.load if self.origin else partial(initialise, plan=self.plan, tokens=tokens)

    def _cross_validate(self, model: GPT, folds: int) -> None:
        """Train once for each fold, on all others; a resumed job goes on where it was."""
        scores = Scores(self.job.path)
        parts = deal([self.files.tokens("train"), self.val_tokens], self.tokenizer.end, folds, self.plan.seed)
        check_folds(parts, self.plan.context)
        for index in range(len(scores.found), folds):
            others = np.concatenate([part for other, part in enumerate(parts) if other != index])
            fold = FoldTraining(self, model, others, parts[index], f"{index + 1}/{folds}")
            score = fold.run(self._initial(others))
            if score is None:
                raise Cancelled
            scores.add(score)
            self.reporter.event("fold", fold=index + 1, folds=folds, bits_per_byte=round(score, 5))
            self.reporter.message(
                _("Fold {fold} of {folds}: {bits:.4f} bits per byte.").format(fold=index + 1, folds=folds, bits=score)
            )
        self.reporter.update(message=_("training the model itself"), progress=round(folds / self.options.trainings, 4))

    def _measure_old(self, when: str, model: GPT) -> None:
        if self.origin and self.origin.old:
            self.reporter.update(message=_("measuring on {corpus}, learnt before").format(corpus=self.origin.old.name))
            seconds = self.origin.measure(when, model, self.plan, self.group, self._writes)
            if when == "before" and self.plan.time:
                self.loop.reserve += seconds  # it is measured again after the loop

    def _newest_checkpoint(self) -> dict[str, Any] | None:
        folder = self.job.path / "checkpoints"
        checkpoint, damaged = load_newest(folder)
        newest: dict[str, Any] | None = self.group.newest(checkpoint["state"]["step"] if checkpoint else -1, checkpoint)
        if damaged:
            names, step = ", ".join(damaged), newest["state"]["step"] if newest else 0
            words = _("Damaged checkpoints: {names}. It goes on from step {step:,}.")
            self.reporter.message(words.format(names=names, step=step))
            if self._writes:
                set_aside(folder, damaged)
        return newest

    def _take_more(self) -> None:
        """Change the plan of a training that is to be prolonged; done again after a kill it says the same."""
        path = self.job.path / MORE
        if not path.exists():
            return
        more, checkpoint = More(**read_object(path)), load_newest(self.job.path / "checkpoints")[0]
        if checkpoint is not None:
            state, text = checkpoint["state"], None if self.origin else self.corpus.manifest.train.bytes
            self.plan = prolonged(self.plan, state["step"], state["elapsed"], more, self.options, text)
            write_json(self.job.path / "plan.json", self.plan.as_dict())
            self.reporter.event("plan", **self.plan.as_dict())
        path.unlink()

    # What the loop tells:

    def stepped(self, state: State, metrics: dict[str, float]) -> None:
        """A step is done."""
        eta = self.seconds_left(state, self.loop)
        rounded = {key: float(f"{value:.6g}") for key, value in metrics.items() if key != "loss"}
        rounded["elapsed"] = round(state.elapsed, 2)
        bits = self._bits(metrics["loss"])
        self.reporter.event(
            "step", step=state.step, loss=metrics["loss"], bits_per_byte=round(bits, 5), eta_s=eta, **rounded
        )
        mfu = self.plan.utilisation(metrics["tokens_per_second"])
        self._track(state.step, {**metrics, "bits_per_byte": bits, "mfu": mfu}, "train/")
        total = state.step + self.loop.remaining_steps()
        self.reporter.update(
            progress=self.progress(state, total, before=self.options.folds or 0),
            eta_s=eta,
            message=_("step {step:,} of {total:,}").format(step=state.step, total=total),
            step=state.step,
            total_steps=total,
            loss=round(metrics["loss"], 4),
            tokens_per_second=round(metrics["tokens_per_second"], 1),
            mfu=mfu and round(mfu, 4),
        )

    def _bits(self, loss: float) -> float:
        """A loss in bits per byte, about: of the corpus's mean token."""
        return loss / math.log(2) / self.bytes_per_token

    def _open_tracker(self, name: str) -> None:
        try:
            run = Run(self.job.target, self.loop.state.step, self.loop.prolonged, self.plan.as_dict())
            self.tracker = open_tracker(name, run)
        except Exception as error:
            self._tracker_failed(error)

    def _tracker_failed(self, error: Exception) -> None:
        text = _("{name} failed, and hears no more of this training: {error}")
        self.reporter.message(text.format(name=self.options.track, error=str(error).partition("\n")[0]))

    def _track(self, step: int, values: Mapping[str, Any], prefix: str = "") -> None:
        """Tell the tracker, if there is one; its failure is said, and not ours."""
        if self.tracker is None:
            return
        numbers = {prefix + key: float(value) for key, value in values.items() if isinstance(value, int | float)}
        try:
            with self._tracking:  # the machine's figures come from a thread
                self.tracker.log(step, numbers)
        except Exception as error:
            self.tracker = None
            self._tracker_failed(error)

    def _track_no_more(self) -> None:
        tracker, self.tracker = self.tracker, None
        if tracker is not None:
            with contextlib.suppress(Exception):  # what it has is what it was told
                tracker.end()

    def _tell_of_machine(self, values: dict[str, Any]) -> None:
        self.reporter.event("machine", step=self.loop.state.step, **values)
        self.reporter.update(machine=values)
        flat = {
            f"gpu{index}/{key}": value for index, gpu in enumerate(values.get("gpus", [])) for key, value in gpu.items()
        }
        self._track(self.loop.state.step, {**values, **flat}, "machine/")

    def progress(self, state: State, total: int, before: int) -> float:
        """The share that is done, of this training of `total` steps, those of `before` folds and those to come."""
        share = state.elapsed / self.plan.time if self.plan.time else state.step / total
        return round(min(0.999, (before + share) / self.options.trainings), 4)

    def seconds_left(self, state: State, loop: Loop) -> float:
        """About how long it will take to its end, after a step that `state.elapsed` does not have in it yet."""
        if self.plan.time:
            return round(max(0.0, self.plan.time - state.elapsed), 1)
        return round(self.seconds_a_step(state, loop) * loop.remaining_steps(), 1)

    def seconds_a_step(self, state: State, loop: Loop) -> float:
        """About, of those that are done, with all that comes between."""
        return state.elapsed / (state.step - 1) if state.step > 1 else loop.seconds_per_step

    def evaluate(self, state: State) -> float | None:
        """Bits per byte of as much held-out text as the plan gives time for."""
        return self.measured.measure_some(self.loop)

    def evaluated(self, state: State, score: float | None) -> None:
        """Say it, and show what the model writes now."""
        if score is not None:
            self.reporter.event(
                "eval",
                step=state.step,
                bits_per_byte=round(score, 5),
                best=state.best_step == state.step > 0,
                elapsed=round(state.elapsed, 2),
            )
            best = score if state.best is None else state.best
            self.reporter.update(bits_per_byte=round(best, 4), best_step=state.best_step)
            self._track(state.step, {"held_out/bits_per_byte": score})
        if state.step and (model := self.loop.network.whole()) and self._writes:
            self.reporter.event("sample", step=state.step, prompt=self.options.prompt, text=self._sample(model))

    def _sample(self, model: GPT) -> str:
        completions, _seed = Writer(model, self.tokenizer).generate(self.options.prompt, SAMPLE)
        return completions[0].text

    def checkpoint(self, state: dict[str, Any], step: int) -> None:
        """Keep it; the events before it are on disk first."""

        def keep() -> None:
            self.reporter.flush()
            save_checkpoint(self.job.path / "checkpoints", step, state, self._kept(self.loop.state.best_step))

        if self._writes:
            self.with_room(keep)
            self.reporter.event("checkpoint", step=step)

    def _kept(self, best: int | None) -> Kept:
        return Kept(best, self.plan.keep_every, self.plan.checkpoint_space * 1e9)

    def last_checkpoint(self) -> dict[str, Any] | None:
        """The newest that is whole."""
        return load_newest(self.job.path / "checkpoints")[0]

    def went_back(self, state: State, from_step: int) -> None:
        """Say so; what was done after the checkpoint no longer counts."""
        self.reporter.event("resume", step=state.step)
        self.reporter.message(
            _("The training went wrong at step {step:,}: on from step {back:,} with {share:.0%} of the rate.").format(
                step=from_step + 1, back=state.step, share=state.slower
            )
        )

    def left_out(self, state: State, step: int, loss: float) -> None:
        """Say so."""
        self.reporter.message(
            _("Step {step:,} was left out: its loss was {loss:.2f}, and {expected:.2f} was expected.").format(
                step=step, loss=loss, expected=state.expected.mean
            )
        )

    def memory_was_full(self, state: State) -> None:
        """Say so."""
        if state.recompute and (state.micro_rows or 1) == 1:
            self.reporter.message(
                _("The memory was full: layers are computed twice from now on, to keep less of them.")
            )
            return
        self.reporter.message(
            _("The memory was full: {rows:,} rows at once from now on. A step learns from as many as before.").format(
                rows=state.micro_rows
            )
        )

    def with_room(self, write: Callable[[], object]) -> None:
        """Write; while the disk is full, wait until there is room. Raises Cancelled when a stop is wanted meanwhile."""
        begin = self.reporter.gone
        told = False
        while True:
            try:
                write()
                break
            except OSError as error:
                if not is_disk_full(error):
                    raise
            if self.stop_requested():
                self.reporter.message(_("The disk is full: what was done since the last checkpoint could not be kept."))
                self.reporter.update(message="")  # it waits no more
                raise Cancelled
            if not told:
                told = True
                self.reporter.message(
                    _("The disk is full: the training waits, and goes on when there is room in {path}.").format(
                        path=self.job.path
                    )
                )
            self.reporter.update(message=_("waiting: the disk is full"), eta_s=None)
            time.sleep(WAIT)
        if told:
            self._waited_for_room += self.reporter.gone - begin
            self.reporter.message(_("There is room again: the training goes on."))

    @property
    def clock(self) -> float:
        """The job's, which stands still while it waits for room on the disk too."""
        return self.reporter.clock - self._waited_for_room

    def stop_requested(self) -> bool:
        """Whether somebody wants it to end."""
        return self.reporter.stop_requested

    # The end:

    def _finish(self) -> None:
        state = self.loop.state
        self.reporter.update(message=_("measuring on held-out text"))
        (has_best,) = self.group.first([float(self._has_best())])
        if not has_best:  # somebody has removed the model
            state.best_step = state.step
        if state.best_step < state.step:
            self.loop.network.load(self._best_weights())
        score = self._final_score(state)
        self._measure_old("after", self.loop.model)
        self.improved(state.best_step, score)
        if not self._writes:
            return
        tidy(self.job.path / "checkpoints", self._kept(state.best_step), newest=1)  # from which it can be prolonged
        self.reporter.result = {
            "model": self.job.target,
            "step": state.step,
            **self._result(score),
            "total_steps": state.step,
            "message": _("step {step:,} of {total:,}").format(step=state.step, total=state.step),
        }
        if self.loop.ended_early:
            self.reporter.message(
                _("It ended before its time, at step {step:,}: held-out text was learnt no further.").format(
                    step=state.step
                )
            )
        self.reporter.message(self._verdict(score))
        if self.origin and self.origin.old:
            if found := self.origin.forgotten:
                corpus, before_it, after_it = found
                self.reporter.event("forgotten", corpus=corpus, before=before_it, after=after_it)
            self.reporter.message(self.origin.sentence())
        if self.options.folds and not self._was_said(of_folds := folds_text(Scores(self.job.path).found)):
            self.reporter.message(of_folds)  # not again where it was prolonged
        if (limit := self.measured.final_tokens) is not None:
            self.reporter.message(
                _("Measured on {part:.0%} of the held-out text, as the time allowed.").format(
                    part=limit / len(self.val_tokens)
                )
            )
        if (before := self._known_before()) and state.best and state.best > before:
            self.reporter.message(
                _(
                    "The held-out text was known better before the first step, at {before:.4f} bits per byte. "
                    "Train with a lower --learning-rate: {rate:g}"
                ).format(before=before, rate=float(f"{self.plan.learning_rate / 3:.2g}"))
            )
        elif state.best_step < state.step:
            self.reporter.message(self._best_words().format(step=state.best_step))

    def _was_said(self, text: str) -> bool:
        return any(event.get("kind") == "message" and event.get("text") == text for event in self.job.events()[0])

    def _best_words(self) -> str:
        """That the last weights were not the best."""
        return _("The best weights were those of step {step:,}: later ones knew the held-out text less well.")

    def _known_before(self) -> float | None:
        """Bits per byte of held-out text before the first step, if they were measured."""
        history = History()
        history.feed(self.job.events()[0])
        measured = dict(zip(history.evaluation_steps, history.evaluations, strict=True))
        return measured.get(0)

    def _has_best(self) -> bool:
        """Whether the best weights are where they were put."""
        return (self._path / "config.json").exists()

    def _best_weights(self) -> Mapping[str, Any]:
        """Of the network, from the model's folder, where the best ones are."""
        return load_model(self._path).state_dict()

    def _final_score(self, state: State) -> float | None:
        """Bits per byte of all held-out text, or as much as the time allows."""
        score = self._known_already(state)
        if score is None:
            score = self.measured.measure_at_end(self.loop)
        else:
            self.measured.final_tokens = None
        if score is not None and self._writes:
            self.reporter.event("eval", step=state.best_step, bits_per_byte=round(score, 5), best=True, final=True)
        return score

    def _known_already(self, state: State) -> float | None:
        """What was measured at the end before a training was prolonged, if nothing better came of that."""
        if state.best_step > state.schedule.begin:
            return None
        ends = [event for event in self.job.events()[0] if event.get("kind") == "eval" and event.get("final")]
        nothing_better = bool(ends) and state.best_step == int(ends[-1].get("step", -1))
        (score,) = self.group.first([float(ends[-1]["bits_per_byte"]) if nothing_better else math.nan])
        return None if math.isnan(score) else score

    def _result(self, score: float | None) -> dict[str, Any]:
        """What the job's status says of the score."""
        return {"bits_per_byte": score and round(score, 4)}

    def _verdict(self, score: float | None) -> str:
        """What has come out, in a sentence."""
        return _("Model {name}: {score} bits per byte of held-out text, after {steps:,} steps in {time}.").format(
            name=self.job.target,
            score="?" if score is None else f"{score:.4f}",
            steps=self.loop.state.step,
            time=format_duration(self.loop.state.elapsed),
        )

    def improved(self, step: int, score: float | None) -> None:
        """The best weights so far become the model's folder, so that there is a model whatever happens."""
        model = self.loop.network.whole()
        if self._writes and model:
            self.with_room(lambda: self._save(step, score, model))

    def _save(self, step: int, score: float | None, model: GPT) -> None:
        check_model(self.job)
        common = {
            "job": self.job.name,
            "step": step,
            "tokens": step * self.plan.batch_tokens,
            "seconds": round(self.loop.state.elapsed, 1),
            "created": round(time.time(), 3),
            "seed": self.plan.seed,
        }
        save_model(self._path, model, self.tokenizer, {**self._provenance(score), **common})

    def _provenance(self, score: float | None) -> dict[str, Any]:
        """What a model's newleaf.json says of where it came from."""
        return {
            "bits_per_byte": None if score is None else round(score, 5),
            "corpus": self.corpus.name,
            "tokenizer": self.tokenizer_name,
            **({"folds": Scores(self.job.path).as_dict()} if self.options.folds else {}),
            **(self.origin.provenance() if self.origin else {}),
        }
