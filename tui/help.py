"""The help screen: all keys, made from the bindings themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.language import gettext as _
from .keyed import changed_keys
from .view import View

if TYPE_CHECKING:
    from textual.app import App
    from textual.binding import Binding
    from textual.dom import DOMNode


def help_text(app: App[int]) -> str:
    """A section for the app and for each tab."""
    parts = [_section(_("Everywhere"), app)]
    parts += [_section(view.heading, view) for view in app.query(View)]
    parts.append(_("Tab and Shift+Tab go from field to field. Esc leaves a dialog or a field, and never the app."))
    return "\n\n".join(parts)


def shown_bindings(node: DOMNode) -> list[Binding]:
    """The bindings of `node` that a person is told of, each once, with the keys that the person has given them."""
    changed = changed_keys(node)
    seen: dict[str, Binding] = {}
    for binding in [each for bindings in node._bindings.key_to_bindings.values() for each in bindings]:
        if binding.description and binding.id and binding.id not in seen:
            keys = [binding.with_key(key, None) for key in changed.get(binding.id, "").split(",") if key]
            shown = " ".join(node.app.get_key_display(each) for each in keys)
            seen[binding.id] = keys[0].with_key(keys[0].key, shown) if keys else binding
    return list(seen.values())


def _section(title: str, node: DOMNode) -> str:
    lines = [f"  {app_key(node, binding):<14} {binding.description}" for binding in shown_bindings(node)]
    return "\n".join([title, *lines])


def app_key(node: DOMNode, binding: Binding) -> str:
    """How the key is shown."""
    return node.app.get_key_display(binding)
