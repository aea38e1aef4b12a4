"""What can be done with a model in the chat tab: the modes, and which of them a model can do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.content import Content

from ..core.language import N_, sentences
from ..core.language import gettext as _
from ..core.model.store import ModelInfo
from ..core.store import DAMAGED
from .widgets.path_input import split_paths


@dataclass(frozen=True)
class Mode:
    """A way to use a model. `task` is the one that it does, if any; its prompt may be the path of a file."""

    name: str
    title: str
    placeholder: str
    task: str = ""
    takes_file: bool = False


_TEXT_OR_FILE = N_("A text, or a file's path (Ctrl+O chooses); Enter sends it. Ctrl+J: new line.")
MODES = {
    mode.name: mode
    for mode in (
        Mode("write", N_("write"), N_("Write a beginning; Enter lets the model go on. Ctrl+J: new line.")),
        Mode("chat", N_("chat"), N_("Say something; Enter sends it. Ctrl+J: new line."), "chat"),
        Mode("ask", N_("ask"), N_("Ask something; Enter sends it. Ctrl+J: new line."), "qa"),
        Mode("summarize", N_("summarize"), _TEXT_OR_FILE, "summary", takes_file=True),
        Mode("translate", N_("translate"), _TEXT_OR_FILE, "translate", takes_file=True),
        Mode("classify", N_("classify"), _TEXT_OR_FILE, "classify", takes_file=True),
    )
}


def choices() -> list[tuple[Content, str]]:
    """The modes to choose from."""
    return [(Content(_(mode.title)), name) for name, mode in MODES.items()]


def info_of(name: str | None) -> ModelInfo | None:
    """The model of this name, where it can be read."""
    try:
        return ModelInfo.open(name) if name else None
    except DAMAGED:
        return None


def usual_mode(info: ModelInfo | None) -> str:
    """What a model is for: the only task that it was taught, or to chat where it can, or to write."""
    if info is None:
        return "write"
    by_task = {mode.task: name for name, mode in MODES.items() if mode.task}
    taught = [by_task[task] for task in info.taught if task in by_task]
    if len(taught) == 1:
        return taught[0]
    if info.follows or "chat" in taught:
        return "chat"
    return taught[0] if taught else "write"


def knows(info: ModelInfo, mode: Mode) -> bool:
    """Whether a model was taught what is done in a mode, itself or as one that follows instructions."""
    return mode.task in info.taught or info.follows


def is_able(info: ModelInfo, mode: Mode) -> bool:
    """Whether a model can do something in a mode at all."""
    return mode.name != "translate" or knows(info, mode)


def how_to_teach() -> str:
    """By which keys a model is taught."""
    return _("Teach it: F4, then  f  there.")


def shortcoming(info: ModelInfo, mode: Mode, teach: str | None = None) -> str:
    """What a person should know who chooses a mode that the model was not taught; nothing of another.

    `teach` is how_to_teach() with the keys that the person has.
    """
    if not mode.task or knows(info, mode):
        return ""
    sentence = {
        "chat": _("{model} was not taught to chat: it goes on from the words."),
        "ask": _("{model} was not taught to answer: it shows the best sentence of the documents."),
        "summarize": _("{model} was not taught summaries: it shows the text's own sentences that say most."),
        "translate": _("{model} was not taught to translate, and cannot do it."),
        "classify": _("{model} was not taught labels: it judges by the names of those that you give."),
    }[mode.name]
    return sentences(sentence.format(model=info.name), teach or how_to_teach())


def file_of(text: str) -> Path | None:
    """The file that a prompt is the path of, if it is one."""
    paths = split_paths(text.strip()) if "\n" not in text.strip() else []
    if len(paths) != 1:
        return None
    try:
        path = Path(paths[0]).expanduser()
        return path.absolute() if path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long for a path, or of an unknown person's home
        return None
