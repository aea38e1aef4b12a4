"""How text is cut before byte pairs are merged: the ways that llama.cpp knows by a name, as parts of `tokenizers`.

The expressions are those of the models' own tokenizer.json files; llama.cpp has its copies in src/llama-vocab.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_WORD = rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+%s|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*%s"
_REST_AND_SLASH = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_HAN = "[一-龥\u0800-一\uac00-\ud7ff]+"
_PUNCTUATION = r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"
_DIGITS = r"\p{N}"
# The letters of DeepSeek's first models: all that have a case.
_CASED = r"\s?[\p{Lu}\p{Ll}\p{Lt}]+"


@dataclass(frozen=True)
class PreTokenizer:
    """Expressions whose matches are pieces by themselves, one after the other, and what goes with them."""

    patterns: tuple[str, ...]
    whole_words: bool = False  # a word that is a piece is one, whatever its merges say
    begins: bool = False  # a text starts with the first symbol unless the file says otherwise

    def as_json(self) -> dict[str, Any]:
        """The part of a tokenizer.json."""
        splits: list[dict[str, Any]] = [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
            for pattern in self.patterns
        ]
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
        return {"type": "Sequence", "pretokenizers": [*splits, level]}


_LLAMA3 = PreTokenizer(
    (rf"{_CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|{_REST}",), whole_words=True, begins=True
)
_QWEN2 = PreTokenizer((rf"{_CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{_REST}",))
_PLAIN = PreTokenizer((_GPT2,))
_DIGIT_BY_DIGIT = PreTokenizer((_DIGITS, _GPT2))
_GPT4O = PreTokenizer((rf"{_WORD % (_CONTRACTION + '?', _CONTRACTION + '?')}|\p{{N}}{{1,3}}|{_REST_AND_SLASH}",))
_DEEPSEEK3 = PreTokenizer(
    (
        r"\p{N}{1,3}",
        "[一-龥\u3040-ゟ゠-ヿ]+",
        rf"{_PUNCTUATION}[A-Za-z]+|[^\r\n\p{{L}}\p{{P}}\p{{S}}]?[\p{{L}}\p{{M}}]+| ?[\p{{P}}\p{{S}}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    )
)

BY_NAME: dict[str, PreTokenizer] = {
    **dict.fromkeys(("gpt-2", "mpt", "olmo", "phi-2", "exaone4", "a.x-4.0", "mellum", "gigachat"), _PLAIN),
    **dict.fromkeys(
        ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"), _DIGIT_BY_DIGIT
    ),
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral", "midm-2.0"), _LLAMA3),
    **dict.fromkeys(("dbrx", "smaug-bpe"), PreTokenizer(_LLAMA3.patterns)),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen", "megrez", "stablelm2", "hunyuan", "kormo"), _QWEN2),
    "qwen35": PreTokenizer(
        (
            rf"{_CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*"
            r"|\s*[\r\n]+|\s+(?!\S)|\s+",
        )
    ),
    "deepseek-llm": PreTokenizer(("[\r\n]", _CASED, r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$", _HAN, r"\p{N}+")),
    "deepseek-coder": PreTokenizer(("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", _HAN, _DIGITS)),
    **dict.fromkeys(("deepseek-v3", "hunyuan-dense"), _DEEPSEEK3),
    "tekken": PreTokenizer((rf"{_WORD % ('', '')}|\p{{N}}|{_REST_AND_SLASH}",), whole_words=True, begins=True),
    **dict.fromkeys(("gpt-4o", "llama4"), _GPT4O),
    "seed-coder": PreTokenizer(
        (
            rf"{_CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}\r\n]+"
            r"|\s*[\r\n]+|\s+(?!\S)|\s+",
        )
    ),
    "falcon": PreTokenizer((r"[\p{P}\$\+<=>\^~\|`]+", _GPT2, "[0-9][0-9][0-9]")),
    "default": PreTokenizer((r"[\p{P}\$\+<=>\^~\|]+", _GPT2, r"\p{N}+", "[0-9][0-9][0-9]")),
}


def name_of(pre_tokenizer: Any, ignore_merges: bool = False) -> str | None:
    """The name of the way that a tokenizer.json describes; None for one that has none."""
    described = _patterns(pre_tokenizer)
    if described is None:
        return None
    found = [name for name, known in BY_NAME.items() if known.patterns == described]
    exact = [name for name in found if BY_NAME[name].whole_words == ignore_merges]
    return next(iter(exact), None)


def _patterns(part: Any) -> tuple[str, ...] | None:
    """The expressions of a pre-tokenizer that ends in GPT-2's bytes; None for another kind."""
    several = isinstance(part, dict) and part.get("type") == "Sequence"
    parts: list[Any] = list(part.get("pretokenizers") or ()) if several else [part]
    found: list[str] = []
    for each in parts:
        kind = each.get("type") if isinstance(each, dict) else None
        if kind == "Split" and _is_isolated(each):
            found.append(each["pattern"]["Regex"])
        elif kind == "Digits" and each.get("individual_digits"):
            found.append(_DIGITS)
        elif kind == "ByteLevel" and not each.get("add_prefix_space") and each is parts[-1]:
            return (*found, _GPT2) if each.get("use_regex", True) else tuple(found)
        else:
            return None
    return None


def _is_isolated(split: dict[str, Any]) -> bool:
    return split.get("behavior") == "Isolated" and not split.get("invert") and "Regex" in split.get("pattern", {})
