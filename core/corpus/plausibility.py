"""Which of the old encodings a text is in, by how common the characters are that each of them would make of it.

The encodings of East Asia share their bytes, and often several can read a text. They were all made with the common
characters first, and the commonest of each language are a large part of any text.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections import Counter

EAST_ASIAN = ("gb18030", "big5hkscs", "shift_jis", "euc_jp", "euc_kr")
SAMPLE = 1 << 15  # bytes that are judged

# Each is about a third of what is written in its language.
_SIMPLIFIED = (
    "的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天去能对小多然于心学么之都好看起发"
    "当没成只如事把还用第样道想作种开美总从无情己面最女但现前些所同日手又行意动方期它头经长儿回位分爱老因很给名法间知世什两次使身者被"
    "高已亲其进此话常与活正感价店房书机买电"
)
_TRADITIONAL = (
    "的一是不了人我在有他這為之大來以個中上們到說國和地也子時道出而要於就下得可你年生自會那後能對著事其裡所去行過家十用發天如然作方"
    "成者多日都三小二無同麼經法當起與好看學進種將還分此心前面又定見只主沒從山風花月春雲水何長相君夜秋白江空歸寒門問話書電買機"
)
_JAPANESE = (
    "日一大年中会人本月長国出上十生子分東三行同今高金時手見市力自前円合立内二事社者地京間田体学下目五後新明方部女心四民対主正代言小"
    "山実入回場野開万全定家北問話文動度県水安和政保表道相意発不"
)
_KOREAN = "이다는을의에가고하지를은한도로기사어리자대서나인있아일그시해라만게보들수부정요면과것며여전주으스제우상니"
_PUNCTUATION = "，。、；：？！“”‘’「」『』（）《》〈〉【】…—～·\u3000％－"
_COMMON = {
    "gb18030": frozenset(_SIMPLIFIED + _TRADITIONAL + _PUNCTUATION),
    "big5hkscs": frozenset(_TRADITIONAL + _PUNCTUATION),
    "shift_jis": frozenset(_JAPANESE + _PUNCTUATION + "ー々"),
    "euc_jp": frozenset(_JAPANESE + _PUNCTUATION + "ー々"),
    "euc_kr": frozenset(_KOREAN + _PUNCTUATION),
}
# The first bytes of the more common half of the ideographs, or of the syllables.
_FIRST_HALF = {
    "gb18030": range(0xB0, 0xD8),
    "big5hkscs": range(0xA4, 0xC7),
    "shift_jis": range(0x88, 0x98),
    "euc_jp": range(0xB0, 0xD0),
    "euc_kr": range(0xB0, 0xC9),
}
# What Python calls the encoding that has all characters of programs which say the other name.
_WIDER = {"shift_jis": "cp932", "euc_kr": "cp949"}


def best_east_asian(sample: bytes) -> tuple[str, float]:
    """The likeliest of EAST_ASIAN, as Python names it, and how likely: about 0.7 for a text, 0 or less for none."""
    piece = sample[:SAMPLE]
    scores = {encoding: _score(piece, encoding) for encoding in EAST_ASIAN}
    best = max(scores, key=scores.__getitem__)
    # What few Hong Kong characters there are is no reason to call all of Big5 by another name.
    return {**_WIDER, "big5hkscs": _big5(sample)}.get(best, best), scores[best]


def _big5(sample: bytes) -> str:
    try:
        codecs.getincrementaldecoder("big5")().decode(sample)
        return "big5"
    except UnicodeDecodeError:
        return "big5hkscs"


def _score(piece: bytes, encoding: str) -> float:
    text = codecs.getincrementaldecoder(_WIDER.get(encoding, encoding))("replace").decode(piece)
    counts = Counter(character for character in text if character > "\x7f")
    total = counts.total()
    if not total or counts["\ufffd"] * 100 > total:
        return -1.0
    score = sum(_worth(character, encoding) * times for character, times in counts.items()) / total
    if encoding in ("shift_jis", "euc_jp"):
        kana = sum(times for character, times in counts.items() if "\u3041" <= character <= "\u30ff") / total
        score *= 0.5 + min(0.5, 2 * kana)  # there is no Japanese without any
    return score


def _worth(character: str, encoding: str) -> float:
    """How much a character speaks for an encoding, from -1 to 1."""
    if character in _COMMON[encoding]:
        return 1.0
    japanese = encoding in ("shift_jis", "euc_jp")
    if "\u3041" <= character <= "\u30ff":
        return 1.0 if japanese else -0.5
    raw = character.encode(_WIDER.get(encoding, encoding), "replace")
    first_half = len(raw) == 2 and raw[0] in _FIRST_HALF[encoding]
    if encoding == "euc_kr":
        if "\uac00" <= character <= "\ud7a3":
            return 0.6 if first_half else -0.3
        return -0.7 if "\u4e00" <= character <= "\u9fff" else -0.2
    if "\u4e00" <= character <= "\u9fff":
        if encoding == "gb18030":
            in_standard = len(raw) == 2 and min(raw) >= 0xA1
            return 0.5 if first_half else 0.1 if in_standard else 0.0
        return 0.5 if first_half else -0.1
    if "\uff01" <= character <= "\uff5e":
        return 0.3
    return -0.2 if unicodedata.category(character)[0] in "PSLN" and not "\uff61" <= character <= "\uff9f" else -1.0


# Western Europe.

_WESTERN = frozenset("àâäáãåæçèéêëìíîïñòóôöõøùúûüßœÿ“”‘’—–…€«»°£©®·§´¡¿ºª•\xa0")
FEW = 0.05  # of the letters; languages whose letters are in other encodings have more that are not ASCII


def is_western(sample: bytes) -> bool:
    """Whether it is mostly ASCII, with a few characters as they are written in Western Europe, as cp1252."""
    text = sample.decode("cp1252", "replace")
    foreign = [character for character in text if character > "\x7f"]
    good = sum(character.lower() in _WESTERN for character in foreign)
    letters = sum(map(str.isalpha, text))
    return good >= 0.95 * len(foreign) and len(foreign) <= max(2, FEW * letters)


# UTF-16 without a mark.


def plausible_in_utf_16(text: str) -> tuple[float, float]:
    """The shares of characters that are common somewhere, and of those that are in no text."""
    counts = Counter(text)
    total = counts.total() or 1
    good = sum(times for character, times in counts.items() if _is_common(character))
    odd = sum(
        times
        for character, times in counts.items()
        if character == "\ufffd"
        or (character not in "\t\n\r\f" and unicodedata.category(character) in ("Cc", "Cn", "Co"))
    )
    return good / total, odd / total


def _is_common(character: str) -> bool:
    if character < "\x80":
        return character.isprintable() or character in "\t\n\r"
    if "\u4e00" <= character <= "\u9fff":
        raw, other = character.encode("gb2312", "ignore"), character.encode("big5", "ignore")
        return bool((raw and raw[0] < 0xD8) or (other and other[0] < 0xC7))
    if character < "\u2000":
        return unicodedata.category(character)[0] == "L"
    return character in _PUNCTUATION or "\u3041" <= character <= "\u30ff" or "\uac00" <= character <= "\ud7a3"
