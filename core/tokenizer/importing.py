"""Take a tokenizer from elsewhere: `tokenizer.model`, `tokenizer.json`, GPT-2's two files, or a folder with one."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from .. import store
from ..corpus.store import Corpus
from ..errors import UserError
from ..files import staged_folder, write_atomic, write_json
from ..home import folder
from ..language import N_
from ..language import gettext as _
from .companions import KEPT
from .hugging_face import HuggingFaceTokenizer
from .report import held_out_text, measured, some_of, usage
from .sentencepiece import SentencePieceTokenizer
from .tokenizer import Tokenizer

_KINDS = ("unigram", "bpe", "word", "char")  # as SentencePiece numbers them, from 1
_GPT2 = ("vocab.json", "merges.txt")
# What has to come back, and what a person is told where it does not.
_ROUND_TRIP = (
    ("The fox ran, didn't it?", N_("plain words")),
    (" a", N_("spaces at the beginning")),
    ("a ", N_("spaces at the end")),
    ("a  b   c", N_("several spaces in a row")),
    ("a\nb\n\nc", N_("ends of lines")),
    ("a\tb", N_("tabs")),
    ("The FOX", N_("capital letters")),
    ("好的，狐狸。", N_("Chinese")),
    ("na\u00efve \u00c5", N_("accents")),
    ("e\u0301 \ufb01 \u2460 \uff21", N_("characters that mean the same as others")),
    ("\U0001f98a\U0001f469\u200d\U0001f467", N_("emoji")),
    ("\U00020000 \x07 \ufffe", N_("rare characters")),
    ("a\u2581b", N_("the sign that SentencePiece has for a space")),
)


def import_tokenizer(source: str | Path, name: str, corpus: Corpus | None = None) -> Tokenizer:
    """Keep the tokenizer at `source`, a path or the name of a model, as `name`.

    What it does is measured on the held-out text of `corpus`, or else on a part of Python's own documentation. Texts
    that do not come back from it are told under "remarks" of its report. Raises UserError for what is no tokenizer, is
    damaged, or cannot give text back.
    """
    path = store.new_path("tokenizers", name)
    place = _find(source)
    tokenizer = _open(place)
    lost = _lost(tokenizer, place)
    if corpus:
        (texts, split), measured_with = held_out_text(corpus), corpus.name
    else:
        texts, split, measured_with = _python_text(), "", "python"
    report: dict[str, Any] = {
        "format": 1,
        "created": round(time.time(), 3),
        "corpus": "",
        "origin": str(place),
        "type": kind_of(tokenizer),
        "vocab_size": tokenizer.vocab_size,
        "requested_vocab_size": tokenizer.vocab_size,
        "lossless": not lost and not _puts_space(tokenizer),
        "measured_on": split,
        "measured_corpus": measured_with,
        **measured(tokenizer, texts),
        **usage(tokenizer, texts),
        "choice": None,
        "remarks": _remarks(tokenizer, lost),
        "fingerprint": tokenizer.fingerprint,
    }
    with staged_folder(path) as staged:
        for file, content in tokenizer.files.items():
            write_atomic(staged / file, content)
        # What ends a text may be told by a model's own files, which do not come along.
        write_json(staged / "generation_config.json", tokenizer.special_numbers)
        write_json(staged / "report.json", report)
    return tokenizer


def kind_of(tokenizer: Tokenizer) -> str:
    """How it finds its pieces: "bpe", "unigram", "word", "char"."""
    if isinstance(tokenizer, SentencePieceTokenizer):
        from ..formats.sentencepiece_model import PieceModel

        return _KINDS[PieceModel.decode(tokenizer.model).kind - 1]
    assert isinstance(tokenizer, HuggingFaceTokenizer)
    return str((tokenizer.description.get("model") or {}).get("type") or "bpe").lower()


def _find(source: str | Path) -> Path:
    place = Path(source).expanduser().absolute()
    if place.exists():
        return place
    model = folder("models") / str(source)
    if "/" not in str(source) and (model / "config.json").is_file():
        return model
    raise UserError(
        _(
            "There is no file or folder {path}. Name a tokenizer.model, a tokenizer.json, or a folder with one of them."
        ).format(path=source)
    )


def _open(place: Path) -> Tokenizer:
    if place.is_dir():
        return Tokenizer.at(place)
    if place.name in ("tokenizer.json", *_GPT2):
        return HuggingFaceTokenizer.in_folder(place.parent)
    if place.name == "tokenizer.model":
        return SentencePieceTokenizer.in_folder(place.parent)
    names = {".model": "tokenizer.model", ".json": "tokenizer.json"}
    if place.suffix not in names:
        raise UserError(
            _("{path} is no tokenizer: its name has to end in .model (SentencePiece) or .json (Hugging Face).").format(
                path=place
            )
        )
    # By the name that such a file usually has, with what stands beside it.
    with tempfile.TemporaryDirectory() as temporary:
        named = Path(temporary, names[place.suffix])
        shutil.copy(place, named)
        for beside in KEPT:
            if (place.parent / beside).is_file():
                shutil.copy(place.parent / beside, temporary)
        try:
            return Tokenizer.at(Path(temporary))
        except UserError as error:
            raise UserError(str(error).replace(str(named), str(place))) from None


def _lost(tokenizer: Tokenizer, place: Path) -> list[str]:
    """What does not come back, but for a space before the text. Raises UserError where not even words do."""
    word = "fox"
    made = tokenizer.decode(tokenizer.encode(word))
    if made.strip().lower() != word:
        raise UserError(
            _("{path} does not give text back: of {text!r} it makes {made!r}. newleaf cannot use it.").format(
                path=place, text=word, made=made
            )
        )
    before = " " * made.startswith(" ")
    return [what for text, what in _ROUND_TRIP if tokenizer.decode(tokenizer.encode(text)) not in (before + text, text)]


def _remarks(tokenizer: Tokenizer, lost: list[str]) -> list[str]:
    found = []
    if _puts_space(tokenizer):
        found.append(_("It puts a space before each text."))
    if lost:
        found.append(_("Not every text comes back as it was: {lost}.").format(lost=", ".join(map(_, lost))))
    if not tokenizer.end:
        found.append(_("It has no symbol that ends a text: a model that learns with it does not learn where to stop."))
    return found


def _puts_space(tokenizer: Tokenizer) -> bool:
    return tokenizer.decode(tokenizer.encode("fox")).startswith(" ")


def _python_text() -> list[str]:
    try:
        from pydoc_data.topics import topics
    except ImportError:  # some distributions of Python leave it out
        return [text for text, _what in _ROUND_TRIP]
    return some_of(topics.values())
