"""What a step gives in place of a text that is not worth having."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from ...language import N_
from ...language import gettext as _

REASONS = {
    "empty": N_("nothing is left of it"),
    "too_short": N_("too short"),
    "too_long": N_("too long"),
    "word_length": N_("its words are too short or too long on average"),
    "few_letters": N_("too few letters"),
    "symbols": N_("too many signs"),
    "bullets": N_("almost only bullet points"),
    "ellipses": N_("too many lines that break off"),
    "few_common_words": N_("no sentences: the commonest words are missing"),
    "repeated_lines": N_("lines or paragraphs are repeated"),
    "repeated_phrases": N_("the same phrases over and over"),
    "placeholder": N_("filler text (lorem ipsum)"),
    "other_language": N_("another language"),
}


@final
@dataclass(frozen=True)
class Dropped:
    """A text is left out; `reason` is a key of REASONS."""

    reason: str


def reason_text(reason: str) -> str:
    """The reason in words for a person."""
    return _(REASONS[reason])
