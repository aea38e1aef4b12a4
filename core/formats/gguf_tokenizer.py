"""The tokenizer inside a GGUF file as the files of a Hugging Face folder, and the other way round."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..language import gettext as _
from ..tokenizer.hugging_face import HuggingFaceTokenizer
from ..tokenizer.sentencepiece import SentencePieceTokenizer
from ..tokenizer.tokenizer import Tokenizer
from .gguf_file import GGUFFile
from .pre_tokenizers import BY_NAME, name_of
from .sentencepiece_model import (
    BPE,
    BYTE,
    CHAR,
    CONTROL,
    NORMAL,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    PieceModel,
    ScoredPiece,
)

if TYPE_CHECKING:
    from gguf import GGUFWriter

# Control symbols by these names end a text, whether or not the file says so; llama.cpp knows the same.
_ENDS = {"<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<|end_of_text|>"}


def read_tokenizer(file: GGUFFile) -> dict[str, bytes]:
    """The files of the tokenizer, by name. Raises UserError for a kind that is not known here."""
    kind = file.get("tokenizer.ggml.model", str)
    texts = file.several("tokenizer.ggml.tokens", str)
    types = file.several("tokenizer.ggml.token_type", int) or [NORMAL] * len(texts)
    if not texts or len(types) != len(texts):
        raise file.damaged(
            _("its vocabulary has {texts:,} pieces and {types:,} types").format(texts=len(texts), types=len(types))
        )
    if len(set(texts)) < len(texts):
        raise file.damaged(_("two pieces of its vocabulary are the same"))
    if kind == "gpt2":
        files, begins = _byte_pairs(file, texts, types)
    elif kind == "llama":
        files, begins = _pieces(file, texts, types)
    else:
        raise UserError(
            _("{path} cuts text in the way {kind}; newleaf knows {known}.").format(
                path=file.path, kind=kind, known="gpt2, llama"
            )
        )
    return files | _companions(file, files, texts, types, begins)


def _byte_pairs(file: GGUFFile, texts: list[str], types: list[int]) -> tuple[dict[str, bytes], bool]:
    name = file.get("tokenizer.ggml.pre", str, "default")
    if name not in BY_NAME:
        raise UserError(
            _("{path} cuts text in the way {kind}; newleaf knows {known}.").format(
                path=file.path, kind=name, known=", ".join(sorted(BY_NAME))
            )
        )
    cut = BY_NAME[name]
    merges = [merge.partition(" ") for merge in file.several("tokenizer.ggml.merges", str)]
    added = [
        {
            "id": number,
            "content": text,
            "special": kind == CONTROL,
            **dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False),
        }
        for number, (text, kind) in enumerate(zip(texts, types, strict=True))
        if kind in (CONTROL, USER_DEFINED)
    ]
    made = {
        "version": "1.0",
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": cut.as_json(),
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": cut.whole_words,
            "vocab": {text: number for number, text in enumerate(texts)},
            "merges": [[first, second] for first, _space, second in merges],
        },
    }
    return {"tokenizer.json": json.dumps(made, ensure_ascii=False).encode("utf-8", "replace")}, cut.begins


def _pieces(file: GGUFFile, texts: list[str], types: list[int]) -> tuple[dict[str, bytes], bool]:
    scores = file.several("tokenizer.ggml.scores", float) or [0.0] * len(texts)
    if len(scores) != len(texts) or not all(NORMAL <= kind <= BYTE for kind in types):
        raise file.damaged(_("its vocabulary has scores or types that cannot be"))
    unknown = types.index(UNKNOWN) if UNKNOWN in types else 0
    # SentencePiece takes one piece for all that is unknown, and no second.
    kinds = [CONTROL if kind == UNKNOWN and number != unknown else kind for number, kind in enumerate(types)]
    model = PieceModel(
        tuple(map(ScoredPiece, texts, scores, kinds)),
        add_dummy_prefix=file.get("tokenizer.ggml.add_space_prefix", bool, True),
        begin=_number(file, "bos", 1),
        end=_number(file, "eos", 2),
        unknown=unknown,
        padding=_number(file, "padding", -1),
    )
    try:
        return {"tokenizer.model": model.encode()}, True
    except UnicodeEncodeError:
        raise file.damaged(_("a piece of its vocabulary is no text")) from None


def _number(file: GGUFFile, name: str, default: int) -> int:
    number = file.get(f"tokenizer.ggml.{name}_token_id", int, default)
    return number if number < 1 << 31 else -1  # all ones: there is none


def _companions(
    file: GGUFFile, files: Mapping[str, bytes], texts: list[str], types: list[int], begins: bool
) -> dict[str, bytes]:
    """What else is known of the tokenizer, for the files beside it."""
    known = {"bos": 1, "eos": 2} if "tokenizer.model" in files else {}  # unless the file says otherwise
    named = {name: _number(file, name, known.get(name, -1)) for name in ("bos", "eos", "padding", "eot", "eom")}
    text = {name: texts[number] for name, number in named.items() if 0 <= number < len(texts)}
    config: dict[str, Any] = {
        "add_bos_token": file.get("tokenizer.ggml.add_bos_token", bool, begins) and "bos" in text,
        "tokenizer_class": "PreTrainedTokenizerFast",
        **{
            f"{short}_token": text[name]
            for name, short in (("bos", "bos"), ("eos", "eos"), ("padding", "pad"))
            if name in text
        },
    }
    if "tokenizer.chat_template" in file:
        config["chat_template"] = file.get("tokenizer.chat_template", str)
    ends = {number for name, number in named.items() if name in ("eos", "eot", "eom") and name in text}
    ends |= {
        number
        for number, (piece, kind) in enumerate(zip(texts, types, strict=True))
        if kind == CONTROL and piece in _ENDS
    }
    generation: dict[str, Any] = {"eos_token_id": sorted(ends)} if ends else {}
    if "bos" in text:
        generation["bos_token_id"] = named["bos"]
    if "padding" in text:
        generation["pad_token_id"] = named["padding"]
    return {
        "tokenizer_config.json": _json(config),
        "generation_config.json": _json(generation),
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace")


# Out


def write_tokenizer(writer: GGUFWriter, tokenizer: Tokenizer, rows: int) -> None:
    """Say the tokenizer of a model whose embedding has so many `rows`.

    Raises UserError for one that llama.cpp cannot be.
    """
    if isinstance(tokenizer, SentencePieceTokenizer):
        pieces = _scored_pieces(tokenizer)
        prefix = _model_of(tokenizer).add_dummy_prefix
        writer.add_tokenizer_model("llama")
        writer.add_add_space_prefix(prefix)
    else:
        assert isinstance(tokenizer, HuggingFaceTokenizer)
        description = tokenizer.description
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(_way_of(description))
        merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in description["model"]["merges"]]
        writer.add_token_merges(merges)
        pieces = {number: ScoredPiece(text) for text, number in description["model"]["vocab"].items()}
    for number, (text, special) in tokenizer.added.items():
        pieces[number] = ScoredPiece(text, type=CONTROL if special else USER_DEFINED)
    for text, number in tokenizer.special.items():
        pieces[number] = ScoredPiece(text, type=CONTROL)
    whole = [pieces.get(number) or ScoredPiece(f"[PAD{number}]", type=UNUSED) for number in range(rows)]
    writer.add_token_list([piece.text for piece in whole])
    writer.add_token_scores([piece.score for piece in whole])
    writer.add_token_types([piece.type for piece in whole])
    writer.add_add_bos_token(tokenizer.begin is not None)
    writer.add_add_eos_token(False)
    if tokenizer.begin is not None:
        writer.add_bos_token_id(tokenizer.begin)
    if tokenizer.end:
        writer.add_eos_token_id(_main_end(tokenizer))
    if tokenizer.padding is not None:
        writer.add_pad_token_id(tokenizer.padding)
    if tokenizer.chat_template is not None:
        writer.add_chat_template(tokenizer.chat_template)


def _model_of(tokenizer: SentencePieceTokenizer) -> PieceModel:
    return PieceModel.decode(tokenizer.model)


def _scored_pieces(tokenizer: SentencePieceTokenizer) -> dict[int, ScoredPiece]:
    model = _model_of(tokenizer)
    if model.kind not in (BPE, CHAR):
        raise UserError(_("llama.cpp cannot cut text as this tokenizer does: it knows those of type bpe and char."))
    return dict(enumerate(model.pieces))


def _way_of(description: Mapping[str, Any]) -> str:
    model = description["model"]
    name = name_of(description.get("pre_tokenizer"), bool(model.get("ignore_merges")))
    if model.get("type") != "BPE" or name is None:
        raise UserError(_("llama.cpp has no name for the way in which this model's tokenizer cuts text."))
    return name


def _main_end(tokenizer: Tokenizer) -> int:
    named = tokenizer.special.get(tokenizer.symbol_names.get("eos_token", ""))
    return named if named in tokenizer.end else min(tokenizer.end)
