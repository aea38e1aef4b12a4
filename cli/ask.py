"""`newleaf ask`: a question, answered from one's own documents."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ..core import store
from ..core.errors import UserError
from ..core.knowledge.adding import Added
from ..core.knowledge.passages import place_parts
from ..core.knowledge.store import Knowledge
from ..core.language import gettext as _
from .arguments import ArgumentParser, count
from .main import DONE, FAILED, INTERRUPTED
from .output import ProgressLine, piped, print_json, say
from .performing import add_model, opened, perform

LEFT_OUT = 5  # files that are named
EXCERPT = 300  # characters of a passage that are shown


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Answer a question from documents, and show the passages that the answer comes from. Where they have no answer "
        "it says so, and ends with 1."
    )
    add_model(parser)
    parser.add_argument("question", nargs="?", default="", metavar="QUESTION")
    parser.add_argument(
        "--knowledge",
        "-k",
        nargs="+",
        metavar="K",
        help=_("the name of a knowledge base, or files and folders; without it the model answers from what it learnt"),
    )
    parser.add_argument("--passages", type=count, default=5, metavar="N", help=_("how many passages are looked at"))
    parser.set_defaults(run=_ask)


def _ask(parsed: Namespace) -> int:
    question = piped(parsed.question).strip()
    if not question:
        raise UserError(_("There is no question."))
    folder = _knowledge(parsed.knowledge) if parsed.knowledge else None
    writing, values = opened(parsed)
    request = {"question": question, "knowledge": folder and str(folder), "passages": parsed.passages}
    try:
        done = perform(writing, "qa", request, values, show=not parsed.json)
    except KeyboardInterrupt:
        return INTERRUPTED
    if parsed.json:
        print_json({"model": parsed.model, "question": question, **done})
        return DONE if done["found"] else FAILED
    if not done["found"]:
        say(_("Not found in the documents."))
    for number, passage in enumerate(done["passages"], 1):
        say(f"[{number}] " + " ".join(place_parts(passage["source"], passage["page"])))
        excerpt = " ".join(passage["text"].split())
        say("    " + excerpt[:EXCERPT] + ("…" if len(excerpt) > EXCERPT else ""))
    return DONE if done["found"] else FAILED


def _knowledge(given: list[str]) -> Path:
    """The folder of the knowledge base that is meant: one by its name, or of these paths."""
    if len(given) == 1 and given[0] in store.names("knowledge") and not Path(given[0]).exists():
        return Knowledge.open(given[0]).path
    if len(given) == 1 and not Path(given[0]).exists() and not any(mark in given[0] for mark in "/*?[."):
        return Knowledge.open(given[0]).path  # says what there is
    from ..core.knowledge.temporary import knowledge_of

    line = ProgressLine()
    try:
        return knowledge_of(given, line.progress, _tell).path
    finally:
        line.clear()


def _tell(added: Added) -> None:
    """Say which files could not be read."""
    for name, reason in added.left_out[:LEFT_OUT]:
        say(_("{name}: {reason}; left out.").format(name=name, reason=reason))
    if len(added.left_out) > LEFT_OUT:
        say(_("{number} more are left out.").format(number=len(added.left_out) - LEFT_OUT))
