"""The process: JSON lines in, JSON lines out. `python -m newleaf.core.engine.server`

    {"id": 1, "do": "encode", "tokenizer": NAME, "text": TEXT}        -> {"id": 1, "pieces": [[number, text], ...]}
    {"id": 2, "do": "generate", "model": NAME, "prompt": TEXT, "options": {...}}
        -> {"id": 2, "left_out": tokens}, {"id": 2, "text": "..."} again and again,
           {"id": 2, "done": {text, tokens, finish_reason, tokens_per_second, seed}}
    {"id": 2, "do": "cancel"}                                         ends request 2 after the token at hand
    {"id": 3, "do": "preview", "paths": [...]}                        -> {"id": 3, "files": [...]}
    anything that goes wrong                                          -> {"id": ..., "error": "a sentence"}

Requests are done one after the other. The process ends with its input, so it never outlives the interface.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from functools import lru_cache
from typing import Any, TextIO

from ..errors import FAULT, explain
from ..language import gettext as _

MODELS = 2  # that stay in memory
PREVIEW = 1_500  # characters of a file


class Server:
    """Reads requests in one thread, does them in another."""

    def __init__(self, requests: TextIO, answers: TextIO):
        self.requests, self.answers = requests, answers
        self.waiting: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.cancelled: set[int] = set()

    def serve(self) -> None:
        """Until the input ends."""
        threading.Thread(target=self._read, daemon=True).start()
        while (request := self.waiting.get()) is not None:
            number = request["id"]
            if number in self.cancelled:
                continue
            try:
                getattr(self, f"_{request['do']}")(number, request)
            except Exception as error:
                self._answer(number, error=explain(error) or _(FAULT).format(error=f"{type(error).__name__}: {error}"))

    def _read(self) -> None:
        for line in self.requests:
            request = json.loads(line)
            if request["do"] == "cancel":
                self.cancelled.add(request["id"])
            else:
                self.waiting.put(request)
        os._exit(0)  # nobody is there any more, whatever is being computed

    def _answer(self, number: int, **values: Any) -> None:
        self.answers.write(json.dumps({"id": number, **values}) + "\n")
        self.answers.flush()

    def _encode(self, number: int, request: dict[str, Any]) -> None:
        name = request["tokenizer"]
        pieces = _tokenizer(name, _tokenizer_modified(name)).pieces(request["text"])
        self._answer(number, pieces=[[piece.id, piece.text] for piece in pieces])

    def _generate(self, number: int, request: dict[str, Any]) -> None:
        from ..generation.options import GenerationOptions

        writer = _writer(request["model"], _modified(request["model"]))
        options = GenerationOptions.from_mapping(request["options"], writer.defaults)
        run = writer.start(request["prompt"], options)
        self._answer(number, left_out=run.left_out)
        for delta in run:
            self._answer(number, text=delta.text)
            if number in self.cancelled:
                run.cancel()
        self._answer(number, done={**run.completions[0].as_dict(writer.tokenizer), "seed": run.seed})

    def _preview(self, number: int, request: dict[str, Any]) -> None:
        from ..corpus.preview import preview

        self._answer(number, files=preview(request["paths"], PREVIEW))


def _tokenizer_modified(name: str) -> float:
    """When the tokenizer was made: another of the same name may have taken its place."""
    from ..tokenizer.store import TokenizerInfo

    return float(TokenizerInfo.open(name).report["created"])


@lru_cache(maxsize=8)
def _tokenizer(name: str, modified: float) -> Any:
    from ..tokenizer.tokenizer import Tokenizer

    return Tokenizer.open(name)


def _modified(name: str) -> float:
    """When the model's weights were last written: a training that goes on makes them better."""
    from ..model.store import ModelInfo
    from ..model.weights import weight_files

    return max(file.stat().st_mtime for file in weight_files(ModelInfo.open(name).path))


@lru_cache(maxsize=MODELS)
def _writer(name: str, modified: float) -> Any:
    from ..generation.generate import Writer

    return Writer.open(name)


def main() -> None:
    """Serve on the standard streams."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    requests = open(sys.stdin.fileno(), encoding="utf-8", closefd=False)  # noqa: SIM115
    Server(requests, answers).serve()


if __name__ == "__main__":
    main()
