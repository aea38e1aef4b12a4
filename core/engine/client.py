"""The side of whoever uses the engine: starts it when it is first needed, asks, and hands on what comes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, NamedTuple

from ..home import home, home_path
from ..language import current_language
from ..language import gettext as _
from .errors import EngineError
from .place import socket_path

LONGEST_ANSWER = 64 << 20  # bytes of one line
PATIENCE = 60.0  # seconds for the process to be there
POLL = 0.02  # seconds between two looks


class EncodedPiece(NamedTuple):
    """A piece as the engine tells it."""

    number: int
    text: str  # as `Piece` shows it
    data: bytes  # that it stands for

    @classmethod
    def told(cls, answer: Sequence[Any]) -> EncodedPiece:
        """From the engine's list."""
        number, text, digits = answer
        return cls(number, text, bytes.fromhex(digits))


class Engine:
    """A connection to the engine of this home, used from one event loop."""

    def __init__(self, memory: int | None = None):
        self.memory = memory  # the most bytes of models; counts where this is what starts the process
        self.starts = 0  # processes that were started from here
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.Task[None] | None = None
        self._answers: dict[int, asyncio.Queue[dict[str, Any]]] = {}
        self._connecting = asyncio.Lock()
        self._number = 0

    async def encode(self, tokenizer: str, text: str) -> list[EncodedPiece]:
        """The pieces of `text`. Raises UserError."""
        found = await self._answer({"do": "encode", "tokenizer": tokenizer, "text": text})
        return [EncodedPiece.told(piece) for piece in found]

    async def pieces(self, tokenizer: str, text: str, limit: int) -> tuple[list[EncodedPiece], int]:
        """The pieces that contain `text`, the nearest first, `limit` at most, and how many there are in all.

        Of an empty text: all pieces, by number. Raises UserError.
        """
        found = await self._answer({"do": "pieces", "tokenizer": tokenizer, "text": text, "limit": limit})
        return [EncodedPiece.told(piece) for piece in found["pieces"]], found["total"]

    async def compare(self, first: str, second: str, corpus: str) -> dict[str, Any]:
        """Two tokenizers on the held-out text of a corpus: `newleaf.core.tokenizer.comparison.Comparison` as a mapping.

        With "measured_on", the split: "train" where nothing is held out. Raises UserError.
        """
        return dict(await self._answer({"do": "compare", "tokenizers": [first, second], "corpus": corpus}))

    async def import_tokenizer(self, path: str, name: str, corpus: str = "") -> dict[str, Any]:
        """Keep the tokenizer at `path` as `name`, measured on the held-out text of `corpus`; what is said of it.

        Being cancelled leaves nothing. Raises UserError.
        """
        request = {"do": "import_tokenizer", "path": path, "name": name, "corpus": corpus}
        return dict(await self._answer(request))

    async def preview(self, paths: Sequence[str], options: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """What an import of `paths` would find: see `newleaf.core.corpus.preview`. `options` are ImportOptions.

        Raises UserError.
        """
        return list(await self._answer({"do": "preview", "paths": list(paths), "options": dict(options or {})}))

    async def before_after(
        self, paths: Sequence[str], options: Mapping[str, Any], corpora: Sequence[str] = ()
    ) -> dict[str, Any]:
        """What cleaning would do to some documents of `paths`, or of `corpora`: see
        `newleaf.core.corpus.before_after`. `options` are ImportOptions, or MergeOptions.

        Raises UserError. A request that is cancelled is no longer worked on.
        """
        request = {"do": "before_after", "paths": list(paths), "corpora": list(corpora), "options": dict(options)}
        return dict(await self._answer(request))

    async def status(self) -> dict[str, Any]:
        """The models in memory, and what else is to be known of the process."""
        return dict(await self._answer({"do": "status"}))

    async def load(self, model: str, load: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Have a model in memory. `load` are LoadOptions. Raises UserError."""
        return dict(await self._answer({"do": "load", "model": model, "load": dict(load or {})}))

    async def generate(
        self, model: str, prompt: Any, options: Mapping[str, Any], load: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """{"started": {...}}, {"delta": {index, text, scores}} as it is written, {"done": {...}}; after the first also
        {"reading": {done, total}}, of the tokens of a long prompt.

        The prompt is what `Writer.start` takes. Raises UserError. Leaving the iteration early, or being cancelled, ends
        the writing at once.
        """
        request = {
            "do": "generate",
            "model": model,
            "prompt": prompt,
            "options": dict(options),
            "load": dict(load or {}),
        }
        async with contextlib.aclosing(self._ask(request)) as answers:
            async for answer in answers:
                yield answer

    async def judge(
        self, model: str, prompt: Any, text: str, alternatives: int, load: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """How sure a model is of `text` after a prompt, which is a text or the messages of a chat: {token, bytes,
        logprob, top} for each token. Raises UserError."""
        request = {"do": "judge", "model": model, "prompt": prompt, "text": text, "alternatives": alternatives}
        return list(await self._answer({**request, "load": dict(load or {})}))

    async def perform(
        self,
        model: str,
        task: str,
        request: Mapping[str, Any],
        options: Mapping[str, Any] | None = None,
        load: Mapping[str, Any] | None = None,
    ) -> AsyncGenerator[dict[str, Any], None]:
        """What `newleaf.core.tasks.performing` tells of a task, {"done": {...}} last. Raises UserError.

        Leaving the iteration early, or being cancelled, ends the work at once.
        """
        asked = {
            "do": "perform",
            "model": model,
            "task": task,
            "request": dict(request),
            "options": dict(options or {}),
            "load": dict(load or {}),
        }
        async with contextlib.aclosing(self._ask(asked)) as answers:
            async for answer in answers:
                yield answer

    async def read_text(self, path: str) -> str:
        """The text of a file of any kind that corpora read. Raises UserError."""
        return str(await self._answer({"do": "read_text", "path": path}))

    async def add_knowledge(
        self, paths: Sequence[str], name: str, embeddings: str = ""
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Add files to a knowledge base: {"progress": {done, total, message}} again and again, {"done": {...}}.

        `embeddings` is as in `newleaf.core.knowledge.adding.add_files`. What is done are the fields of its `Added`,
        and the base's "summary". Raises UserError. Leaving the iteration early, or being cancelled, keeps the files
        that are done.
        """
        request = {"do": "add_knowledge", "paths": list(paths), "name": name, "embeddings": embeddings}
        async with contextlib.aclosing(self._ask(request)) as answers:
            async for answer in answers:
                yield answer

    async def knowledge_of(self, paths: Sequence[str]) -> AsyncGenerator[dict[str, Any], None]:
        """The same for a knowledge base without a name, of what is in `paths` now; done has its folder as "path"."""
        async with contextlib.aclosing(self._ask({"do": "knowledge_of", "paths": list(paths)})) as answers:
            async for answer in answers:
                yield answer

    async def preview_records(
        self, model: str, paths: Sequence[str], task: str = "", options: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The first records in `paths` as a model will see them: see `newleaf.core.engine.documents`.

        `options` are DataOptions. Raises UserError.
        """
        request = {"do": "preview_records", "model": model, "paths": list(paths), "task": task}
        return dict(await self._answer({**request, "options": dict(options or {})}))

    async def _answer(self, request: dict[str, Any]) -> Any:
        async with contextlib.aclosing(self._ask(request)) as answers:
            async for answer in answers:
                return answer["done"]
        raise AssertionError

    async def _ask(self, request: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The answers to a request, up to the one that is done."""
        self._number += 1
        number = self._number
        answers = self._answers[number] = asyncio.Queue()
        message = json.dumps({"id": number, "language": current_language(), **request}).encode() + b"\n"
        again, done = True, False  # a process that ends as we come is no answer
        try:
            await self._send(message)
            while True:
                answer = await answers.get()
                if answer.get("kind") == "ended" and again:
                    again = False
                    await self._send(message)
                    continue
                again = False
                if "error" in answer:
                    raise EngineError(answer["error"], answer["kind"])
                done = "done" in answer
                yield answer
                if done:
                    return
        finally:
            del self._answers[number]
            if self._writer is not None and not done:
                self._writer.write(json.dumps({"id": number, "do": "cancel"}).encode() + b"\n")

    async def _send(self, message: bytes) -> None:
        async with self._connecting:
            if self._writer is None:
                await self._connect()
        assert self._writer is not None
        self._writer.write(message)

    async def _connect(self) -> None:
        home()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while loop.time() < deadline:
            try:
                reader, self._writer = await asyncio.open_unix_connection(socket_path(), limit=LONGEST_ANSWER)
            except OSError:
                if self._process is None or self._process.poll() is not None:
                    self._start()
                await asyncio.sleep(POLL)
            else:
                self._reader = asyncio.create_task(self._read(reader))
                return
        raise EngineError(_("The engine did not start. Look for old processes of newleaf, and end them."), "ended")

    def _start(self) -> None:
        self.starts += 1
        more = [] if self.memory is None else [str(self.memory)]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "newleaf.core.engine.server", *more],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=home_path(),
            env={
                **os.environ,
                "NEWLEAF_HOME": str(home_path()),
                # Threads that spin while they wait halve the speed of this process and of a training beside it.
                "GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "1000"),
            },
            start_new_session=True,
        )

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError, ValueError):
            while line := await reader.readline():
                answer = json.loads(line)
                if waiting := self._answers.get(answer.pop("id")):
                    waiting.put_nowait(answer)
        self._drop()
        ended = {"error": _("The engine has ended: perhaps the memory is full. Try it again."), "kind": "ended"}
        for waiting in self._answers.values():
            waiting.put_nowait(ended)

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def close(self) -> None:
        """Leave; the process ends with its last client."""
        self._drop()
        if self._reader is not None:
            await self._reader
