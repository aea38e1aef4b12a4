"""Keys in words: a button, or a sentence, names the key that the person has given to what it does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from textual.binding import Binding
from textual.content import Content
from textual.widgets import Button

from ..core.language import gettext as _
from .before_after import MUTED
from .view import View

if TYPE_CHECKING:
    from textual.dom import DOMNode

NAMES = {"escape": "Esc", "up": "↑", "down": "↓", "left": "←", "right": "→"}
NAMED = re.compile(r"Ctrl\+[A-Z]|F[0-9]{1,2}(?![0-9])|Esc(?![a-z])|(?<=  )[A-Za-z0-9](?=  )")  # letters stand apart


def changed_keys(node: DOMNode) -> dict[str, str]:
    """The keys that the person has given, with commas between them, by the ids of bindings."""
    changed: dict[str, str] = getattr(node.app, "keymap", {})
    return changed


def keyed(node: DOMNode, sentence: str, id_: str = "") -> str:
    """The sentence with the keys that the person has given to what it names by the usual ones.

    What has a key is looked for in `node`, in what holds it, in the app and on the tabs; `id_` says which is meant,
    where the same key does several things.
    """
    changed = changed_keys(node)
    if not changed:
        return sentence

    def name(found: re.Match[str]) -> str:
        usual = found.group()
        meant = [each for each in _bindings(node) if usual in map(key_text, each.key.split(","))]
        binding = next((each for each in meant if each.id == id_), meant[0] if meant else None)
        return _key_of(binding, changed) if binding and binding.id in changed else usual

    return NAMED.sub(name, sentence)


def copies(node: DOMNode, command: str) -> Content:
    """The command that does the same as a dialog, behind the key that copies it."""
    return Content.assemble((keyed(node, _("Ctrl+Y copies:")), MUTED), " ", command)


def _bindings(node: DOMNode) -> Iterator[Binding]:
    # As the source has them: the nearest first, and with the usual keys.
    for owner in [*node.ancestors_with_self, *node.app.query(View)]:
        for kind in type(owner).__mro__:
            yield from (each for each in kind.__dict__.get("BINDINGS", ()) if isinstance(each, Binding))


def _key_of(binding: Binding, changed: dict[str, str]) -> str:
    return key_text(changed.get(binding.id or "", binding.key).split(",")[0])


def key_text(key: str) -> str:
    """A key as sentences name it: Ctrl+S, Esc, F4, c."""
    if len(key) == 1:
        return key
    *modifiers, name = key.strip().split("+")
    name = NAMES.get(name) or (name.upper() if len(name) == 1 else name.replace("_", " ").title())
    return "+".join([*(modifier.title() for modifier in modifiers), name])


class KeyButton(Button):
    """A button for an action of the screen, with the key that does the same behind its word."""

    def __init__(self, word: str, action: str, **values: Any):
        super().__init__(word, action=f"screen.{action}", compact=True, **values)
        self._word, self._does = word, action

    def on_mount(self) -> None:
        """The screen is known now, and so is the key."""
        binding = next((each for each in _bindings(self.screen) if each.action == self._does), None)
        if binding:
            key = _key_of(binding, changed_keys(self))
            self.label = _("{word} ({key})").format(word=self._word, key=key)
