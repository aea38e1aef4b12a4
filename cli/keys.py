"""`newleaf keys`: what the app's keys do, by the names with which a person changes them."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..core.home import settings_path
from ..core.language import gettext as _
from .arguments import ArgumentParser
from .main import DONE, FAILED
from .output import print_json, print_table, say


def configure(parser: ArgumentParser) -> None:
    """Its arguments."""
    parser.description = _(
        "Every key of the app with its id. To change one, write a line for it below [keys] in {path}, such as: "
        '"chat.mode" = "f10"'
    ).format(path=settings_path())
    parser.add_json()
    parser.set_defaults(run=_keys)


def _keys(parsed: Namespace) -> int:
    from ..tui.keymap import all_bound, chosen_keys

    changed, wrong = chosen_keys()
    found: list[dict[str, Any]] = [
        {
            "id": bound.id,
            "keys": changed[bound.id].split(",") if bound.id in changed else list(bound.keys),
            "changed": bound.id in changed,
            "description": _(bound.description) if bound.description else "",
        }
        for bound in sorted(all_bound().values(), key=lambda each: each.id)
    ]
    if parsed.json:
        print_json(found)
    else:
        rows = [
            [each["id"], " ".join(each["keys"]), "*" if each["changed"] else "", each["description"]] for each in found
        ]
        print_table([_("id"), _("keys"), "", _("what it does")], rows)
    for sentence in wrong:
        say(sentence)
    return FAILED if wrong else DONE
