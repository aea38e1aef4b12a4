"""The interface's side of the engine: starts the process when it is first needed, asks, and hands on what comes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from ..errors import UserError
from ..home import home_path
from ..language import current_language
from ..language import gettext as _

LONGEST_ANSWER = 64 << 20  # bytes of one line


class Engine:
    """One engine process, used from one event loop. Requests are answered in their order."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._answers: dict[int, asyncio.Queue[dict[str, Any]]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._number = 0

    async def encode(self, tokenizer: str, text: str) -> list[tuple[int, str]]:
        """The pieces of `text`: number and what it stands for. Raises UserError."""
        answer = await anext(self._ask({"do": "encode", "tokenizer": tokenizer, "text": text}))
        return [(number, piece) for number, piece in answer["pieces"]]

    async def preview(self, paths: Sequence[str]) -> list[dict[str, Any]]:
        """What an import of `paths` would find: see `newleaf.core.corpus.preview`. Raises UserError."""
        answer = await anext(self._ask({"do": "preview", "paths": list(paths)}))
        return list(answer["files"])

    async def generate(self, model: str, prompt: str, options: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """{"left_out": tokens}, then {"text": ...} as it is written, then {"done": {...}}. Raises UserError.

        Leaving the iteration early, or being cancelled, stops the writing.
        """
        answers = self._ask({"do": "generate", "model": model, "prompt": prompt, "options": options})
        async with contextlib.aclosing(answers):
            async for answer in answers:
                yield answer
                if "done" in answer:
                    return

    async def _ask(self, request: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                await self._start()
        assert self._process and self._process.stdin
        self._number += 1
        number = self._number
        answers = self._answers[number] = asyncio.Queue()
        try:
            self._send({"id": number, **request})
            while True:
                answer = await answers.get()
                if "error" in answer:
                    raise UserError(answer["error"])
                yield answer
        finally:
            del self._answers[number]
            self._send({"id": number, "do": "cancel"})

    def _send(self, request: dict[str, Any]) -> None:
        if self._process and self._process.stdin and self._process.returncode is None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(json.dumps(request).encode() + b"\n")

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "newleaf.core.engine.server",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={
                **os.environ,
                "NEWLEAF_HOME": str(home_path()),
                "NEWLEAF_LANGUAGE": current_language(),
                # Threads that spin while they wait halve the speed of this process and of a training beside it.
                "GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "1000"),
            },
            limit=LONGEST_ANSWER,
            start_new_session=True,
        )
        self._reader = asyncio.create_task(self._read(self._process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        while line := await process.stdout.readline():
            answer = json.loads(line)
            if waiting := self._answers.get(answer.pop("id")):
                waiting.put_nowait(answer)
        await process.wait()
        for waiting in self._answers.values():
            waiting.put_nowait({"error": _("The engine has ended: perhaps the memory is full. Try it again.")})

    async def close(self) -> None:
        """End the process."""
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._reader:
            await self._reader
