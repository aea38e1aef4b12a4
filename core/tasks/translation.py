"""Translation, of any number of pairs of languages with one model: the instruction names both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..chat import Message
from ..language import gettext as _
from .base import Field, Record, Task, ask

# Names of languages as a model from elsewhere knows them; another code stands for itself.
NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French",
    "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "la": "Latin", "lt": "Lithuanian", "lv": "Latvian", "ms": "Malay",
    "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sk": "Slovak", "sl": "Slovenian", "sr": "Serbian", "sv": "Swedish", "th": "Thai", "tr": "Turkish",
    "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


class Translation(Task):
    """A record is {"source", "target", "source_language", "target_language"}, languages as codes such as en, zh-tw."""

    name = "translate"
    fields = (
        Field("source", ("source", "src", "source_text", "原文", "源文")),
        Field("target", ("target", "tgt", "translation", "target_text", "译文", "翻译"), answers=True),
        Field("source_language", ("source_language", "source_lang", "src_lang", "from")),
        Field("target_language", ("target_language", "target_lang", "tgt_lang", "to")),
    )
    main_score = "chrf"
    generation: ClassVar[Mapping[str, Any]] = {"beams": 4, "max_tokens": 200}

    @property
    def title(self) -> str:
        return _("translation")

    def question(self, record: Record) -> list[Message]:
        source, target = (language_name(str(record[key])) for key in ("source_language", "target_language"))
        return ask(f"Translate from {source} to {target}.", str(record["source"]))

    def about(self, records: Sequence[Record]) -> dict[str, Any]:
        pairs = {(str(record["source_language"]), str(record["target_language"])) for record in records}
        return {"languages": [list(pair) for pair in sorted(pairs)]}


def language_name(code: str) -> str:
    """How a language is named to a model."""
    return NAMES.get(code.lower(), code)
