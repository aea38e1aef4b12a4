"""The language of the words on screen: gettext catalogues, English in the source, Simplified Chinese beside it.

`from .language import gettext as _` marks a message and translates it when it is called. `N_` only marks: for
messages that are declared once and translated when they are shown.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from gettext import NullTranslations

DOMAIN = "newleaf"
LANGUAGES = {"en": "English", "zh_CN": "简体中文"}

_language: str | None = None
_catalogue: NullTranslations | None = None  # None for English, which is what the source says


def catalogues() -> str:
    """The folder with the compiled catalogues."""
    return os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "locale")


def language_of_environment(environment: Mapping[str, str] = os.environ) -> str:
    """The language that the environment asks for: NEWLEAF_LANGUAGE, then the locale's variables in gettext's order."""
    for variable in ("NEWLEAF_LANGUAGE", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        for code in environment.get(variable, "").split(":"):
            if code.lower().startswith("zh"):
                return "zh_CN"
            if code and code not in ("C", "POSIX") and not code.startswith("C."):
                return "en"
    return "en"


def set_language(code: str | None = None) -> str:
    """Show everything in `code` from now on: a key of LANGUAGES, or None for the environment's choice."""
    global _language, _catalogue
    _language = code if code in LANGUAGES else language_of_environment()
    _catalogue = None
    if _language != "en":
        import gettext as library  # not needed for English, and `newleaf --help` counts milliseconds

        _catalogue = library.translation(DOMAIN, catalogues(), [_language], fallback=True)
    return _language


def current_language() -> str:
    """The code of the language in use."""
    return _language or set_language()


def gettext(message: str) -> str:
    """`message` in the language in use."""
    if _language is None:
        set_language()
    return _catalogue.gettext(message) if _catalogue else message


def ngettext(one: str, many: str, number: int) -> str:
    """`one` or `many`, by `number`, in the language in use."""
    if _language is None:
        set_language()
    if _catalogue:
        return _catalogue.ngettext(one, many, number)
    return one if number == 1 else many


def labelled(name: str, text: str) -> str:
    """What `name` is: "name: text", with the colon of the language in use."""
    return gettext("{name}: {text}").format(name=name, text=text)


def sentences(*words: str) -> str:
    """Sentences one after the other, with what stands between two in the language in use; empty ones are left out."""
    said = [each for each in words if each]
    whole = said[0] if said else ""
    for each in said[1:]:
        whole = gettext("{sentence} {next}").format(sentence=whole, next=each)
    return whole


def N_(message: str) -> str:  # noqa: N802  the name that gettext's users know
    """Mark `message` for translation, and give it back as it is."""
    return message
