"""The process: JSON lines at a unix socket. `python -m newleaf.core.engine.server [MEMORY]`

    {"id": 1, "do": "encode", "tokenizer": NAME, "text": TEXT}        -> {"id": 1, "done": [[number, text, hex], ...]}
    {"id": 2, "do": "generate", "model": NAME, "load": {...}, "prompt": ..., "options": {...}}
        -> {"id": 2, "started": {seed, prompt_tokens, left_out}}, while a long prompt is read {"id": 2, "reading":
           {done, total}}, {"id": 2, "delta": {index, text, scores}} again and again, {"id": 2, "done": {seed,
           prompt_tokens, completions}}
    {"id": 9, "do": "perform", "model": NAME, "load": {...}, "task": NAME, "request": {...}, "options": {...}}
        -> what `newleaf.core.tasks.performing` tells, {"id": 9, "done": {...}} last
    {"id": 13, "do": "judge", "model": NAME, "load": {...}, "prompt": ..., "text": TEXT, "alternatives": N}
        -> {"id": 13, "done": [{token, bytes, logprob, top}, ...]}, how sure the model is of a text after a prompt
    {"id": 3, "do": "load", "model": NAME, "load": {...}}             -> {"id": 3, "done": {...}}
    {"id": 4, "do": "preview", "paths": [...], "options": {...}}      -> {"id": 4, "done": [...]}
    {"id": 6, "do": "before_after", "paths": [...], "corpora": [...], "options": {...}} -> {"id": 6, "done": {...}}
    {"id": 5, "do": "status"}                                         -> {"id": 5, "done": {models, busy, ...}}
    {"id": 6, "do": "pieces", "tokenizer": NAME, "text": TEXT, "limit": N}
        -> {"id": 6, "done": {total, pieces: [[number, text, hex], ...]}}
    {"id": 7, "do": "compare", "tokenizers": [NAME, NAME], "corpus": NAME}  -> {"id": 7, "done": {a Comparison}}
    {"id": 8, "do": "import_tokenizer", "path": PATH, "name": NAME, "corpus": NAME or ""}
        -> {"id": 8, "done": {its summary}}
    {"id": 10, "do": "read_text", "path": PATH}                       -> {"id": 10, "done": TEXT}
    {"id": 11, "do": "add_knowledge", "paths": [...], "name": NAME}, or "knowledge_of" without a name
        -> {"id": 11, "progress": {done, total, message}} again and again, {"id": 11, "done": {...}}
    {"id": 12, "do": "preview_records", "model": NAME, "paths": [...], "task": NAME or "", "options": {...}}
        -> {"id": 12, "done": {...}}
    {"id": 2, "do": "cancel"}                                         ends request 2 at once
    anything that goes wrong                                          -> {"id": ..., "error": "a sentence", "kind": ...}

A prompt is what `Writer.start` takes. Models work one after the other, in the order of the requests; encoding, looking
into files and status do not wait for them, nor do what measures tokenizers and what tries what cleaning would do to a
text, each one after the other; what reads a person's documents waits for nothing. MEMORY is the most bytes of weights
that stay loaded. The process ends when its last client is gone, whatever is being computed.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ... import __version__
from ..errors import FAULT, UserError, explain
from ..files import FolderLock
from ..home import home
from ..language import gettext as _
from ..language import set_language
from ..memory import total_memory
from ..model.loading import LoadOptions
from ..progress import Cancelled, Progress
from . import documents, tokenizers
from .models import Models
from .place import listen, socket_path

if TYPE_CHECKING:
    from ..generation.generate import Run

PREVIEW = 1_500  # characters of a file
STALLED = 10  # seconds after which a client that does not read is left alone
LINGER = 1.0  # seconds that the process waits for another client after the last
FIRST = 30.0  # seconds that it waits for the first
NICENESS = 5  # screens and keys come first, and this before trainings
SHARE = 0.5  # of the machine's memory, for models, unless it is told otherwise
QUICK = {"encode", "pieces", "preview", "status"}
MEASURING = {"compare", "import_tokenizer"}  # takes seconds, and needs no model
TRIES = {"before_after"}
DOCUMENTS = {"read_text", "add_knowledge", "knowledge_of", "preview_records"}  # may take minutes: each has a thread
OFTEN = 0.1  # seconds between two words of progress


class Client:
    """A connection, and what of its requests is being written or is not wanted any more."""

    def __init__(self, connection: socket.socket):
        self.connection = connection
        self.gone = False
        self._cancelled: set[int] = set()
        self._runs: dict[int, Run] = {}
        self._writing = threading.Lock()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", STALLED, 0))

    def is_cancelled(self, number: int) -> bool:
        """Whether nobody wants the answer to this request any more."""
        return self.gone or number in self._cancelled

    def cancel(self, number: int) -> None:
        """Let it be, whether it waits or is being written."""
        self._cancelled.add(number)
        if run := self._runs.get(number):
            run.cancel()

    def leave(self) -> None:
        """The client is gone: let all be."""
        self.gone = True
        for run in list(self._runs.values()):
            run.cancel()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def writing(self, number: int, run: Run) -> Iterator[None]:
        """While `run` writes the answer to a request, a cancellation reaches it."""
        self._runs[number] = run
        if self.is_cancelled(number):
            run.cancel()
        try:
            yield
        finally:
            del self._runs[number]

    def forget(self, number: int) -> None:
        """The request has had its answer."""
        self._cancelled.discard(number)

    def answer(self, number: int, **values: Any) -> None:
        """Send an answer to a request."""
        self.send(line_of(number, **values))

    def send(self, line: bytes) -> None:
        """Send a line; a client that is gone, or reads nothing, gets no more."""
        if self.gone:
            return
        try:
            with self._writing:
                self.connection.sendall(line)
        except OSError:
            self.leave()


def line_of(number: int, **values: Any) -> bytes:
    """An answer to a request, as it is sent. Raises TypeError for what cannot be told."""
    return json.dumps({"id": number, **values}).encode() + b"\n"


class Server:
    """A thread for each client reads requests; one does what is quick, one measures, one tries what cleaning would do,
    and the first one lets models work."""

    def __init__(self, memory: int):
        self.models = Models(memory)
        self.slow: queue.Queue[tuple[Client, dict[str, Any]]] = queue.Queue()
        self.quick: queue.Queue[tuple[Client, dict[str, Any]]] = queue.Queue()
        self.measuring: queue.Queue[tuple[Client, dict[str, Any]]] = queue.Queue()
        self.tries: queue.Queue[tuple[Client, dict[str, Any]]] = queue.Queue()
        self.clients: set[Client] = set()
        self.busy = 0  # requests for models that wait or are at work
        self._lock = threading.Lock()

    def serve(self, listener: socket.socket) -> None:
        """Until the last client is gone."""
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        for waiting in (self.quick, self.measuring, self.tries):
            threading.Thread(target=self._work, args=(waiting,), daemon=True).start()
        self._work(self.slow)

    def _accept(self, listener: socket.socket) -> None:
        listener.settimeout(0.1)
        needed, patience = time.monotonic(), FIRST
        while time.monotonic() - needed < patience:
            with contextlib.suppress(TimeoutError):
                connection, _address = listener.accept()
                connection.settimeout(None)
                client = Client(connection)
                self.clients.add(client)
                threading.Thread(target=self._read, args=(client,), daemon=True).start()
                patience = LINGER
            if self.clients:
                needed = time.monotonic()
        with contextlib.suppress(FileNotFoundError):
            socket_path().unlink()
        os._exit(0)  # nobody is there any more, whatever is being computed

    def _read(self, client: Client) -> None:
        try:
            with client.connection.makefile("r", encoding="utf-8") as lines:
                for line in lines:
                    self._take(client, json.loads(line))
        except Exception:  # what is no request: its sender is left alone
            pass
        client.leave()
        self.clients.discard(client)

    def _take(self, client: Client, request: dict[str, Any]) -> None:
        if request["do"] == "cancel":
            client.cancel(request["id"])
        elif request["do"] in QUICK:
            self.quick.put((client, request))
        elif request["do"] in MEASURING:
            self.measuring.put((client, request))
        elif request["do"] in TRIES:
            self.tries.put((client, request))
        elif request["do"] in DOCUMENTS:
            threading.Thread(target=self._do, args=(client, request), daemon=True).start()
        else:
            with self._lock:
                self.busy += 1
            self.slow.put((client, request))

    def _work(self, waiting: queue.Queue[tuple[Client, dict[str, Any]]]) -> None:
        while True:
            client, request = waiting.get()
            self._do(client, request, makes_busy=waiting is self.slow)

    def _do(self, client: Client, request: dict[str, Any], makes_busy: bool = False) -> None:
        tasks: dict[str, Callable[[Client, int, dict[str, Any]], Any]] = {
            "encode": lambda _client, _number, request: tokenizers.encode(request),
            "pieces": lambda _client, _number, request: tokenizers.pieces(request),
            "compare": lambda _client, _number, request: tokenizers.compare(request),
            "import_tokenizer": self._import_tokenizer,
            "preview": self._preview,
            "before_after": self._before_after,
            "status": self._status,
            "load": self._load,
            "generate": self._generate,
            "perform": self._perform,
            "judge": self._judge,
            "read_text": lambda _client, _number, request: documents.read_text(request),
            "add_knowledge": self._add_knowledge,
            "knowledge_of": self._knowledge_of,
            "preview_records": lambda _client, _number, request: documents.preview_records(request),
        }
        number, last = request["id"], b""
        try:
            if not client.is_cancelled(number):
                set_language(request.get("language"))
                last = line_of(number, done=tasks[request["do"]](client, number, request))
        except Cancelled:
            last = line_of(number, error=_("Cancelled."), kind="cancelled")
        except Exception as error:
            sentence = explain(error) or _(FAULT).format(error=f"{type(error).__name__}: {error}")
            last = line_of(number, error=sentence, kind="wrong" if isinstance(error, UserError) else "fault")
        client.forget(number)
        if makes_busy:  # no longer when the answer is read: whoever asks next would load the model anew
            with self._lock:
                self.busy -= 1
        if last:
            client.send(last)

    def _import_tokenizer(self, client: Client, number: int, request: dict[str, Any]) -> dict[str, Any]:
        return tokenizers.import_tokenizer(request, lambda: client.is_cancelled(number))

    def _add_knowledge(self, client: Client, number: int, request: dict[str, Any]) -> dict[str, Any]:
        return documents.add_knowledge(request, _telling(client, number))

    def _knowledge_of(self, client: Client, number: int, request: dict[str, Any]) -> dict[str, Any]:
        return documents.knowledge_of(request, _telling(client, number))

    def _preview(self, client: Client, number: int, request: dict[str, Any]) -> list[Any]:
        from ..corpus.importing import ImportOptions
        from ..corpus.preview import preview

        return preview(request["paths"], PREVIEW, ImportOptions.from_mapping(request.get("options") or {}))

    def _before_after(self, client: Client, number: int, request: dict[str, Any]) -> dict[str, Any]:
        from ..corpus.before_after import try_on_corpora, try_on_files
        from ..corpus.importing import ImportOptions

        def still_wanted(done: float, total: float, message: str = "", **metrics: float) -> None:
            if client.is_cancelled(number):
                raise Cancelled

        options = ImportOptions.from_mapping(request["options"])
        if request["corpora"]:
            return try_on_corpora(request["corpora"], options, still_wanted)
        return try_on_files(request["paths"], options, still_wanted)

    def _status(self, client: Client, number: int, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "version": __version__,
            "process": os.getpid(),
            "busy": self.busy,
            "models": self.models.as_list(),
            "memory": {"used": self.models.used, "limit": self.models.limit},
        }

    def _writer(self, client: Client, number: int, request: dict[str, Any]) -> Any:
        options = LoadOptions.from_mapping(request.get("load") or {})
        return self.models.get(request["model"], options, lambda: client.is_cancelled(number))

    def _load(self, client: Client, number: int, request: dict[str, Any]) -> dict[str, Any]:
        writer = self._writer(client, number, request)
        return {"model": request["model"], "context": writer.model.config.context, "device": writer.model.device.type}

    def _generate(self, client: Client, number: int, request: dict[str, Any]) -> dict[str, Any]:
        from ..generation.stream import answers_of

        writer = self._writer(client, number, request)
        run = writer.start(request["prompt"], writer.options(request["prompt"], request["options"]))
        run.progress = lambda done, total, *_text: client.answer(number, reading={"done": done, "total": total})
        done: dict[str, Any] = {}
        with client.writing(number, run):
            for answer in answers_of(run):
                done = answer.get("done", done)
                if not done:
                    client.answer(number, **answer)
        return done

    def _perform(self, client: Client, number: int, request: dict[str, Any]) -> dict[str, Any]:
        from ..tasks.performing import Performer, perform

        performer = Performer.of(
            request["model"],
            self._writer(client, number, request),
            request.get("options") or {},
            hold=lambda run: client.writing(number, run),
            cancelled=lambda: client.is_cancelled(number),
        )
        done: dict[str, Any] = {}
        for answer in perform(performer, request["task"], request["request"]):
            done = answer.get("done", done)
            if not done:
                client.answer(number, **answer)
        return done

    def _judge(self, client: Client, number: int, request: dict[str, Any]) -> list[dict[str, Any]]:
        writer = self._writer(client, number, request)
        from ..generation.judging import as_dicts, judge  # after the model: it imports torch

        scores = judge(
            writer,
            request["prompt"],
            request["text"],
            request["alternatives"],
            lambda: client.is_cancelled(number),
        )
        return as_dicts(writer, scores)


def _telling(client: Client, number: int) -> Progress:
    """Progress that the client is told, until it does not want to know any more."""
    told = -OFTEN

    def tell(done: float, total: float, message: str = "", **metrics: float) -> None:
        nonlocal told
        if client.is_cancelled(number):
            raise Cancelled
        if (now := time.monotonic()) - told >= OFTEN:
            told = now
            client.answer(number, progress={"done": done, "total": total, "message": message})

    return tell


def main() -> None:
    """Serve, unless another process does."""
    memory = int(sys.argv[1]) if len(sys.argv) > 1 else int(SHARE * total_memory())
    folder = home() / "engine"
    folder.mkdir(mode=0o700, exist_ok=True)
    os.nice(NICENESS)
    if FolderLock(folder).acquire():  # held until the process ends
        Server(memory).serve(listen())


if __name__ == "__main__":
    main()
