"""What a person can say about how a model writes. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..files import read_object
from ..language import N_
from ..language import gettext as _
from ..options import OptionsBase, fields, option

PRESETS: dict[str, dict[str, float]] = {
    "precise": {"temperature": 0.3, "top_p": 0.9, "min_p": 0.05},
    "balanced": {"temperature": 0.8, "top_p": 0.95},
    "creative": {"temperature": 1.1, "top_p": 1.0, "min_p": 0.02},
}
MOST_ALTERNATIVES = 20
# Of an answer in a chat, where neither the person nor the model says otherwise: the likeliest one, for a small model
# that draws its first word has often lost its thread already.
CHAT: dict[str, Any] = {"max_tokens": 1000, "temperature": 0.0}
# What Transformers calls some of them in generation_config.json.
_TRANSFORMERS = {
    "max_new_tokens": "max_tokens",
    "min_new_tokens": "min_tokens",
    "num_beams": "beams",
    "stop_strings": "stop",
}


@dataclass(frozen=True)
class GenerationOptions(OptionsBase):
    """How a model goes on from a prompt."""

    preset: str | None = option(
        None, N_("Several of the following at once; what is given besides counts."), choices=tuple(PRESETS)
    )
    n: int = option(1, N_("How many completions."), minimum=1, maximum=1024, short="-n")
    temperature: float = option(
        0.8, N_("How freely to choose: 0 takes the likeliest token always, 1 follows the model."), minimum=0, maximum=10
    )
    top_k: int = option(0, N_("Choose among this many likeliest tokens; 0 for no limit."), minimum=0)
    top_p: float = option(
        0.95, N_("Choose among the likeliest tokens that together have this probability."), minimum=0.001, maximum=1
    )
    min_p: float = option(
        0.0, N_("Leave out tokens below this share of the likeliest one's probability."), minimum=0, maximum=1
    )
    typical_p: float = option(
        1.0,
        N_("Choose among the tokens as surprising as expected that together have this probability."),
        minimum=0.001,
        maximum=1,
    )
    repetition_penalty: float = option(
        1.0, N_("Make tokens that were there before less likely: 1 not at all, 1.2 strongly."), minimum=0.01, maximum=10
    )
    frequency_penalty: float = option(
        0.0, N_("Make tokens less likely for each time that they were written: 0 not at all."), minimum=-10, maximum=10
    )
    presence_penalty: float = option(
        0.0, N_("Make tokens that were written less likely, once for all times: 0 not at all."), minimum=-10, maximum=10
    )
    no_repeat_ngram_size: int = option(
        0, N_("Never write so many tokens in a row that were there before; 0 for no limit."), minimum=0
    )
    logit_bias: dict[str, float] = option(
        {},
        N_("Make a text likelier (5) or less likely (-5), or rule it out (-100); may be given several times."),
        metavar="TEXT=N",
    )
    seed: int | None = option(
        None, N_("The same seed writes the same text; without one it is drawn."), minimum=0, maximum=2**63 - 1
    )
    min_tokens: int = option(0, N_("Do not end by itself before this many tokens."), minimum=0, maximum=1_000_000)
    max_tokens: int = option(200, N_("Stop after this many tokens."), minimum=1, maximum=1_000_000)
    stop: list[str] = option([], N_("End before this text; may be given several times."), metavar="TEXT")
    beams: int = option(
        1,
        N_("Look for the likeliest text with this many beginnings side by side; draws nothing."),
        minimum=1,
        maximum=64,
    )
    length_penalty: float = option(
        1.0, N_("With beams: above 0 long texts win more easily, below 0 short ones."), minimum=-10, maximum=10
    )
    logprobs: int | None = option(
        None,
        N_("Give each token's log-probability, and those of this many alternatives."),
        minimum=0,
        maximum=MOST_ALTERNATIVES,
    )

    def problems(self) -> list[str]:
        found = []
        if any(not isinstance(text, str) or not text for text in self.stop):
            found.append(_("--stop must not be empty."))
        for text, bias in self.logit_bias.items():
            if not isinstance(text, str) or not text or not _is_number(bias):
                found.append(
                    _("--logit-bias is {value}: it must be a text and a number, such as ' the=-5'.").format(
                        value=f"{text}={bias}"
                    )
                )
        if self.min_tokens > self.max_tokens:
            found.append(
                _("--min-tokens is {least} and --max-tokens {most}: the first must not be larger.").format(
                    least=self.min_tokens, most=self.max_tokens
                )
            )
        if 1 < self.beams < self.n:
            found.append(
                _("-n is {number} and --beams {beams}: so many beams give no more texts.").format(
                    number=self.n, beams=self.beams
                )
            )
        return found

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> Self:
        """The options from what a person gave; a preset stands for several, and a model has its own `defaults`."""
        preset = values.get("preset", (defaults or {}).get("preset"))
        chosen = PRESETS.get(preset, {}) if isinstance(preset, str) else {}
        return super().from_mapping({**(defaults or {}), **chosen, **values})

    @classmethod
    def in_chat(cls, values: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> Self:
        """The same for an answer in a chat."""
        chat = {**CHAT, **(defaults or {})}
        if values.get("n", 1) != 1 and "temperature" not in (defaults or {}):
            del chat["temperature"]  # several answers are to differ
        return cls.from_mapping(values, chat)

    @classmethod
    def at(cls, path: Path) -> dict[str, Any]:
        """What the model in a folder has of its own."""
        config = path / "generation_config.json"
        return cls.of_model(read_object(config)) if config.exists() else {}

    @classmethod
    def of_model(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """What a model's `generation_config.json` says of these options; what cannot be is left out."""
        known = {field.name: field for field in fields(cls)}
        found = {}
        for key, value in config.items():
            name = _TRANSFORMERS.get(key, key)
            if name in known and value is not None and known[name].takes(value):
                found[name] = value
        if config.get("do_sample") is False:
            found["temperature"] = 0.0
        try:
            cls.from_mapping(found)
        except Exception:  # a file that somebody else wrote must not stand in the way
            return {}
        return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
