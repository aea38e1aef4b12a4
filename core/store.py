"""What is common to all that newleaf keeps by name: find it, list it, remove it."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from .errors import UserError
from .files import STAGING, remove_folder
from .home import KIND_WORD, check_name, folder
from .language import gettext as _
from .language import sentences

Kept = TypeVar("Kept")
# What reading a file raises that is not what newleaf wrote.
DAMAGED = (UserError, OSError, KeyError, TypeError, ValueError, AttributeError)

# kind: the command that deals with it, and the file that makes a folder one of this kind
_KINDS = {
    "corpora": ("corpus", "manifest.json"),
    "tokenizers": ("tokenizer", "report.json"),
    "models": ("model", "config.json"),
    "jobs": ("job", "job.json"),
    "knowledge": ("knowledge", "manifest.json"),
}


def names(kind: str) -> list[str]:
    """The names of all that is kept of `kind` ("corpora", "tokenizers", "models", "jobs", "knowledge"), sorted."""
    marker = _KINDS[kind][1]
    return sorted(
        path.name for path in folder(kind).iterdir() if not path.name.startswith(STAGING) and (path / marker).is_file()
    )


def open_all(kind: str, open_one: Callable[[str], Kept]) -> list[Kept]:
    """All of `kind` that can be read, by name: a damaged one does not hide the others."""
    found = []
    for name in names(kind):
        with contextlib.suppress(*DAMAGED):
            found.append(open_one(name))
    return found


def find(kind: str, name: str) -> Path:
    """The folder of `name`. Raises UserError when there is none, with the names that come near."""
    path = folder(kind) / check_name(name, KIND_WORD if kind == "jobs" else 0)
    if (path / _KINDS[kind][1]).is_file():
        return path
    known = names(kind)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        advice = _("Did you mean {name}?").format(name=near[0])
    elif known:
        advice = _("There are: {names}.").format(names=", ".join(known[:8]) + (" ..." if len(known) > 8 else ""))
    else:
        advice = missing_advice(kind)
    raise UserError(sentences(missing(kind, name), advice))


def new_path(kind: str, name: str) -> Path:
    """The folder that a new `name` will have. Raises UserError when the name is taken or cannot be one."""
    path = folder(kind) / check_name(name)
    if path.exists():
        raise UserError(
            _(
                "{noun} {name} exists already. Choose another name, or remove it: newleaf {command} remove {name}"
            ).format(noun=noun_of(kind).capitalize(), command=_KINDS[kind][0], name=name)
        )
    return path


def remove(kind: str, name: str) -> None:
    """Remove `name` and all its files. Raises UserError when there is none."""
    remove_folder(find(kind, name))


def rename(kind: str, name: str, new: str) -> None:
    """Give `name` another name. Raises UserError when there is none, or the new name is taken or cannot be one."""
    find(kind, name).rename(new_path(kind, new))


def noun_of(kind: str) -> str:
    """The word for one of `kind`."""
    return {
        "corpora": _("corpus"),
        "tokenizers": _("tokenizer"),
        "models": _("model"),
        "jobs": _("job"),
        "knowledge": _("knowledge base"),
    }[kind]


def missing(kind: str, name: str) -> str:
    """The sentence that there is no such thing."""
    return {
        "corpora": _("There is no corpus {name}."),
        "tokenizers": _("There is no tokenizer {name}."),
        "models": _("There is no model {name}."),
        "jobs": _("There is no job {name}."),
        "knowledge": _("There is no knowledge base {name}."),
    }[kind].format(name=name)


def missing_advice(kind: str) -> str:
    """How to get the first one."""
    return {
        "corpora": _("Import text first: newleaf corpus add PATH --name NAME"),
        "tokenizers": _("Train one first: newleaf tokenizer train CORPUS --name NAME"),
        "models": _("Train one first: newleaf train CORPUS --name NAME. Or import one: newleaf model import SOURCE"),
        "jobs": _("None was started yet."),
        "knowledge": _("Add documents first: newleaf knowledge add PATH --name NAME"),
    }[kind]
