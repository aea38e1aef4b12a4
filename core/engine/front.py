"""Models served over HTTP until somebody ends it: a place to listen at, the engine, and uvicorn between them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..language import gettext as _
from ..model.loading import LoadOptions
from .listening import in_address, listen_at
from .place import listen_privately
from .serving import ServeOptions

LOOK = 0.2  # seconds between two looks whether it shall end


@contextlib.contextmanager
def listening(options: ServeOptions) -> Iterator[socket.socket]:
    """A socket at the place that the options say. Raises UserError where nobody can listen there."""
    listener = _unix_listener(Path(options.socket)) if options.socket else listen_at(options.host, options.port)
    try:
        yield listener
    finally:
        listener.close()
        if options.socket:
            Path(options.socket).unlink(missing_ok=True)


def address_of(listener: socket.socket, options: ServeOptions) -> str:
    """Where clients find it, as it is said to a person."""
    if options.socket:
        return f"{options.socket} (curl --unix-socket {options.socket} http://localhost/v1/models)"
    return f"http://{in_address(options.host)}:{listener.getsockname()[1]}/v1"


async def serve(
    listener: socket.socket,
    options: ServeOptions,
    model: str | None,
    load: LoadOptions,
    begun: Callable[[], None],
    ended: Callable[[], bool],
    count: Callable[[int], None] = lambda requests: None,
) -> None:
    """Serve the model of this name, or all, until `ended`. `begun` is called then, `count` with the requests so far."""
    import uvicorn

    from .client import Engine
    from .http import API

    engine = Engine(None if options.memory is None else int(options.memory * 1e9))
    try:
        if model:
            await engine.load(model, load.as_dict())
        api = API(engine, options, model, load.as_dict())
        server = uvicorn.Server(
            uvicorn.Config(api.application(), log_level="warning", access_log=False, timeout_graceful_shutdown=5)
        )

        async def watch() -> None:
            while not ended():
                count(api.answered)
                await asyncio.sleep(LOOK)
            server.should_exit = True

        watching = asyncio.create_task(watch())
        begun()
        try:
            await server.serve(sockets=[listener])
        finally:
            watching.cancel()
    finally:
        await engine.close()


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
