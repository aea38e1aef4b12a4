"""The engine over HTTP, in the words of OpenAI's interface: what its clients know works here.

/v1/models, /v1/completions, /v1/chat/completions; /health; /metrics for Prometheus. Besides, /v1/tasks/NAME.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import UserError
from ..language import gettext as _
from ..model.store import ModelInfo, list_models
from .client import Engine
from .errors import EngineError
from .listening import LOCAL_HOSTS
from .openai import Answer, Request, RequestError, error_body
from .serving import ServeOptions
from .task_requests import TAKES, TaskRequest

Wanted = TypeVar("Wanted", Request, TaskRequest)

GONE = 499  # as nginx notes a client that did not wait for its answer
BEAT = 0.5  # seconds between two looks whether a client is still there


class Metrics:
    """What Prometheus can ask for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

        def made(kind: Any, name: str, text: str, labels: Sequence[str] = ()) -> Any:
            return kind(name, text, labels, namespace="newleaf", registry=self.registry)

        self.requests = made(Counter, "requests", "Requests, by path and status", ["path", "status"])
        self.read = made(Counter, "prompt_tokens", "Tokens of prompts", ["model"])
        self.written = made(Counter, "completion_tokens", "Tokens written", ["model"])
        self.waiting = made(Gauge, "requests_in_progress", "Requests that wait or are at work")
        self.first = made(Histogram, "first_token_seconds", "From the request to its first text", ["model"])
        self.whole = made(Histogram, "request_seconds", "From the request to its end", ["model"])
        self.starts = made(Gauge, "engine_starts", "Processes of the engine that were started")
        self.memory = made(Gauge, "model_bytes", "Bytes of weights in memory")
        self.loaded = made(Gauge, "models_loaded", "Models in memory")


class Busy(Exception):  # noqa: N818  it is no fault
    """As many requests are at work as may be."""


