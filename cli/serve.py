"""`newleaf serve`: models over HTTP, as OpenAI's clients know them."""

from __future__ import annotations

import asyncio
import signal
import socket
from argparse import Namespace
from pathlib import Path
from typing import Any

from ..core.engine.listening import in_address, listen_at
from ..core.engine.place import listen_privately
from ..core.engine.serving import ServeOptions
from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.model.loading import LoadOptions
from ..core.model.store import ModelInfo
from .arguments import ArgumentParser, given, served_as
from .main import DONE
from .output import say


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Serve models over HTTP, in the words of OpenAI's interface: /v1/models, /v1/completions and "
        "/v1/chat/completions. Only this machine can connect, unless --host says otherwise."
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help=_("serve this one alone; without it, all models"))
    parser.add_options(ServeOptions)
    parser.add_options(LoadOptions)
    parser.set_defaults(run=_serve)


def _serve(parsed: Namespace) -> int:
    load = given(LoadOptions, parsed)
    options = served_as(ServeOptions, parsed)
    if parsed.model:
        ModelInfo.open(parsed.model)
    listener = _unix_listener(Path(options.socket)) if options.socket else listen_at(options.host, options.port)
    try:
        return asyncio.run(_run(listener, options, parsed.model, load))
    finally:
        listener.close()
        if options.socket:
            Path(options.socket).unlink(missing_ok=True)


async def _run(listener: socket.socket, options: ServeOptions, model: str | None, load: LoadOptions) -> int:
    import uvicorn

    from ..core.engine.client import Engine
    from ..core.engine.http import API

    engine = Engine(None if options.memory is None else int(options.memory * 1e9))
    try:
        if model:
            say(_("Reading the model {name} ...").format(name=model))
            await engine.load(model, load.as_dict())
        application = API(engine, options, model, load.as_dict()).application()
        server = uvicorn.Server(
            uvicorn.Config(application, log_level="warning", access_log=False, timeout_graceful_shutdown=5)
        )
        # uvicorn ends in order and then raises the signal again: by itself that would kill what is done below. One that
        # comes before uvicorn listens to it counts as well.
        signal.signal(signal.SIGTERM, lambda _number, _frame: setattr(server, "should_exit", True))
        say(_("Serving at {address}  Ctrl+C ends it.").format(address=_address(listener, options)))
        await server.serve(sockets=[listener])
    finally:
        await engine.close()
    return DONE


def _address(listener: socket.socket, options: ServeOptions) -> str:
    if options.socket:
        return f"{options.socket} (curl --unix-socket {options.socket} http://localhost/v1/models)"
    return f"http://{in_address(options.host)}:{listener.getsockname()[1]}/v1"


def _unix_listener(path: Path) -> socket.socket:
    """A socket that only its owner can reach; what a killed server left in its place is taken away."""
    if path.is_socket():
        probe: Any = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with probe:
            if probe.connect_ex(str(path)) == 0:
                raise UserError(_("Another program listens at {path}. Choose another --socket.").format(path=path))
        path.unlink()
    try:
        return listen_privately(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(_("Cannot listen at {path}: {reason}.").format(path=path, reason=reason)) from None
