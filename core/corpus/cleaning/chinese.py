"""The step that writes Chinese in one script, simplified or traditional."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import NamedTuple

from .dropped import Dropped
from .options import CleaningOptions

_HAN_BLOCKS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x2EBF0))
_KANA = re.compile("[\u3041-\u30fa]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
KANA_OF_JAPANESE = 0.1  # kana for each Han character, from which on a text is Japanese


class _Conversion(NamedTuple):
    convert: Callable[[str], str]
    other_script: re.Pattern[str]  # the characters that the wanted script does not have


def convert_chinese(options: CleaningOptions) -> Callable[[str], str | Dropped]:
    """The function that converts with OpenCC, phrase by phrase (BYVoid, https://github.com/BYVoid/OpenCC).

    A text without a character that only the other script has is left as it is: 乾 and 後 tell which script a text
    is in, 干 and 里 stand in both. Japanese is left as it is.
    """
    wanted = options.chinese

    def convert(text: str) -> str | Dropped:
        if text.isascii():
            return text
        conversion = _conversion(wanted)
        if conversion.other_script.search(text) is None or is_japanese(text):
            return text
        # Once more where the new neighbours of a character make another phrase.
        while (converted := conversion.convert(text)) != text:
            text = converted
            if conversion.other_script.search(text) is None:
                break
        return text

    return convert


def is_japanese(text: str) -> bool:
    """Whether the Han characters of `text` stand among so many kana that it is Japanese; one の is a fashion."""
    kana = len(_KANA.findall(text))
    return kana > 1 and kana >= KANA_OF_JAPANESE * len(_HAN.findall(text))


@functools.cache
def _conversion(wanted: str) -> _Conversion:
    from opencc import OpenCC

    simplify, complicate = OpenCC("t2s").convert, OpenCC("s2t").convert
    characters = [chr(number) for start, end in _HAN_BLOCKS for number in range(start, end)]
    convert = simplify if wanted == "simplified" else complicate
    converted = convert("\n".join(characters)).split("\n")
    others = {old for old, new in zip(characters, converted, strict=True) if old != new}
    if wanted == "traditional":
        others = {character for character in others if not _in_big5(character)}
    return _Conversion(convert, re.compile("[" + "".join(sorted(others)) + "]"))


def _in_big5(character: str) -> bool:
    """Whether the encoding of traditional Chinese has it: then it is no sign of a simplified text."""
    try:
        character.encode("big5")
    except UnicodeEncodeError:
        return False
    return True