class API:
    """The handlers, and what they share."""

    def __init__(
        self, engine: Engine, options: ServeOptions, model: str | None = None, load: dict[str, Any] | None = None
    ):
        self.engine, self.options, self.model, self.load = engine, options, model, load or {}
        self.metrics = Metrics()
        self.at_work = 0
        self.answered = 0  # requests so far

    def application(self) -> ASGIApp:
        """What a server runs."""
        routes = [
            Route("/health", self.health),
            Route("/metrics", self.show_metrics),
            Route("/v1/models", self.models),
            Route("/v1/models/{name:path}", self.one_model),
            Route("/v1/completions", self.completions, methods=["POST"]),
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
            *(Route(f"/v1/tasks/{task}", self.task, methods=["POST"]) for task in TAKES),
        ]
        # A page that a browser shows may not speak to this server by way of a name that leads here.
        hosts = [*LOCAL_HOSTS, self.options.host] if self.options.is_local and not self.options.socket else ["*"]
        middleware = [Middleware(TrustedHostMiddleware, allowed_hosts=hosts), Middleware(_Guard, api=self)]
        handlers: dict[Any, Callable[..., Any]] = {404: _not_found, 405: _not_allowed, Exception: _fault}
        return Starlette(routes=routes, middleware=middleware, exception_handlers=handlers, lifespan=self._lifespan)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _application: Starlette) -> AsyncIterator[None]:
        yield
        await self.engine.close()

    # What is there

    async def health(self, request: HTTPRequest) -> Response:
        """Whether the engine answers."""
        try:
            async with asyncio.timeout(10):
                status = await self.engine.status()
        except (UserError, TimeoutError) as error:
            return JSONResponse({"status": "error", "error": str(error) or _("The engine does not answer.")}, 503)
        return JSONResponse({"status": "ok", "models": [each["name"] for each in status["models"]]})

    async def show_metrics(self, request: HTTPRequest) -> Response:
        """Prometheus's text."""
        with contextlib.suppress(UserError, TimeoutError):
            async with asyncio.timeout(10):
                status = await self.engine.status()
            self.metrics.memory.set(status["memory"]["used"])
            self.metrics.loaded.set(len(status["models"]))
        self.metrics.starts.set(self.engine.starts)
        return PlainTextResponse(generate_latest(self.metrics.registry))

    async def models(self, request: HTTPRequest) -> Response:
        """The models that can be asked."""
        if self.model is not None:
            found = [ModelInfo.open(self.model)]
        else:
            found = await asyncio.to_thread(list_models)
        return JSONResponse({"object": "list", "data": list(map(_described, found))})

    async def one_model(self, request: HTTPRequest) -> Response:
        """One of them."""
        try:
            return JSONResponse(_described(self._find(request.path_params["name"])))
        except UserError as error:
            return _error(404, str(error), "model")

    def _find(self, name: str) -> ModelInfo:
        if self.model is not None and name != self.model:
            raise UserError(_("This server has the model {name} alone.").format(name=self.model))
        return ModelInfo.open(name)

    # What is written

    async def completions(self, request: HTTPRequest) -> Response:
        """Go on from a prompt."""
        return await self._write(request, chat=False)

    async def chat(self, request: HTTPRequest) -> Response:
        """Answer in a chat."""
        return await self._write(request, chat=True)

    async def _read(self, request: HTTPRequest, read: Callable[[Any], Wanted]) -> Wanted | Response:
        """What is asked for, of a model that there is; or the answer that says what is wrong with it."""
        try:
            wanted = read(await request.json())
        except RequestError as error:
            return _error(400, str(error), error.parameter)
        except (ValueError, RecursionError):
            return _error(400, _("The body is no JSON."))
        try:
            self._find(wanted.model)
        except UserError as error:
            return _error(404, str(error), "model")
        return wanted

    async def _write(self, request: HTTPRequest, chat: bool) -> Response:
        begin = time.monotonic()
        wanted = await self._read(request, lambda body: Request.of(body, chat, self.model))
        if isinstance(wanted, Response):
            return wanted
        try:
            events = self._events(
                wanted.model, self.engine.generate(wanted.model, wanted.prompt, wanted.options, self.load), begin
            )
            await anext(events)  # it has begun: what is wrong with it was said
        except Busy:
            return self._busy()
        except EngineError as error:
            return _engine_error(error)
        except TimeoutError:
            return _error(504, self._too_long())
        if wanted.stream:
            return StreamingResponse(self._stream(Answer(wanted), events), media_type="text/event-stream")
        return await self._whole(request, Answer(wanted).whole, events)

    async def task(self, request: HTTPRequest) -> Response:
        """Do a task, which the path names; what a stream says is what `newleaf.core.tasks.performing` tells."""
        begin, task = time.monotonic(), request.url.path.rpartition("/")[2]
        wanted = await self._read(request, lambda body: TaskRequest.of(task, body, self.model))
        if isinstance(wanted, Response):
            return wanted
        told = self.engine.perform(wanted.model, wanted.task, wanted.request, wanted.options, self.load)
        events = self._events(wanted.model, told, begin)
        if self.at_work >= self.options.queue:
            return self._busy()
        if wanted.stream:
            return StreamingResponse(self._stream(None, events), media_type="text/event-stream")
        return await self._whole(request, lambda done: {"model": wanted.model, **done}, events)

    def _busy(self) -> Response:
        text = _("{number} requests are at work already. Try it again later.").format(number=self.at_work)
        return _error(429, text, headers={"Retry-After": "1"})

    async def _events(
        self, model: str, answers: AsyncGenerator[dict[str, Any], None], begin: float
    ) -> AsyncGenerator[dict[str, Any], None]:
        """What the engine says, within the limits: raises Busy, TimeoutError and EngineError."""
        if self.at_work >= self.options.queue:
            raise Busy
        self.at_work += 1
        self.metrics.waiting.set(self.at_work)
        first = True
        try:
            async with contextlib.aclosing(answers):
                while True:
                    left = begin + self.options.timeout - time.monotonic()
                    try:
                        async with asyncio.timeout(max(0.0, left)):  # wait_for can lose a cancellation in Python 3.11
                            answer = await anext(answers)
                    except StopAsyncIteration:
                        return
                    if first and "delta" in answer:
                        first = False
                        self.metrics.first.labels(model).observe(time.monotonic() - begin)
                    if "done" in answer:
                        self._count(model, answer["done"], begin)
                    yield answer
        finally:
            self.at_work -= 1
            self.metrics.waiting.set(self.at_work)

    def _count(self, model: str, done: dict[str, Any], begin: float) -> None:
        self.metrics.whole.labels(model).observe(time.monotonic() - begin)
        if "completions" in done:
            self.metrics.read.labels(model).inc(done["prompt_tokens"])
            self.metrics.written.labels(model).inc(sum(each["tokens"] for each in done["completions"]))

    async def _whole(
        self,
        request: HTTPRequest,
        body: Callable[[dict[str, Any]], dict[str, Any]],
        events: AsyncGenerator[dict[str, Any], None],
    ) -> Response:
        """The answer at once: the body that is made of what the engine says at its end, with its notices."""
        notices: list[str] = []

        async def collect() -> Response:
            try:
                async with contextlib.aclosing(events):
                    async for event in events:
                        notices.extend([event["notice"]] if "notice" in event else [])
                        if "done" in event:
                            return JSONResponse({**body(event["done"]), **({"notices": notices} if notices else {})})
            except EngineError as error:
                return _engine_error(error)
            except TimeoutError:
                return _error(504, self._too_long())
            raise AssertionError

        task = asyncio.create_task(collect())
        while not task.done():
            await asyncio.wait({task}, timeout=BEAT)
            if not task.done() and await request.is_disconnected():
                task.cancel()
                await asyncio.wait({task})
                return Response(status_code=GONE)
        return task.result()

    async def _stream(self, answer: Answer | None, events: AsyncGenerator[dict[str, Any], None]) -> AsyncIterator[str]:
        """The events of a stream: in the words of an `answer`, or as the engine tells them."""
        try:
            async with contextlib.aclosing(events):
                for event in answer.opening() if answer else ():
                    yield _event(event)
                async for event in events:
                    if answer is None:
                        yield _event(event)
                    elif "delta" in event:
                        yield _event(answer.delta(event["delta"]))
                    elif "done" in event:
                        for last in answer.closing(event["done"]):
                            yield _event(last)
        except EngineError as error:
            yield _event(error_body(str(error), "server_error"))
        except TimeoutError:
            yield _event(error_body(self._too_long(), "timeout"))
        yield "data: [DONE]\n\n"

    def _too_long(self) -> str:
        return _("The request took longer than {seconds:.0f} seconds.").format(seconds=self.options.timeout)


