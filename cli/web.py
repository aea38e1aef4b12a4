"""`newleaf --web`: the app in a browser."""

from __future__ import annotations

import asyncio
from argparse import Namespace

from ..core.engine.listening import is_loopback, listen_at
from ..core.language import gettext as _
from ..tui.browser import WebOptions, WebServer, needed
from .arguments import ArgumentParser, served_as
from .main import DONE
from .output import say


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Open the app in a browser: it is served at an address that holds a token, and an app of its own runs for each "
        "page. Only this machine can connect, unless --host says otherwise."
    )
    parser.add_options(WebOptions)
    parser.set_defaults(run=_serve)


def _serve(parsed: Namespace) -> int:
    options = served_as(WebOptions, parsed)
    needed()
    with listen_at(options.host, options.port) as listener:
        server = WebServer(listener, options)
        if not is_loopback(options.host):
            say(
                _(
                    "Whoever knows the token can do all that you can do in the app, and what goes over the network is "
                    "not encrypted. Safer: without --host, and a tunnel: ssh -L {port}:127.0.0.1:{port}"
                ).format(port=server.port)
            )
        asyncio.run(
            server.serve(lambda: say(_("Open {address} in a browser. Ctrl+C ends it.").format(address=server.address)))
        )
    return DONE
