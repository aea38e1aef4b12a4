"""The words of bindings, in the language in use.

Textual wants bindings on the class, where the language is not known yet: they are marked there with N_, and translated
when a node is made.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from ..core.language import N_
from ..core.language import gettext as _
from .faults import Tolerant

if TYPE_CHECKING:
    from textual.dom import DOMNode


# What Textual's own widgets say in the footer.
N_("Dismiss menu")


class Translated(Tolerant):
    """Mix-in, before Textual's class: the node speaks the person's language, and outlives an error in a handler."""

    def __init__(self, *arguments: Any, **values: Any):
        super().__init__(*arguments, **values)
        translate_bindings(self)  # type: ignore[arg-type]


def translate_bindings(node: DOMNode) -> bool:
    """Translate what the bindings of `node` say; whether they said something else before."""
    by_key = node._bindings.key_to_bindings  # a private name of Textual's, held by a test
    is_new = False
    for key, bindings in by_key.items():
        by_key[key] = [
            dataclasses.replace(binding, description=_(binding.description) if binding.description else "")
            for binding in bindings
        ]
        is_new = is_new or by_key[key] != bindings
    return is_new


def words_anew(node: DOMNode) -> None:
    """Translate them again, from the words of the source: the language is another one now."""
    if node._merged_bindings is not None:  # likewise private, and held by a test
        node._bindings = node._merged_bindings.copy()
    translate_bindings(node)