class _Guard:
    """Before anything else: who may ask, how long a request may be, and a count of all."""

    def __init__(self, app: ASGIApp, api: API):
        self.app, self.api = app, api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = HTTPRequest(scope)
        status = 500

        async def counted(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            response = self._refusal(request)
            if response is None:
                body = await self._body(request, receive)
                if body is None:
                    text = _("The request is longer than {number:,} bytes.").format(number=self.api.options.body)
                    response = _error(413, text)
                else:
                    receive = _with_body(body, receive)
            await (response or self.app)(scope, receive, counted)
        finally:
            known = {route.path for route in scope["app"].routes}
            path = request.url.path if request.url.path in known else "other"
            self.api.answered += 1
            self.api.metrics.requests.labels(path, str(status)).inc()

    def _refusal(self, request: HTTPRequest) -> Response | None:
        token = self.api.options.token
        if token is not None and request.url.path != "/health":
            given = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode("latin-1"), token.encode()):
                return _error(401, _("The API key is missing or wrong."), headers={"WWW-Authenticate": "Bearer"})
        if request.method == "POST" and request.headers.get("Content-Type", "").split(";")[0] != "application/json":
            # What a page of another site can send without being asked is of other types.
            return _error(415, _("The request must be of the type application/json."))
        return None

    async def _body(self, request: HTTPRequest, receive: Receive) -> bytes | None:
        """All of it; None where it is too long."""
        body = bytearray()
        if request.method != "POST":
            return bytes(body)
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self.api.options.body:
                return None
            if not message.get("more_body"):
                return bytes(body)


def _with_body(body: bytes, receive: Receive) -> Receive:
    """Receives a body that was read already, and then whatever comes."""
    given = False

    async def receive_again() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _described(info: ModelInfo) -> dict[str, Any]:
    return {
        "id": info.name,
        "object": "model",
        "created": int(info.provenance.get("created", 0)),
        "owned_by": "newleaf",
        "parameters": info.config.parameters,
        "context": info.config.context,
    }


def _error(status: int, sentence: str, parameter: str | None = None, headers: dict[str, str] | None = None) -> Response:
    kind = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error", 504: "timeout"}.get(
        status, "invalid_request_error" if status < 500 else "server_error"
    )
    return JSONResponse(error_body(sentence, kind, parameter), status, headers)


def _engine_error(error: EngineError) -> Response:
    return _error({"wrong": 400, "ended": 503}.get(error.kind, 500), str(error))


async def _not_found(request: HTTPRequest, error: Exception) -> Response:
    return _error(404, _("There is nothing at {path}.").format(path=request.url.path))


async def _not_allowed(request: HTTPRequest, error: Exception) -> Response:
    return _error(405, _("{path} does not take {method}.").format(path=request.url.path, method=request.method))


async def _fault(request: HTTPRequest, error: Exception) -> Response:
    return _error(500, f"{type(error).__name__}: {error}")
