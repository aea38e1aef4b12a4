"""`newleaf translate`: a text in another language."""

from __future__ import annotations

from argparse import Namespace

from ..core.language import gettext as _
from .arguments import ArgumentParser
from .performing import add_model, add_text, answer, text_of


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Translate a text, sentence by sentence; lines and lists stay as they are. TEXT is a text, a file of any kind "
        "that corpora read, or what comes on standard input."
    )
    add_model(parser)
    add_text(parser)
    parser.add_argument("--to", metavar="CODE", help=_("the language to translate into, such as zh"))
    parser.add_argument("--from", dest="source", metavar="CODE", help=_("the language of the text; found without it"))
    parser.set_defaults(run=_translate)


def _translate(parsed: Namespace) -> int:
    text = text_of(parsed, _("There is nothing to translate: give a text."))
    request = {"text": text, "to": parsed.to, "from": parsed.source}
    return answer(parsed, "translate", request, {"source": text})
