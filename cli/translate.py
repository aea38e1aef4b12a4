"""`newleaf translate`: a text in another language."""

from __future__ import annotations

from argparse import Namespace

from ..core.language import gettext as _
from .arguments import ArgumentParser
from .main import DONE, INTERRUPTED
from .output import print_json
from .performing import add_model, opened, perform, text_of


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Translate a text, sentence by sentence; lines and lists stay as they are. TEXT is a text, a file of any kind "
        "that corpora read, or what comes on standard input."
    )
    add_model(parser)
    parser.add_argument("text", nargs="?", default="", metavar="TEXT", help=_("a text or a file"))
    parser.add_argument("--to", metavar="CODE", help=_("the language to translate into, such as zh"))
    parser.add_argument("--from", dest="source", metavar="CODE", help=_("the language of the text; found without it"))
    parser.set_defaults(run=_translate)


def _translate(parsed: Namespace) -> int:
    text = text_of(parsed, _("There is nothing to translate: give a text."))
    writing, values = opened(parsed)
    request = {"text": text, "to": parsed.to, "from": parsed.source}
    try:
        done = perform(writing, "translate", request, values, show=not parsed.json)
    except KeyboardInterrupt:
        return INTERRUPTED
    if parsed.json:
        print_json({"model": parsed.model, "source": text, **done})
    return DONE
