"""`newleaf summarize`: what a text says, in short."""

from __future__ import annotations

from argparse import Namespace

from ..core.language import gettext as _
from .arguments import ArgumentParser, count
from .performing import add_model, add_text, answer, text_of

STYLES = ("prose", "bullets")


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Sum up a text of any length. TEXT is a text, a file of any kind that corpora read, or what comes on standard "
        "input. A model that was taught no summaries picks the sentences that say most."
    )
    add_model(parser)
    add_text(parser)
    parser.add_argument("--words", type=count, metavar="N", help=_("about how many words"))
    parser.add_argument("--style", choices=STYLES, default="prose", help=_("how it is written"))
    parser.set_defaults(run=_summarize)


def _summarize(parsed: Namespace) -> int:
    text = text_of(parsed, _("There is nothing to sum up: give a text."))
    request = {"text": text, "words": parsed.words, "style": parsed.style}
    return answer(parsed, "summary", request, {})
