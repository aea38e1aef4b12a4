"""A SentencePiece model in the words of the `tokenizers` library, so that Transformers' AutoTokenizer opens it too."""

from __future__ import annotations

import base64
import json
from typing import Any

from .sentencepiece_model import BPE, CHAR, CONTROL, NORMAL, UNIGRAM, USER_DEFINED, PieceModel, ScoredPiece

SPACE = "\u2581"


def tokenizer_files(model: PieceModel) -> dict[str, bytes]:
    """The files that say the same as a `tokenizer.model`; none for a model of whole words, which they cannot say."""
    if model.kind not in (BPE, CHAR, UNIGRAM):
        return {}
    named = {"bos_token": model.begin, "eos_token": model.end, "pad_token": model.padding, "unk_token": model.unknown}
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"],
        **{name: model.pieces[number].text for name, number in named.items() if number >= 0},
    }
    return {"tokenizer.json": _json(_description(model)), "tokenizer_config.json": _json(config)}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def _description(model: PieceModel) -> dict[str, Any]:
    added = [
        {
            "id": number,
            "content": _text(piece),
            "special": piece.type == CONTROL,
            **dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False),
        }
        for number, piece in enumerate(model.pieces)
        if piece.type in (CONTROL, USER_DEFINED)
    ]
    replaced = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    rules = base64.b64encode(model.charsmap).decode()
    normalised = [{"type": "Precompiled", "precompiled_charsmap": rules}] if rules else []
    prepended = [{"type": "Prepend", "prepend": SPACE}] if model.add_dummy_prefix else []
    stripped = [{"type": "Strip", "content": " ", "start": 1, "stop": 0}] if model.add_dummy_prefix else []
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": [*normalised, *prepended, replaced]},
        "pre_tokenizer": None,
        "post_processor": _begin(model),
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                *stripped,
            ],
        },
        "model": _unigram(model) if model.kind == UNIGRAM else _byte_pairs(model),
    }


def _text(piece: ScoredPiece) -> str:
    """As it stands in the vocabulary; symbols are looked for before spaces become their sign."""
    return piece.text.replace(SPACE, " ") if piece.type == USER_DEFINED else piece.text


def _begin(model: PieceModel) -> dict[str, Any] | None:
    if model.begin < 0:
        return None
    text = model.pieces[model.begin].text
    first, all_of = {"SpecialToken": {"id": text, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [first, all_of],
        "pair": [first, all_of, first, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {text: {"id": text, "ids": [model.begin], "tokens": [text]}},
    }


def _unigram(model: PieceModel) -> dict[str, Any]:
    return {
        "type": "Unigram",
        "unk_id": model.unknown,
        "vocab": [[_text(piece), piece.score] for piece in model.pieces],
        "byte_fallback": model.spells_bytes,
    }


def _byte_pairs(model: PieceModel) -> dict[str, Any]:
    scores = {piece.text: piece.score for piece in model.pieces if piece.type == NORMAL}
    merges = [
        (-score, text[:place], text[place:])
        for text, score in scores.items()
        for place in range(1, len(text))
        if text[:place] in scores and text[place:] in scores
    ]
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": model.pieces[model.unknown].text,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": True,
        "byte_fallback": model.spells_bytes,
        "ignore_merges": False,
        "vocab": {_text(piece): number for number, piece in enumerate(model.pieces)},
        "merges": [[first, second] for _score, first, second in sorted(merges)],
    }
