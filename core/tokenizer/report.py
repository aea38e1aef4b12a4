"""What can be said of a tokenizer: how it shortens text, which of its pieces are used, and what to think of it."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..corpus.store import Corpus
from ..language import gettext as _
from .options import TokenizerOptions
from .special import WHITE_SPACE
from .tokenizer import Tokenizer

MEASURED = 2 << 20  # bytes of held-out text on which the compression is measured
RARE = 10  # a piece that is seen less often is rare
EXAMPLES = 10
TELLING = 1_000_000  # bytes of text from which on the number of rare pieces says something
MUCH, MOST = 0.05, 0.5
# Thai, Lao, Tibetan, Burmese, Khmer, Kana, Han.
_WITHOUT_SPACES = re.compile("[\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")

Numbers = np.ndarray[Any, np.dtype[np.int64]]


def held_out_text(corpus: Corpus) -> tuple[list[str], str]:
    """Documents to measure on, and the split that they are of: "val", or "train" where nothing is held out."""
    for split in ("val", "train"):
        texts = some_of(corpus.documents("val" if split == "val" else "train"))
        if texts:
            return texts, split
    return [], "val"


def some_of(documents: Iterable[str], most: int = MEASURED) -> list[str]:
    """The first documents, of so many bytes together, about."""
    texts: list[str] = []
    size = 0
    for document in documents:
        texts.append(document)
        size += len(document.encode())
        if size >= most:
            break
    return texts


def counts(tokenizer: Tokenizer, texts: Sequence[str]) -> Numbers:
    """How often each piece stands in the texts: (vocab_size,)."""
    found: Numbers = np.zeros(tokenizer.vocab_size, dtype=np.int64)
    for start in range(0, len(texts), 4096):
        encoded = tokenizer.encode_documents(texts[start : start + 4096], os.cpu_count() or 1)
        if encoded:
            found += np.bincount(np.concatenate(encoded), minlength=tokenizer.vocab_size)
    return found


def measured(tokenizer: Tokenizer, texts: Sequence[str]) -> dict[str, Any]:
    """How the texts are cut: rates, what is spelled in bytes or lost, and the same for each script."""
    seen = counts(tokenizer, texts)
    tokens = max(1, int(seen.sum()))
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    kept = min(size, int((seen * tokenizer.byte_lengths).sum()))  # less where characters are lost
    characters = sum(map(len, texts)) * kept / max(1, size)
    unknown = 0 if tokenizer.unknown is None else seen[tokenizer.unknown]
    return {
        "held_out_bytes": size,
        "tokens": int(seen.sum()),
        "bytes_per_token": round(kept / tokens, 3),
        "characters_per_token": round(characters / tokens, 3),
        "spelled_in_bytes": round(int(seen[tokenizer.is_byte].sum()) / tokens, 4),  # the share of pieces
        "unknown": round(int(unknown) / tokens, 4),
        "scripts": scripts(tokenizer, seen),
    }


def scripts(tokenizer: Tokenizer, seen: Numbers) -> list[dict[str, Any]]:
    """For each script, the share of the text's bytes that pieces of it stand for, and the bytes of one; most first."""
    found: dict[str, list[int]] = {}
    for number in np.flatnonzero(seen):
        data = tokenizer.token_bytes[number]
        entry = found.setdefault("bytes" if tokenizer.is_byte[number] else _script(data), [0, 0])
        entry[0] += int(seen[number])
        entry[1] += int(seen[number]) * len(data)
    total = max(1, sum(size for _tokens, size in found.values()))
    return [
        {"script": script, "share": round(size / total, 4), "bytes_per_token": round(size / tokens, 3)}
        for script, (tokens, size) in sorted(found.items(), key=lambda entry: -entry[1][1])
        if size
    ]


def _script(data: bytes) -> str:
    """The script of a piece's first letter, as Unicode calls it ("latin", "cjk"); "other" where there is no letter."""
    for character in data.decode("utf-8", "ignore"):
        if character.isalpha():
            return unicodedata.name(character, "other").partition(" ")[0].lower()
    return "digits" if data.isdigit() else "other"


def usage(tokenizer: Tokenizer, texts: Sequence[str], own: Sequence[str] = ()) -> dict[str, Any]:
    """How much of the vocabulary the texts use; which pieces are rare in them; which are the longest.

    Bytes, control symbols, white space and a person's own symbols are there for other reasons: they do not count.
    """
    seen = counts(tokenizer, texts)
    kept = {text.encode() for text in (*WHITE_SPACE, *own)}
    learnt = np.array([bool(data) and data not in kept for data in tokenizer.token_bytes]) & ~tokenizer.is_byte
    numbers = np.flatnonzero(learnt)
    rare = sorted((number for number in numbers if seen[number] < RARE), key=lambda number: (seen[number], -number))
    lengths = {number: len(tokenizer.token_bytes[number].decode("utf-8", "ignore")) for number in numbers}
    longest = sorted(numbers, key=lambda number: (-lengths[number], number))
    return {
        "counted_bytes": sum(len(text.encode("utf-8", "replace")) for text in texts),
        "learnt_pieces": len(numbers),
        "vocabulary_used": round(float((seen[numbers] > 0).mean()), 4) if len(numbers) else 0.0,
        "rare_below": RARE,
        "rare_pieces": len(rare),
        "rare_examples": [
            {"id": int(number), "text": tokenizer.piece(int(number)), "count": int(seen[number])}
            for number in rare[:EXAMPLES]
        ],
        "longest_pieces": [{"id": int(number), "text": tokenizer.piece(int(number))} for number in longest[:EXAMPLES]],
    }


def _without_spaces(texts: Sequence[str]) -> float:
    """The share of characters that are of a script without spaces between words."""
    found = sum(1 for text in texts for _match in _WITHOUT_SPACES.finditer(text))
    return found / max(1, sum(map(len, texts)))


def remarks_on(options: TokenizerOptions, report: dict[str, Any], texts: Sequence[str]) -> list[str]:
    """What a person should know of a tokenizer that was trained here and measured on these texts."""
    found: list[str] = []
    if options.type == "word" and _without_spaces(texts) > MUCH:
        found.append(
            _(
                "Text such as Chinese has no spaces: its words are whole clauses here, few of which come again. "
                "--type bpe or unigram suits it better."
            )
        )
    if not options.byte_fallback:
        found.append(
            _("Text may be lost: characters without a piece become <unk>, {share:.2%} of the pieces here.").format(
                share=report["unknown"]
            )
        )
    if options.normalization != "none":
        found.append(
            _("Text does not come back as it was: {rule} makes one of characters that mean the same.").format(
                rule=options.normalization
            )
        )
    if report["spelled_in_bytes"] > MUCH and report["held_out_bytes"] >= TELLING // 10 and options.type != "word":
        found.append(
            _(
                "{share:.0%} of the pieces are single bytes of characters that have no piece. A larger --vocab-size or "
                "--character-coverage 1 gives them some."
            ).format(share=report["spelled_in_bytes"])
        )
    if report["counted_bytes"] >= TELLING and report["rare_pieces"] > MOST * max(1, report["learnt_pieces"]):
        found.append(
            _(
                "{rare:,} of {number:,} pieces are seen fewer than {below} times in the text: a smaller --vocab-size "
                "would lose little."
            ).format(rare=report["rare_pieces"], number=report["learnt_pieces"], below=RARE)
        )
    return found
