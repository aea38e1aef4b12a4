"""`newleaf serve`: models over HTTP, as OpenAI's clients know them."""

from __future__ import annotations

import asyncio
import signal
import threading
from argparse import Namespace

from ..core.engine.front import address_of, listening, serve
from ..core.engine.serving import ServeOptions
from ..core.errors import UserError
from ..core.language import gettext as _
from ..core.model.loading import LoadOptions
from ..core.model.store import ModelInfo
from ..trainer.work import serving
from .arguments import ArgumentParser, given, served_as
from .follow import say_detached
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
    parser.add_argument("--detach", action="store_true", help=_("serve in the background, until the job is stopped"))
    parser.add_json()
    parser.set_defaults(run=_serve)


def _serve(parsed: Namespace) -> int:
    load = given(LoadOptions, parsed)
    options = served_as(ServeOptions, parsed)
    if parsed.detach:
        say_detached(serving.submit(parsed.model, options, load), parsed.json)
        return DONE
    if parsed.json:
        raise UserError(_("--json needs --detach: it says what the job is that serves."))
    if parsed.model:
        ModelInfo.open(parsed.model)
    # uvicorn ends in order and then raises the signal again: by itself that would kill what is done after it. One that
    # comes before uvicorn listens to it counts as well.
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: ending.set())
    with listening(options) as listener:
        sentence = _("Serving at {address}  Ctrl+C ends it.").format(address=address_of(listener, options))
        if parsed.model:
            say(_("Reading the model {name} ...").format(name=parsed.model))
        asyncio.run(serve(listener, options, parsed.model, load, lambda: say(sentence), ending.is_set))
    return DONE
