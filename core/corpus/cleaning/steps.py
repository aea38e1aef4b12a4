"""The steps of cleaning, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...language import N_
from .boilerplate import remove_boilerplate
from .characters import fix_line_ends, remove_invisible, to_nfc
from .chinese import convert_chinese
from .dropped import Dropped, reason_text
from .language import keep_languages
from .look import COMPOSED, INVISIBLE, LINE_ENDS, MOJIBAKE, OTHERS, WHITE_SPACE
from .mojibake import fix_mojibake
from .options import PRESETS, CleaningOptions
from .personal import mask_personal_data
from .quality import judge_quality
from .spaces import tidy_white_space
from .words import remove_punctuation, remove_stop_words

__all__ = ["FAMILIES", "STEPS", "Dropped", "Function", "Step", "reason_text"]

Function = Callable[[str], str | Dropped]

FAMILIES = {
    "characters": N_("Characters"),
    "page": N_("Page"),
    "language": N_("Language"),
    "quality": N_("Quality"),
    "privacy": N_("Privacy"),
    "words": N_("Words"),
}


@dataclass(frozen=True)
class Step:
    """One step of cleaning; `description` is marked for translation, `family` is a key of FAMILIES.

    `make(options)` gives the function from a text to the cleaned text or to Dropped. The same text comes back where
    there is nothing to clean.
    """

    name: str
    description: str
    family: str
    make: Callable[[CleaningOptions], Function]
    judges: bool = False  # whether it leaves texts out, and changes none
    bit: int = OTHERS  # what `look` sees in a text that it may change

    @property
    def presets(self) -> frozenset[str]:
        """The presets that it is on in."""
        return PRESETS[self.name]


def _plain(function: Function) -> Callable[[CleaningOptions], Function]:
    return lambda options: function


STEPS: tuple[Step, ...] = (
    Step("line_ends", N_("one kind of line end"), "characters", _plain(fix_line_ends), bit=LINE_ENDS),
    Step("mojibake", N_("text in the wrong encoding repaired"), "characters", _plain(fix_mojibake), bit=MOJIBAKE),
    Step(
        "invisible",
        N_("control and invisible characters removed"),
        "characters",
        _plain(remove_invisible),
        bit=INVISIBLE,
    ),
    Step("unicode", N_("composed characters (Unicode NFC)"), "characters", _plain(to_nfc), bit=COMPOSED),
    Step("white_space", N_("spaces and blank lines tidied"), "page", _plain(tidy_white_space), bit=WHITE_SPACE),
    Step("boilerplate", N_("menus, banners and notices removed"), "page", _plain(remove_boilerplate)),
    Step("chinese", N_("Chinese in one script"), "language", convert_chinese),
    Step("quality", N_("poor texts left out"), "quality", _plain(judge_quality), judges=True),
    Step("languages", N_("other languages left out"), "language", keep_languages, judges=True),
    Step("personal", N_("personal data and passwords masked"), "privacy", _plain(mask_personal_data)),
    Step("stop_words", N_("the most frequent words removed"), "words", _plain(remove_stop_words)),
    Step("punctuation", N_("punctuation removed"), "words", _plain(remove_punctuation)),
)
