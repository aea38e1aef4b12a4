"""A checkpoint of a training as a model of its own, beside the best one that the training keeps. Torch comes late."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import store
from ..core.errors import UserError
from ..core.files import read_object
from ..core.language import gettext as _
from ..core.model.store import ModelInfo, list_models
from ..core.progress import Progress
from .checkpoints import checkpoint_path, list_steps
from .finetune_options import FineTuneOptions
from .history import History
from .jobs import Job, list_jobs
from .plan import Plan
from .resuming import step_named

PREFIX = "job:"


@dataclass(frozen=True)
class CheckpointSource:
    """A checkpoint that is there: written job:NAME@STEP, job:NAME@best, or job:NAME for the newest."""

    job: Job
    step: int

    @classmethod
    def find(cls, text: str, read: bool = True) -> CheckpointSource:
        """What `text` means. Raises UserError where there is no such checkpoint, or, with `read`, it is damaged."""
        name, _at, step = text.removeprefix(PREFIX).partition("@")
        job = Job.open(name)
        if not job.trains:
            raise UserError(_("Job {name} trains no model: it has no checkpoints.").format(name=name))
        return cls(job, step_named(job, step or "newest", read))

    @classmethod
    def all(cls) -> list[CheckpointSource]:
        """All that can become models, the newest of each training first. Looks at names only."""
        return [
            cls(job, step)
            for job in list_jobs()
            if job.trains and _made_by(job)
            for step in list_steps(job.path / "checkpoints")
        ]

    def __str__(self) -> str:
        return f"{PREFIX}{self.job.name}@{self.step}"

    @property
    def model_name(self) -> str:
        """What the model is called unless a person says otherwise."""
        return f"{self.job.target}-step-{self.step}"

    @property
    def title(self) -> str:
        """As it is offered to a person."""
        return _("{model}, step {step:,}").format(model=self.job.target, step=self.step)

    def models(self) -> list[str]:
        """The names of the models that were made of this checkpoint before."""
        written = self._path().stat().st_mtime
        return [
            info.name
            for info in list_models()
            if info.provenance.get("source") == str(self) and info.provenance["created"] >= written
        ]

    def make(self, name: str, progress: Progress) -> ModelInfo:
        """The model `name`, with the weights of the checkpoint. Raises UserError; then nothing is left of it."""
        import torch

        from ..core.model import lora
        from ..core.model.gpt import GPT
        from ..core.model.store import save_model
        from ..core.tokenizer.tokenizer import Tokenizer

        path, best = store.new_path("models", name), _made_by(self.job)
        if best is None:
            raise UserError(
                _("Job {job} has no model {name} yet, whose tokenizer this one needs: wait for its first one.").format(
                    job=self.job.name, name=self.job.target
                )
            )
        progress(0, 1, _("reading step {step:,}").format(step=self.step))
        plan = Plan.from_dict(read_object(self.job.path / "plan.json"))
        values = torch.load(self._path(), map_location="cpu", weights_only=True, mmap=True)
        model = GPT(plan.model_config)
        options = FineTuneOptions.from_mapping(self.job.spec["options"]) if self.job.kind == "finetune" else None
        if options and options.lora:
            lora.add_lora(model, options.rank, options.scale, options.targets, plan.seed)
        model.load_state_dict(values["model"])
        progress(1, 2, _("writing model {name}").format(name=name))
        save_model(path, lora.merged(model), Tokenizer.at(best.path), self._provenance(best, plan, values["state"]))
        progress(1, 1)
        return ModelInfo.at(path)

    def _path(self) -> Path:
        return checkpoint_path(self.job.path / "checkpoints", self.step)

    def _provenance(self, best: ModelInfo, plan: Plan, state: dict[str, Any]) -> dict[str, Any]:
        """As of the model that the training keeps, with what was measured at this step."""
        history = History()
        history.feed(self.job.events()[0])
        measured = dict(zip(history.evaluation_steps, history.evaluations, strict=True))
        tasks = {
            name: {key: value for key, value in about.items() if key != "score"} for name, about in best.taught.items()
        }
        left_out = ("format", "folds", "answer_bits", "scores")
        return {
            **{key: value for key, value in best.provenance.items() if key not in left_out},
            **({"tasks": tasks} if tasks else {}),
            "bits_per_byte": None if self.job.kind == "finetune" else measured.get(self.step),
            "source": str(self),
            "step": self.step,
            "tokens": self.step * plan.batch_tokens,
            "seconds": round(state["elapsed"], 1),
            "created": round(time.time(), 3),
        }


def _made_by(job: Job) -> ModelInfo | None:
    """The model that a training keeps, where it has made one already."""
    try:
        info = ModelInfo.open(job.target)
    except store.DAMAGED:
        return None
    return info if info.provenance.get("job") == job.name else None
