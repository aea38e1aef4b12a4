"""The words of the chat tab."""

from __future__ import annotations

import math
from typing import Any

from ..core.generation.options import GenerationOptions
from ..core.language import gettext as _
from ..core.model.store import ModelInfo
from ..core.store import DAMAGED
from ..core.tasks.all import TASKS, taught_text
from .chat_modes import Mode
from .only_text import visible


def nothing_yet() -> str:
    """What a person reads who has no model."""
    return "\n".join([_("There is no model yet."), "", _("Press F4 and train one; then it writes here.")])


def how_to_begin() -> str:
    """What a person reads who has said nothing yet."""
    return "\n".join(
        [
            _("Write below; Enter sends it, Esc stops the model."),
            _("Esc goes to what was said: edit it, let it be written again, compare."),
            _("↑ brings back what you sent before. / shows what else can be typed."),
        ]
    )


def context_text(used: int, all_in_all: int) -> str:
    """How much of what a model sees is taken."""
    return _("context {share:.0%}: {used:,} of {all:,} tokens").format(
        share=used / all_in_all, used=used, all=all_in_all
    )


def newest(models: list[str]) -> str:
    """The model that was made last."""

    def created(name: str) -> float:
        try:
            return float(ModelInfo.open(name).provenance.get("created", 0.0))
        except DAMAGED:
            return -1.0

    return max(models, key=created)


def model_text(name: str) -> str:
    """A model in a line."""
    try:
        info = ModelInfo.open(name)
        text = _("{parameters:,} parameters, sees {context:,} tokens").format(
            parameters=info.config.parameters, context=info.config.context
        )
        if info.bits_per_byte is not None:
            text += _(", {bits:.3f} bits per byte").format(bits=info.bits_per_byte)
        text += "".join(_(", {task}").format(task=task) for task in taught_text(info.taught))
    except DAMAGED:
        return _("{name} is damaged and cannot be read.").format(name=name)
    return text


def defaults_of(name: str, mode: Mode) -> dict[str, Any]:
    """What holds for the options that are left alone."""
    try:
        info = ModelInfo.open(name)
        writes = mode.name == "write" or not info.chats
        make = GenerationOptions.from_mapping if writes else GenerationOptions.in_chat
        usual = TASKS[mode.task].generation if mode.task and mode.name != "chat" else {}
        return make(usual, GenerationOptions.at(info.path)).as_dict()
    except DAMAGED:
        return {}


def more_text(done: dict[str, Any]) -> str:
    """How likely each token was, where that was asked."""
    return "\n".join(map(_likelihood, done["completions"][0].get("logprobs", [])))


def _likelihood(score: dict[str, Any]) -> str:
    others = [each for each in score["top"] if each["token"] != score["token"]]
    return "   ".join(f"{visible(each['token'])!r} {math.exp(each['logprob']):.0%}" for each in [score, *others])


def summary_text(done: dict[str, Any], number: int = 0) -> str:
    """The line under one of the texts."""
    first = done["completions"][number]
    why = {"stop": _("end of the text"), "length": _("length"), "cancelled": _("stopped")}[first["finish_reason"]]
    return _("{tokens:,} tokens · {rate:.0f} tokens/s · seed {seed} · {why}").format(
        tokens=first["tokens"], rate=first["tokens_per_second"], seed=done["seed"], why=why
    )
