"""Steps that repair single characters: line ends, invisible characters, composed ones."""

from __future__ import annotations

import functools
import re
import unicodedata

LINE_END = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")

# Never text: control characters but tab and newline, the soft hyphen, zero-width spaces, byte order marks, invisible
# operators, marks of annotation and objects, characters for private use (icons of a font), halves of surrogate pairs.
_ALWAYS = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u2060-\u2065\u206a-\u206f\ud800-\udfff\ue000-\uf8ff\ufeff"
    "\ufff9-\ufffc\ufffe\uffff\U000f0000-\U0010ffff"
)
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_ASCII_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
INVISIBLE = re.compile(f"[\x7f{_ALWAYS}{_BIDI}\u180e\u200b-\u200d\U000e0000-\U000e007f]")  # or it may be
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
# After these a joiner changes how the text looks: Arabic, the scripts of India and around it, emoji.
_JOINS = (
    "\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1700-\u18af\u1a20-\u1aaf\u1b00-\u1bff\ua800-\ua8df\ua900-\uaadf"
    "\uabc0-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00011000-\U00011fff"
    "\u2190-\u21ff\u2300-\u27bf\u2934-\u2b55\ufe0f\U0001f000-\U0001faff"
)
# These are written without spaces, and a zero-width space tells where a word ends.
_UNSPACED = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff"
# A flag of a region is the black flag, letters from the tags' block, and the tag that ends it.
_NEVER_HERE = (
    f"(?P<flag>\U0001f3f4[\U000e0020-\U000e007e]{{1,8}}\U000e007f)"
    f"|[{_ALWAYS}\U000e0000-\U000e007f]|(?<![{_JOINS}])[\u200c\u200d]|(?<![{_UNSPACED}])\u200b|(?<![\u1820-\u18aa])\u180e"
)
_REMOVED = re.compile(f"{_NEVER_HERE}|[{_BIDI}]")
_REMOVED_RIGHT_TO_LEFT = re.compile(_NEVER_HERE)

_HAN = re.compile("[\u4e00-\u9fff]")
_GBK_PRIVATE_USE = re.compile("[\ue815-\ue864]")


def fix_line_ends(text: str) -> str:
    """Every kind of line end as one newline."""
    if "\r" in text or "\x0b" in text or "\x0c" in text:
        return LINE_END.sub("\n", text)
    if not text.isascii() and ("\x85" in text or "\u2028" in text or "\u2029" in text):
        return LINE_END.sub("\n", text)
    return text


def remove_invisible(text: str) -> str:
    """Without control characters and others that no one sees.

    Joiners stay where emoji or a script needs them, and marks of direction stay in a text with right-to-left letters.
    The rare Chinese characters that GBK once put among those for private use are written as what they are today.
    """
    if (_ASCII_CONTROL if text.isascii() else INVISIBLE).search(text) is None:
        return text
    if _GBK_PRIVATE_USE.search(text) and _HAN.search(text):
        text = _GBK_PRIVATE_USE.sub(lambda match: _gbk_characters()[match[0]], text)
    removed = _REMOVED_RIGHT_TO_LEFT if _RIGHT_TO_LEFT.search(text) else _REMOVED
    return removed.sub(lambda match: match["flag"] or "", text)


@functools.cache
def _gbk_characters() -> dict[str, str]:
    """The characters of the rows FE50 to FEA0, of which GB 18030-2005 and -2022 gave the last to Unicode."""
    late = dict(
        zip(
            "\ue816\ue817\ue818\ue81e\ue826\ue82b\ue82c\ue831\ue832\ue83b\ue843\ue854\ue855\ue864",
            "\U00020087\U00020089\U000200cc\u9fb4\u9fb5\u9fb6\u9fb7\U000215d7\u9fb8\U0002298f\u9fb9\u9fba\U000241fe\u9fbb",
            strict=True,
        )
    )
    second_bytes = [number for number in range(0x50, 0xA1) if number != 0x7F]
    characters = [bytes((0xFE, number)).decode("gb18030") for number in second_bytes]
    return {chr(0xE815 + number): late.get(found, found) for number, found in enumerate(characters)}


def composing() -> set[str]:
    """The characters below U+10000 that normal form C changes, or may change where they follow others.

    These are the ones whose property NFC_Quick_Check (Unicode Standard Annex 15) is not Yes, and all combining marks.
    """
    found = {chr(code) for code in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}  # parts of Korean syllables
    for code in range(0x10000):
        character = chr(code)
        if unicodedata.combining(character) or not unicodedata.is_normalized("NFC", character):
            found.add(character)
        parts = unicodedata.decomposition(character).split()
        if len(parts) == 2 and not parts[0].startswith("<") and unicodedata.is_normalized("NFC", character):
            found.add(chr(int(parts[1], 16)))
    return {character for character in found if ord(character) < 0x10000}


def to_nfc(text: str) -> str:
    """Composed characters where there are any: Unicode's normal form C."""
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    return unicodedata.normalize("NFC", text)
