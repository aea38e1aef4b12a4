"""The app in a browser: textual-serve runs an app for each page and speaks with it, this serves the page.

The page and all that it needs come from here, and it may ask for nothing from elsewhere. Who can open it can do
everything that the person here can; so it wants a token, which the printed address holds and a cookie keeps.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import html
import json
import logging
import os
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..core.engine.listening import LOCAL_HOSTS, in_address, is_loopback, token_problem
from ..core.errors import UserError
from ..core.language import N_, current_language
from ..core.language import gettext as _
from ..core.options import OptionsBase, option

if TYPE_CHECKING:
    from aiohttp import web
    from textual_serve.app_service import AppService

PAGE = Path(__file__).with_name("browser.html")
LONGEST = 64_000_000  # bytes of one message of a page: what is pasted comes as one
LARGEST = 1000  # rows or columns of a page's terminal
PATIENCE = 5.0  # seconds for the apps to end when the server does
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True)
class WebOptions(OptionsBase):
    """How the app is served to a browser."""

    host: str = option("127.0.0.1", N_("The address to listen at; others than this machine's own need --token."))
    port: int = option(8080, N_("The port; 0 for any that is free."), minimum=0, maximum=65535)
    token: str | None = option(
        None,
        N_("What the page's address must hold; without it a new one each time. NEWLEAF_TOKEN says it too."),
        metavar="TOKEN",
    )

    def problems(self) -> list[str]:
        return [] if is_loopback(self.host) or self.token else [token_problem(self.host)]


def needed() -> None:
    """Raises UserError where the library is missing that serves apps."""
    try:
        import textual_serve.app_service  # noqa: F401
    except ImportError:
        raise UserError(_("For the app in a browser, install one more package: pip install 'newleaf[web]'")) from None


class WebServer:
    """The page, what it needs, and an app for each that is open."""

    def __init__(self, listener: socket.socket, options: WebOptions):
        self.listener, self.options = listener, options
        self.port: int = listener.getsockname()[1]
        self.token = options.token or secrets.token_urlsafe(16)
        self.cookie = f"newleaf-{self.port}"  # cookies do not tell ports apart
        self._sockets: set[web.WebSocketResponse] = set()

    @property
    def address(self) -> str:
        """What a person opens."""
        return f"http://{in_address(self.options.host)}:{self.port}/?token={self.token}"

    async def serve(self, ready: Callable[[], None]) -> None:
        """Serve until SIGINT or SIGTERM comes; `ready` is called when pages can be opened."""
        from aiohttp import web

        logging.getLogger("aiohttp").addHandler(logging.NullHandler())  # no traceback reaches a person
        logging.getLogger("textual-serve").addHandler(logging.NullHandler())
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=PATIENCE)
        await runner.setup()
        try:
            await web.SockSite(runner, self.listener).start()
            ready()
            await ended.wait()
        finally:
            for page in list(self._sockets):
                await page.close()
            await runner.cleanup()
            _kill_what_is_left()

    def application(self) -> web.Application:
        """What aiohttp runs."""
        import textual_serve
        from aiohttp import web

        @web.middleware
        async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
            self._check(request)
            answer: web.StreamResponse = await handler(request)
            return answer

        application = web.Application(middlewares=[guard])
        static = Path(str(textual_serve.__file__)).parent / "static"
        application.add_routes(
            [
                web.get("/", self._page),
                web.get("/ws", self._session),
                web.static("/static", static),
            ]
        )
        application.on_response_prepare.append(_add_headers)
        return application

    # Who may come in

    def _check(self, request: web.Request) -> None:
        """Raises the answer for whom is not let in."""
        from aiohttp import web

        if not self._is_addressed(request):
            raise web.HTTPForbidden(text=_("This server does not answer to that name."))
        if request.path == "/" and self._is_token(request.query.get("token", "")):
            answer = web.HTTPSeeOther("/")  # so that the token does not stay in sight
            answer.set_cookie(self.cookie, self.token, httponly=True, samesite="Lax")
            raise answer
        if not self._is_token(request.cookies.get(self.cookie, "")):
            raise web.HTTPForbidden(text=_("Open the address that `newleaf --web` has printed, with its token."))

    def _is_addressed(self, request: web.Request) -> bool:
        """Whether no other page asks, by a name that leads here or from a server of its own."""
        name = urlsplit(f"//{request.host}").hostname or ""
        if is_loopback(self.options.host) and in_address(name) not in [*LOCAL_HOSTS, in_address(self.options.host)]:
            return False
        origin = request.headers.get("Origin")
        return origin is None or urlsplit(origin).netloc == request.host

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    # What they get

    async def _page(self, request: web.Request) -> web.Response:
        from aiohttp import web

        size = request.query.get("fontsize", "")
        values = {
            "language": current_language().replace("_", "-"),
            "socket": f"{'wss' if request.secure else 'ws'}://{request.host}/ws",
            "font_size": size if size.isascii() and size.isdigit() and len(size) < 3 else "16",
            "opening": _("newleaf opens ..."),
            "closed": _("The app has ended. Jobs go on running."),
            "again": _("Open it again"),
        }
        page = Template(PAGE.read_text(encoding="utf-8"))
        escaped = {name: html.escape(value) for name, value in values.items()}
        return web.Response(text=page.substitute(escaped), content_type="text/html")

    async def _session(self, request: web.Request) -> web.WebSocketResponse:
        """An app of the page's own, from the page's opening to its end."""
        from aiohttp import web

        page = web.WebSocketResponse(heartbeat=15, max_msg_size=LONGEST)
        await page.prepare(request)
        self._sockets.add(page)
        app = _new_app(page)
        try:
            await app.start(_cells(request.query.get("width"), 80), _cells(request.query.get("height"), 24))
            async for message in page:
                if message.type == web.WSMsgType.TEXT:
                    await _pass_on(message.data, page, app)
        finally:
            self._sockets.discard(page)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await app.stop()
            await page.close()
        return page


async def _add_headers(_request: web.Request, answer: web.StreamResponse) -> None:
    answer.headers.update(HEADERS)


def _new_app(page: web.WebSocketResponse) -> AppService:
    """An app whose end is the page's end, and which can always write: what nobody reads is let go."""
    from textual_serve.app_service import AppService
    from textual_serve.download_manager import DownloadManager

    class App(AppService):
        async def run(self) -> None:
            try:
                await super().run()
            finally:  # also when it was killed, and said nothing
                await page.close()

    def while_open(write: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
        async def write_if_open(data: Any) -> None:
            if not page.closed:
                with contextlib.suppress(ConnectionError):
                    await write(data)

        return write_if_open

    async def close() -> None:
        await page.close()

    return App(
        f"exec {shlex.join([sys.executable, '-m', 'newleaf'])}",
        write_bytes=while_open(page.send_bytes),
        write_str=while_open(page.send_str),
        close=close,
        download_manager=DownloadManager(),
    )


async def _pass_on(text: str, page: web.WebSocketResponse, app: AppService) -> None:
    """Tell the app what its page says; what is not said as it should be counts for nothing."""
    try:
        kind, *values = json.loads(text)
    except (ValueError, TypeError):
        return
    match kind, values:
        case "stdin", [str(keys)]:
            await app.send_bytes(keys.encode("utf-8", "replace"))
        case "resize", [{"width": int(width), "height": int(height)}]:
            await app.set_terminal_size(_cells(width, 80), _cells(height, 24))
        case "ping", [str(moment)]:
            await page.send_json(["pong", moment])
        case "focus", _:
            await app.focus()
        case "blur", _:
            await app.blur()


def _cells(given: str | int | None, usual: int) -> int:
    """A number of rows or columns."""
    try:
        number = int(given or usual)
    except ValueError:
        return usual
    return min(max(number, 1), LARGEST)


def _kill_what_is_left() -> None:
    """Apps that did not end though they were asked to; jobs and the engine are not children of this process."""
    import psutil

    for child in psutil.Process(os.getpid()).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
