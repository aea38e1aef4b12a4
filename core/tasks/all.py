"""The tasks that there are, by name. A new one is a module of its own, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import UserError
from ..language import gettext as _
from ..language import labelled
from .base import Task
from .chat import Chat
from .classification import Classification
from .qa import QuestionAnswering
from .summary import Summary
from .translation import Translation

TASKS: dict[str, Task] = {
    task.name: task for task in (Chat(), QuestionAnswering(), Summary(), Translation(), Classification())
}


def scores_text(scores: Mapping[str, float]) -> list[str]:
    """The main scores of tasks, by their names, in words."""
    return [_score_text(name, value) for name, value in scores.items()]


def _score_text(name: str, value: float) -> str:
    return labelled(TASKS[name].title, f"{_(TASKS[name].main_score)} {value:.3f}")


def taught_text(tasks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The tasks that a model was taught, in words, with their scores where they were measured."""
    return [
        _score_text(name, about["score"]) if "score" in about else TASKS[name].title
        for name, about in tasks.items()
        if name in TASKS
    ]


def task_of(name: str) -> Task:
    """The task of this name. Raises UserError where there is none."""
    if name not in TASKS:
        raise UserError(_("There is no task {name}; there are: {names}.").format(name=name, names=", ".join(TASKS)))
    return TASKS[name]
