"""Keys that a person has changed: `[keys]` in the settings, by the ids of bindings.

[keys]
"chat.mode" = "f12"
"app.jobs" = ["f9", "ctrl+t"]
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, key_to_character
from textual.screen import Screen

from ..core.errors import UserError
from ..core.home import settings_path
from ..core.language import gettext as _
from ..core.language import sentences
from ..core.settings import read_settings
from .words import Translated

# A terminal sends the same for both.
SAME = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace", "ctrl+left_square_bracket": "escape"}
MODIFIERS = ("ctrl", "alt", "shift", "super", "meta", "hyper")
NAMED = {key.value.rpartition("+")[2] for key in Keys}


@dataclass(frozen=True)
class Bound:
    """What has a key, or several."""

    id: str
    keys: tuple[str, ...]
    description: str  # of the source, not translated
    owner: type
    priority: bool  # whether it comes before a field in which somebody types


def all_bound() -> dict[str, Bound]:
    """All that has a key and an id, by its id: of the app, the tabs and the dialogs."""
    for module in walk_packages([str(Path(__file__).parent)], f"{__package__}."):
        import_module(module.name)  # what is not imported yet has no subclass to be found
    found: dict[str, Bound] = {}
    for owner in _subclasses(Translated):
        for binding in owner.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                keys = tuple(key.strip() for key in binding.key.split(","))
                found.setdefault(binding.id, Bound(binding.id, keys, binding.description, owner, binding.priority))
    return found


def _subclasses(owner: type[Any]) -> Iterator[type[Any]]:
    for each in owner.__subclasses__():
        yield each
        yield from _subclasses(each)


def chosen_keys() -> tuple[dict[str, str], list[str]]:
    """The keymap for Textual, from a person's settings; and a sentence for each change that cannot be made."""
    try:
        wished = read_settings().get("keys", {})
    except UserError as error:
        return {}, [str(error)]
    if not isinstance(wished, dict):
        return {}, [_("{path}: keys is no table. It begins with the line [keys].").format(path=settings_path())]
    return checked_keys(dict(_flat(wished))) if wished else ({}, [])


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    # chat.mode without quotation marks is a table in a table.
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def checked_keys(wished: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """The changes that can be made, as a keymap for Textual; and a sentence for each that cannot."""
    known = all_bound()
    changes: dict[str, tuple[str, ...]] = {}
    wrong: list[str] = []
    for id_, value in wished.items():
        try:
            changes[id_] = _keys_of(known, id_, value)
        except UserError as error:
            wrong.append(str(error))
    while clash := _clash(known, changes):
        id_, other, key = clash
        del changes[id_]
        sentence = _("{key} cannot be the key of {id}: it is that of {other}.")
        wrong.append(sentence.format(key=key, id=id_, other=other))
    return {id_: ",".join(keys) for id_, keys in changes.items()}, wrong


def _keys_of(known: Mapping[str, Bound], id_: str, value: Any) -> tuple[str, ...]:
    if id_ not in known:
        near = difflib.get_close_matches(id_, known, n=1)
        advice = _("Did you mean {name}?").format(name=near[0]) if near else _("See: newleaf keys")
        raise UserError(sentences(_("There is nothing called {id} that has a key.").format(id=id_), advice))
    several = isinstance(value, str) and value.strip() != ","
    parts = value if isinstance(value, list) else value.split(",") if several else [value]
    keys = tuple(normal_key(id_, part) for part in parts)
    if not keys:
        raise UserError(_("{id} would have no key.").format(id=id_))
    for key in keys:
        if known[id_].priority and key_to_character(key) is not None:
            sentence = _("{key} cannot be the key of {id}: it types something, and {id} is there while one types.")
            raise UserError(sentence.format(key=key, id=id_))
    return keys


def normal_key(id_: str, text: Any) -> str:
    """A key as Textual names it. Raises UserError for one that there is not, or that no terminal sends."""
    if not isinstance(text, str) or not text.strip():
        raise UserError(_("{key} cannot be the key of {id}: there is no such key.").format(key=text, id=id_))
    text = text.strip()
    *modifiers, key = [text] if len(text) == 1 else text.split("+")
    modifiers = [modifier.lower() for modifier in modifiers]
    key = _name_of(key) if len(key) == 1 else key.lower()
    if "shift" in modifiers and len(key) == 1:
        key = key.upper()
        modifiers.remove("shift")
    elif len(key) == 1 and modifiers:
        key = key.lower()
    name = "+".join([*sorted(modifiers, key=MODIFIERS.index), key]) if set(modifiers) <= set(MODIFIERS) else ""
    if not name or not (len(key) == 1 or key in NAMED or key_to_character(key) is not None):
        raise UserError(_("{key} cannot be the key of {id}: there is no such key.").format(key=text, id=id_))
    if name in SAME:
        sentence = _("{key} cannot be the key of {id}: for a terminal it is the same as {other}.")
        raise UserError(sentence.format(key=text, id=id_, other=SAME[name]))
    return name


def _name_of(character: str) -> str:
    if character.isalnum():
        return character
    name = unicodedata.name(character, character).lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


def _clash(known: Mapping[str, Bound], changes: Mapping[str, tuple[str, ...]]) -> tuple[str, str, str] | None:
    """A change to a key that something else has in the same place: both, and the key."""
    for id_, keys in reversed(list(changes.items())):
        for other in known.values():
            if other.id != id_ and _meet(known[id_], other):
                for key in keys:
                    if key in changes.get(other.id, other.keys):
                        return id_, other.id, key
    return None


def _meet(one: Bound, other: Bound) -> bool:
    """Whether the keys of both are there at once: in one place, or one of them everywhere."""
    if one.owner is other.owner:
        return True
    everywhere, elsewhere = (one, other) if issubclass(one.owner, App) else (other, one)
    # Before a dialog the app's keys rest, but for those that come first.
    return issubclass(everywhere.owner, App) and (everywhere.priority or not issubclass(elsewhere.owner, Screen))
