"""A model to write with, for a command: the running engine's where it has it in memory, else loaded here.

Where the engine has it, the first word comes without an import of torch.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Mapping
from typing import Any, Protocol

from ..language import current_language
from ..language import gettext as _
from ..model.loading import LoadOptions
from ..progress import Progress, no_progress
from .errors import EngineError
from .place import connect

PATIENCE = 2.0  # seconds for the engine to say what it has


class Writing(Protocol):
    """Writes with one model, as often as it is asked."""

    def answers(
        self, prompt: Any, options: Mapping[str, Any], progress: Progress = no_progress
    ) -> Generator[dict[str, Any], None, None]:
        """What `newleaf.core.generation.stream` says of a run; `progress` is that of the reading of the prompt.

        Raises UserError. Leaving it early ends the writing.
        """

    def perform(
        self, task: str, request: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Generator[dict[str, Any], None, None]:
        """What `newleaf.core.tasks.performing` tells of a task. Raises UserError. Leaving it early ends the work."""


def open_writing(model: str, load: LoadOptions) -> Writing:
    """The model of this name, ready. Raises UserError."""
    # One that is about to end, or of another kind, is no engine.
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        if (running := _find(model, load)) is not None:
            return running
    return _Here(model, load)


class _Here:
    """A model in this process."""

    def __init__(self, model: str, load: LoadOptions):
        from ..generation.generate import Writer

        self.model = model
        self._writer = Writer.open(model, load)

    def answers(
        self, prompt: Any, options: Mapping[str, Any], progress: Progress = no_progress
    ) -> Generator[dict[str, Any], None, None]:
        from ..generation.stream import answers_of

        run = self._writer.start(prompt, self._writer.options(prompt, options))
        run.progress = progress
        yield from answers_of(run)

    def perform(
        self, task: str, request: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Generator[dict[str, Any], None, None]:
        from ..tasks.performing import Performer, perform

        yield from perform(Performer.of(self.model, self._writer, options), task, request)


class _There:
    """A model in the engine."""

    def __init__(self, model: str, load: LoadOptions, ask: Any):
        self.model, self.load, self._ask = model, load, ask

    def answers(
        self, prompt: Any, options: Mapping[str, Any], progress: Progress = no_progress
    ) -> Generator[dict[str, Any], None, None]:
        request = {"do": "generate", "model": self.model, "prompt": prompt, "options": dict(options)}
        for answer in self._ask({**request, "load": self.load.as_dict()}):
            if "error" in answer:
                raise EngineError(answer["error"], answer["kind"])
            if "reading" in answer:
                progress(**answer["reading"])
                continue
            yield answer
            if "done" in answer:
                return
        raise EngineError(_("The engine has ended: perhaps the memory is full. Try it again."), "ended")

    def perform(
        self, task: str, request: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Generator[dict[str, Any], None, None]:
        asked = {"do": "perform", "model": self.model, "task": task, "request": dict(request), "options": dict(options)}
        for answer in self._ask({**asked, "load": self.load.as_dict()}):
            if "error" in answer:
                raise EngineError(answer["error"], answer["kind"])
            yield answer
            if "done" in answer:
                return
        raise EngineError(_("The engine has ended: perhaps the memory is full. Try it again."), "ended")


def _find(model: str, load: LoadOptions) -> _There | None:
    """The model in the engine, if it is there, as it is on disk now, and nobody else waits for a text."""
    connection = connect(PATIENCE)
    if connection is None:
        return None
    lines = connection.makefile("r", encoding="utf-8")
    number = 0

    def ask(request: Mapping[str, Any]) -> Generator[dict[str, Any], None, None]:
        nonlocal number
        number += 1
        message = {"id": number, "language": current_language(), **request}
        connection.sendall(json.dumps(message).encode() + b"\n")
        done = False
        try:
            for line in lines:
                answer = json.loads(line)
                if answer.pop("id") == number:
                    done = "done" in answer or "error" in answer
                    yield answer
                    if done:
                        return
        finally:
            if not done:
                with contextlib.suppress(OSError):
                    connection.sendall(json.dumps({"id": number, "do": "cancel"}).encode() + b"\n")

    status = next(ask({"do": "status"}), {})["done"]
    if status["busy"] or not _has(status["models"], model, load):
        connection.close()
        return None
    connection.settimeout(None)
    return _There(model, load, ask)


def _has(models: list[dict[str, Any]], model: str, load: LoadOptions) -> bool:
    from .models import Key

    wanted = Key.of(model, load).as_dict()
    return any(wanted.items() <= each.items() for each in models)
