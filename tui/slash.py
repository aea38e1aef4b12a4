"""What can be typed in the place of a prompt: `/` and a name, with words behind it where it needs some."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..core.errors import UserError
from ..core.language import N_, labelled
from ..core.language import gettext as _

_FORM = re.compile(r"/([a-z]+)(?:\s+(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Command:
    """`argument` names what follows the name; with "?" behind it, it may be missing."""

    name: str
    description: str
    argument: str = ""


COMMANDS = {
    command.name: command
    for command in (
        Command("new", N_("begins another chat")),
        Command("chats", N_("all conversations; with words, those that have them"), "words?"),
        Command("model", N_("goes on with another model"), "name"),
        Command("mode", N_("write, chat, ask, summarize, translate or classify"), "name"),
        Command("system", N_("what the model is told before the chat begins"), "text?"),
        Command("set", N_("how it writes, such as /set temperature 0.5"), "name value"),
        Command("again", N_("writes the last answer again")),
        Command("more", N_("goes on with the last answer")),
        Command("compare", N_("two to four answers side by side, also of another model"), "number model?"),
        Command("good", N_("the last answer was good")),
        Command("bad", N_("the last answer was bad")),
        Command("rename", N_("gives the conversation a title"), "title"),
        Command("export", N_("writes the conversation into a file: .md or .jsonl"), "path"),
        Command("copy", N_("copies the last answer")),
        Command("help", N_("all keys")),
    )
}


def parse(text: str) -> tuple[Command, str] | None:
    """The command that a prompt is, with its argument; None where it is a text. Raises UserError.

    A path such as /home/me/a.txt is a text.
    """
    match = _FORM.fullmatch(text.strip()) if text.startswith("/") else None
    if text.strip() == "/":
        return COMMANDS["help"], ""
    if match is None:
        return None
    command, argument = COMMANDS.get(match[1]), (match[2] or "").strip()
    if command is None:
        names = ", ".join(f"/{name}" for name in COMMANDS)
        raise UserError(
            _("There is no /{name}. There are: {names}. A space before it sends it as a text.").format(
                name=match[1], names=names
            )
        )
    if command.argument and not command.argument.endswith("?") and not argument:
        raise UserError(
            _("/{name} needs more: {description}.").format(name=command.name, description=_(command.description))
        )
    return command, argument


def hints(text: str) -> str:
    """What a beginning may become; nothing about another text."""
    match = re.fullmatch(r"/([a-z]*)", text)
    found = [command for name, command in COMMANDS.items() if match and name.startswith(match[1])]
    if len(found) == 1:
        return labelled(f"/{found[0].name}", _(found[0].description))
    return "  ".join(f"/{command.name}" for command in found)
