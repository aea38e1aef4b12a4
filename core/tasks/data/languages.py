"""Languages by their codes, and which language some texts are in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from pathlib import PurePosixPath

from ..translation import NAMES

# ISO 639-1, and codes of three letters for languages that have no other.
CODES = frozenset(NAMES) | frozenset((
    "aa", "ab", "af", "ak", "am", "an", "as", "av", "ay", "az", "ba", "be", "bh", "bi", "bm", "bn", "bo", "br", "bs",
    "ce", "ch", "co", "cr", "cu", "cv", "cy", "dv", "dz", "ee", "eo", "eu", "ff", "fj", "fo", "fy", "ga", "gd", "gl",
    "gn", "gu", "gv", "ha", "ho", "ht", "hy", "hz", "ia", "ie", "ig", "ii", "ik", "io", "is", "iu", "jv", "ka", "kg",
    "ki", "kj", "kk", "kl", "km", "kn", "kr", "ks", "ku", "kv", "kw", "ky", "lb", "lg", "li", "ln", "lo", "lu", "lv",
    "mg", "mh", "mi", "mk", "ml", "mn", "mr", "mt", "my", "na", "nb", "nd", "ne", "ng", "nn", "nr", "nv", "ny", "oc",
    "oj", "om", "or", "os", "pa", "pi", "ps", "qu", "rm", "rn", "rw", "sa", "sc", "sd", "se", "sg", "si", "sm", "sn",
    "so", "sq", "ss", "st", "su", "sw", "ta", "te", "tg", "ti", "tk", "tl", "tn", "to", "ts", "tt", "tw", "ty", "ug",
    "ur", "uz", "ve", "vo", "wa", "wo", "xh", "yi", "yo", "za", "zu", "ast", "fil", "hsb", "yue",
))  # fmt: skip
_BY_NAME = {name.lower(): code for code, name in NAMES.items()} | {
    "英文": "en", "英语": "en", "英語": "en", "中文": "zh", "汉语": "zh", "漢語": "zh", "日文": "ja", "日语": "ja",
    "法语": "fr", "德语": "de", "俄语": "ru", "韩语": "ko", "西班牙语": "es",
}  # fmt: skip
TITLES = CODES | frozenset(_BY_NAME)  # of columns that are called like their languages, in lower case
_WRITTEN = re.compile(r"([a-z]{2,3})(?:[-_.@]([\w.@-]{1,20}))?", re.IGNORECASE)
_TRADITIONAL = ("tw", "hk", "mo", "hant")
_TEXTS, _CHARACTERS = 200, 2_000  # that are looked at to tell a language
_PARTS = 4  # that have to agree in it


def language_code(text: str) -> str | None:
    """The code for a language as people write it, or None: en for en_US and English, zh for zh-Hans, zh-tw for zh_HK.

    Countries are left out but where the written language is another.
    """
    text = text.strip()
    if text.lower() in _BY_NAME:
        return _BY_NAME[text.lower()]
    match = _WRITTEN.fullmatch(text)
    if not match or match[1].lower() not in CODES:
        return None
    code, more = match[1].lower(), re.split(r"[-_.@]", (match[2] or "").lower())
    if code == "zh" and any(part in _TRADITIONAL for part in more):
        return "zh-tw"
    return "pt-br" if code == "pt" and "br" in more else code


def language_of_texts(texts: Iterable[str]) -> str | None:
    """The language that some texts are in, or None where parts of them seem to be in different ones."""
    from ...corpus.cleaning.language import language_of

    some = [text[:_CHARACTERS] for text in islice(texts, _TEXTS)]
    found = {language_of("\n".join(some[start::_PARTS])) for start in range(min(_PARTS, len(some)))}
    return language_code(found.pop()) if len(found) == 1 else None


def language_of_name(name: str) -> str | None:
    """The language that the path of a catalogue tells: zh_CN.po, app.de.po, fr/LC_MESSAGES/app.po."""
    path = PurePosixPath(name)
    stem = path.name.removesuffix(path.suffix)
    folder = (path.parent.parent if path.parent.name == "LC_MESSAGES" else path.parent).name
    if folder in CODES - set(NAMES):  # a folder called my or to is hardly one for Burmese or Tongan
        folder = ""
    parts = (stem, stem.rpartition(".")[2], stem.rpartition("-")[2], folder)
    return next((code for part in parts if (code := language_code(part))), None)
