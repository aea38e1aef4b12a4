"""The way from nothing to a model that writes: four steps, and one key that takes the next, without a question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from textual import work
from textual.binding import Binding

from ..core import store
from ..core.corpus.store import Corpus
from ..core.errors import UserError
from ..core.language import N_
from ..core.store import DAMAGED
from ..core.tokenizer.store import list_tokenizers
from ..trainer.jobs import LIVE, Job
from .kept import free_name

if TYPE_CHECKING:
    from textual.app import App

    from .app import NewleafApp

    Base = App[int]
else:
    Base = object

# What a step makes, the job that makes it, and the action that starts the job.
KINDS = (
    ("corpora", "import", "first_text"),
    ("tokenizers", "tokenizer", "first_tokenizer"),
    ("models", "train", "first_model"),
)
BINDINGS = [
    Binding("t", "first_text", N_("Try sample text"), id="first.text"),
    Binding("t", "first_tokenizer", N_("Train a tokenizer now"), id="first.tokenizer"),
    Binding("t", "first_model", N_("Train for 5 minutes"), id="first.model"),
]


@dataclass(frozen=True)
class Step:
    """One of the steps that make something."""

    action: str
    made: str  # the name of what there is; nothing where there is none yet
    share: float | None  # of the work that is going on, done
    done: bool


def steps(jobs: Sequence[dict[str, Any]]) -> list[Step]:
    """The three steps before the writing. Whoever has what a later one makes needs the earlier ones no more."""
    found: list[Step] = []
    later = False
    for kind, job_kind, action in reversed(KINDS):
        names = store.names(kind)
        live = [job for job in jobs if job["kind"] == job_kind and job["state"] in LIVE]
        later = later or bool(names)
        share = float(live[0]["progress"]) if live and not names else None
        found.insert(0, Step(action, names[-1] if names else "", share, later))
    return found


def is_possible(action: str, jobs: Sequence[dict[str, Any]]) -> bool:
    """Whether this step is the one to take: what it needs is there, and what it makes is neither there nor at work."""
    found = steps(jobs)
    number = next(index for index, step in enumerate(found) if step.action == action)
    return not found[number].made and found[number].share is None and all(step.made for step in found[:number])


class FirstSteps(Base):
    """Mix-in for the app: the actions of the steps. Each goes to the tab where its work is seen."""

    @property
    def _newleaf(self) -> NewleafApp:
        return cast("NewleafApp", self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's question."""
        if action.startswith("first_"):
            return is_possible(action, self._newleaf.jobs)
        return super().check_action(action, parameters)

    def action_first_text(self) -> None:
        """Import the text that every machine has."""

        def begin() -> None:
            from ..trainer.usual import SAMPLE
            from ..trainer.work.importing import submit_sample

            submit_sample(SAMPLE)

        self._begin("corpus", begin)

    def action_first_tokenizer(self) -> None:
        """Train a tokenizer on the newest corpus."""

        def begin() -> None:
            from ..trainer.usual import SHORT
            from ..trainer.work.tokenizing import submit_for_training

            corpus = newest_corpus()
            submit_for_training(corpus, free_name("tokenizers", corpus), SHORT)

        self._begin("tokenizer", begin)

    def action_first_model(self) -> None:
        """Train a model for a short time; or go on with a training that has not come to its end."""
        stopped = [job for job in self._newleaf.jobs if job["kind"] == "train" and job["state"] in ("stopped", "lost")]

        def begin() -> None:
            from ..trainer.resuming import resume
            from ..trainer.usual import SHORT, begin_model

            if stopped:
                resume(Job.open(stopped[0]["name"]))
            else:
                tokenizer = max(list_tokenizers(), key=lambda info: float(info.report["created"]))
                known = str(tokenizer.report["corpus"])
                begin_model(known if known in store.names("corpora") else newest_corpus(), tokenizer.name, SHORT)

        self._begin("training", begin)

    @work(exit_on_error=False, exclusive=True, group="first")
    async def _begin(self, tab: str, begin: Callable[[], object]) -> None:
        """In a thread, as what `begin` imports takes its time, and a checkpoint may be read whole before."""
        await self._newleaf.action_tab(tab)
        try:
            await asyncio.to_thread(begin)
        except UserError as error:
            self._newleaf.say(str(error), error=True)


def newest_corpus() -> str:
    """The corpus that was made last. Raises UserError where none is whole."""

    def made(name: str) -> float:
        try:
            return float(Corpus.open(name).manifest.created)
        except DAMAGED:
            return -1.0

    names = sorted(store.names("corpora"), key=made)
    return Corpus.open(names[-1]).name
