"""Keys that change a text, or go to the next field, take effect in the order in which they were pressed.

Letters are taken by the field itself. What Textual binds to other keys is done only when the key has come up through
all that is around the field, and letters that were typed after it may be there before: over a slow line, or beside a
training, several keys come at once.
"""

from __future__ import annotations

from textual.widget import Widget
from textual.widgets import Input, TextArea

MOVES = ("app.focus_next", "app.focus_previous")


def move_of_focus(field: Widget | None, key: str) -> str | None:
    """How a key leads away from a field for text; None where it is no such field, or the key does something else."""
    if not isinstance(field, Input | TextArea) or getattr(field, "tab_behavior", "focus") != "focus":
        return None
    bound = field.screen.active_bindings.get(key) if key in ("tab", "shift+tab") else None
    return bound.binding.action if bound and bound.enabled and bound.binding.action in MOVES else None


def own_action(field: Widget | None, key: str) -> str | None:
    """What a field for text itself does at a key; None where it is no such field, or the key is not its own."""
    if not isinstance(field, Input | TextArea) or key in getattr(field, "TAKEN", ()):
        return None
    bindings = field._bindings.key_to_bindings.get(key, ())
    return next((binding.action for binding in bindings if not binding.priority), None)
