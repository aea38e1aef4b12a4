"""The conversation that is open in the chat tab: what is kept of it, and what of it a model is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.conversations import Conversations, Kept
from ..core.language import gettext as _
from .widgets.conversation import Turn


class Talk:
    """A conversation, or none yet: it is begun by what is said first. Raises UserError where it cannot be kept."""

    def __init__(self) -> None:
        self.kept = Conversations()
        self.number: int | None = None
        self.path: list[Kept] = []  # the messages that are shown

    def open(self, number: int | None) -> None:
        """Go on with a conversation; with None, or one that is gone, with a new one."""
        self.path = self.kept.path_of(number) if number is not None and self.kept.path.exists() else []
        self.number = number if self.path else None

    def message(self, number: int) -> Kept | None:
        """One of those that are shown."""
        return next((message for message in self.path if message.id == number), None)

    def question_of(self, answer: Kept) -> Kept | None:
        """What an answer answers."""
        return self.message(answer.parent) if answer.parent is not None else None

    def say(self, text: str, details: Mapping[str, Any], instead_of: Kept | None = None) -> Kept:
        """What a person says, at the end or beside another message of theirs."""
        if self.number is None:
            self.number = self.kept.begin()
        parent = instead_of.parent if instead_of else self.path[-1].id if self.path else None
        return self._add(parent, "user", text, details)

    def begin_answer(self, question: Kept, details: Mapping[str, Any], text: str = "") -> Kept:
        """An answer to it, beside others that there may be."""
        return self._add(question.id, "assistant", text, details)

    def _add(self, parent: int | None, role: str, text: str, details: Mapping[str, Any]) -> Kept:
        assert self.number is not None
        number = self.kept.add(self.number, parent, role, text, details)
        self.path = self.kept.path_of(self.number)
        added = self.message(number)
        assert added is not None
        return added

    def keep(self, answer: Kept, text: str, details: Mapping[str, Any]) -> None:
        """So much of an answer is there now."""
        self.kept.change(answer.id, text, details)

    def refresh(self) -> None:
        """Look again at what is kept."""
        self.open(self.number)

    def beside(self, message: Kept, by: int) -> Kept | None:
        """The one before or after it among its siblings is shown now; None where there is no other."""
        if len(message.siblings) < 2:
            return None
        place = (list(message.siblings).index(message.id) + by) % len(message.siblings)
        self.kept.choose(message.siblings[place])
        self.refresh()
        return self.message(message.siblings[place])

    def told(self, question: Kept) -> list[dict[str, str]]:
        """The messages of the chat up to a question of it. A model sees neither what failed nor other modes' texts."""
        found: list[dict[str, str]] = []
        for message in self.path:
            if message.id == question.id:
                break
            if message.details.get("mode") != "chat":
                continue
            if message.role == "assistant" and not message.text.strip():
                del found[-1:]  # nothing was answered
            else:
                content = message.text.strip() if message.role == "assistant" else message.text
                found.append({"role": message.role, "content": content})
        while found and found[-1]["role"] == "user":  # no answer was begun
            found.pop()
        return [*found, {"role": "user", "content": question.text}]

    def turns(self) -> list[Turn]:
        """As it is shown."""
        found: list[Turn] = []
        for place, message in enumerate(self.path):
            following = self.path[place + 1] if place + 1 < len(self.path) else None
            if message.role != "user":
                found.append(answer_turn(message, self.question_of(message)))
            elif not (message.details.get("mode") == "write" and following):  # there it is a part of the answer
                found.append(question_turn(message, closes=following is None))
        return found


def question_turn(message: Kept, closes: bool = False) -> Turn:
    """What a person said."""
    return Turn(message.id, True, message.text, summary=sibling_text(message.siblings, message.id), closes=closes)


def answer_turn(message: Kept, question: Kept | None) -> Turn:
    """What a model wrote, with what is known of it."""
    details = message.details
    lead = question.text if question and details.get("mode") == "write" else ""
    return Turn(
        message.id,
        False,
        message.text,
        lead=lead,
        under=str(details.get("under", "")),
        summary=summary_line(message, question if lead else None),
    )


def summary_line(message: Kept, question: Kept | None = None) -> str:
    """What stands under an answer: which of how many it is, what a person thinks of it, how it was written."""
    parts = [sibling_text(question.siblings, question.id)] if question else []
    parts.append(sibling_text(message.siblings, message.id))
    parts.append({1: _("good"), -1: _("bad")}.get(message.rating, ""))
    details = message.details
    if details.get("mode") in ("write", "chat"):
        step = details.get("step")
        name = str(details.get("model", ""))
        parts.append(_("{model}, step {step:,}").format(model=name, step=step) if step else name)
    parts.append(str(details.get("summary") or _("stopped")))
    if details.get("first") is not None and details.get("mode") in ("write", "chat"):
        parts.append(_("first after {seconds:.1f} s").format(seconds=details["first"]))
    return " · ".join(filter(None, parts))


def sibling_text(siblings: Sequence[int], number: int) -> str:
    """Which of how many it is; nothing where it is the only one."""
    return f"‹{list(siblings).index(number) + 1}/{len(siblings)}›" if len(siblings) > 1 else ""
