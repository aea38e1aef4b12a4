"""What a person may say about cleaning: a preset, a switch for each step, and the parameters of some."""

from __future__ import annotations

from dataclasses import dataclass

from ...language import N_
from ...language import gettext as _
from ...options import OptionsBase, option
from .language_codes import LANGUAGE_CODES

PRESET_NAMES = ("none", "standard", "strict")
SWITCH = ("auto", "on", "off")
CHINESE = ("keep", "simplified", "traditional")

_STANDARD = frozenset({"standard", "strict"})
_STRICT = frozenset({"strict"})
_NONE: frozenset[str] = frozenset()
# In which presets a step is on. `chinese` and `languages` are on by a parameter of theirs, never by a preset.
PRESETS = {
    "line_ends": _STANDARD,
    "mojibake": _STANDARD,
    "invisible": _STANDARD,
    "unicode": _STANDARD,
    "white_space": _STANDARD,
    "boilerplate": _STRICT,
    "chinese": _NONE,
    "quality": _STRICT,
    "languages": _NONE,
    "personal": _STRICT,
    "stop_words": _NONE,
    "punctuation": _NONE,
    "duplicates": _STANDARD,
    "near_duplicates": _STRICT,
}


@dataclass(frozen=True)
class CleaningOptions(OptionsBase):
    """How texts are cleaned. A switch is auto (as the preset says), on or off."""

    clean: str = option(
        "standard",
        N_(
            "How much to clean: none, standard (repair characters and spaces, drop exact duplicates), strict (also "
            "drop menus, poor texts and near duplicates, and mask personal data)."
        ),
        choices=PRESET_NAMES,
    )
    line_ends: str = option("auto", N_("One kind of line end."), choices=SWITCH)
    mojibake: str = option(
        "auto", N_("Repair text that was read in the wrong encoding, such as cafÃ© for café."), choices=SWITCH
    )
    invisible: str = option(
        "auto",
        N_("Remove control characters and invisible ones, but those that emoji and scripts need."),
        choices=SWITCH,
    )
    unicode: str = option("auto", N_("Write composed characters (Unicode NFC)."), choices=SWITCH)
    white_space: str = option(
        "auto",
        N_("Plain spaces, none at the ends of lines, one blank line at most; indentation stays."),
        choices=SWITCH,
    )
    boilerplate: str = option(
        "auto",
        N_("Remove lines of web pages that are no text: menus, cookie banners, copyright notices."),
        choices=SWITCH,
    )
    chinese: str = option(
        "keep", N_("Write Chinese in one script: keep (as it is), simplified, traditional."), choices=CHINESE
    )
    quality: str = option(
        "auto",
        N_("Leave out texts that the rules of Gopher and C4 call poor: too short, repeated, mostly signs."),
        choices=SWITCH,
    )
    languages: list[str] = option(
        [], N_("Keep only texts in these languages, such as en,zh."), metavar="CODES", kind="codes"
    )
    personal: str = option(
        "auto",
        N_("Mask e-mail addresses, telephone, identity and card numbers, passwords and keys."),
        choices=SWITCH,
    )
    stop_words: str = option(
        "auto",
        N_("Remove the most frequent words, such as the. A GPT learns to write with them: leave this off for one."),
        choices=SWITCH,
    )
    punctuation: str = option(
        "auto",
        N_("Remove punctuation. A GPT learns to write with it: leave this off for one."),
        choices=SWITCH,
    )
    duplicates: str = option("auto", N_("Leave out texts that are exactly as another."), choices=SWITCH)
    near_duplicates: str = option("auto", N_("Leave out texts that are almost as another."), choices=SWITCH)
    near_duplicate_similarity: float = option(
        0.7,
        N_("How similar two texts must be, from 0 to 1, for one of them to be left out as a near duplicate."),
        minimum=0.1,
        maximum=1,
        metavar="SHARE",
    )

    def problems(self) -> list[str]:
        """Codes that are no language's."""
        return [
            _("--languages is {code}: there is no such language. Write codes such as en, zh or de.").format(code=code)
            for code in self.languages
            if code not in LANGUAGE_CODES
        ]

    def is_on(self, step_name: str) -> bool:
        """Whether a step (or "duplicates", "near_duplicates") is to run: what its switch says, else the preset."""
        if step_name == "chinese":
            return self.chinese != "keep"
        if step_name == "languages":
            return bool(self.languages)
        switch = getattr(self, step_name)
        return switch == "on" or (switch == "auto" and self.clean in PRESETS[step_name])
