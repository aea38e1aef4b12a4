"""Train a SentencePiece tokenizer on a corpus."""

from __future__ import annotations

import hashlib
import io
import os
import re
import select
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sentencepiece

from ..corpus.store import Corpus
from ..errors import UserError
from ..files import staged_folder, write_atomic, write_json
from ..language import gettext as _
from ..options import format_size
from ..progress import Progress, no_progress
from ..store import new_path
from .options import TokenizerOptions
from .sentencepiece import SentencePieceTokenizer
from .special import BEGIN, END, PADDING, RESERVED, ROLES, UNKNOWN, WHITE_SPACE
from .tokenizer import Tokenizer

SAMPLE = 200 << 20  # bytes of text at most that are learnt from: more changes little
LONGEST_LINE = 1 << 16  # characters; SentencePiece passes over what is longer than it is told
MEASURED = 2 << 20  # bytes of held-out text on which the compression is measured
PATIENCE = 0.5  # seconds without a word of SentencePiece after which somebody may leave
READING = 0.5  # the share of the work that is reading the sample; the rest is merging


@dataclass
class _Sample:
    """The lines to learn from, and what was counted while they were read."""

    corpus: Corpus
    progress: Progress
    taken: int = 0
    rare: re.Pattern[str] | None = None  # runs of characters that will have no piece

    def keep_commonest(self, room: int, remarks: list[str]) -> None:
        """From now on leave out all but the `room` commonest characters."""
        counts = Counter(character for line in self.lines() for character in line)
        kept = "".join(re.escape(character) for character, _count in counts.most_common(room))
        self.rare = re.compile(f"[^{kept}]+")
        remarks.append(
            _("The text has {number} different characters: all but the {room} commonest are spelled in bytes.").format(
                number=len(counts), room=room
            )
        )

    def lines(self) -> Iterator[str]:
        """The text, line by line and without the rare characters."""
        for line in self._whole_lines():
            if self.rare is None:
                yield line
            else:
                yield from filter(None, self.rare.split(line))

    def _whole_lines(self) -> Iterator[str]:
        self.taken = 0
        total = self.corpus.manifest.train.bytes
        share = min(1.0, SAMPLE / max(1, total))
        for document in self.corpus.documents("train"):
            if share < 1 and _number_of(document) >= share:
                continue
            self.taken += len(document.encode())
            self.progress(READING * self.taken, max(1, min(total, SAMPLE)), _("reading"))
            for line in document.split("\n"):
                for start in range(0, len(line), LONGEST_LINE):
                    yield line[start : start + LONGEST_LINE]


def _number_of(document: str) -> float:
    # Not the beginning of the hash that decides what is held out: that one is never low in the training split.
    return int.from_bytes(hashlib.sha256(document.encode()).digest()[8:16], "big") / 2**64


def train_tokenizer(
    corpus: Corpus, name: str, options: TokenizerOptions | None = None, progress: Progress = no_progress
) -> Tokenizer:
    """Train the tokenizer `name` on the training split of `corpus`.

    A vocabulary that is larger than the text supports becomes the largest possible one, and too many different
    characters for a vocabulary are spelled in bytes, the rarest first; the report says so under "remarks".
    """
    options = options or TokenizerOptions()
    path = new_path("tokenizers", name)
    remarks: list[str] = []
    sample = _Sample(corpus, progress)
    model = _train(sample, options, remarks)
    if sample.taken < 0.99 * corpus.manifest.train.bytes:
        remarks.append(
            _("Learnt from a sample: {taken} of {total}.").format(
                taken=format_size(sample.taken), total=format_size(corpus.manifest.train.bytes)
            )
        )
    tokenizer = SentencePieceTokenizer(model)
    if tokenizer.vocab_size < options.vocab_size:
        remarks.append(
            _("The text supports {largest} pieces, not {asked}: took {largest}.").format(
                largest=tokenizer.vocab_size, asked=options.vocab_size
            )
        )
    progress(1, 1)
    with staged_folder(path) as folder:
        write_atomic(folder / "tokenizer.model", model)
        write_json(folder / "report.json", _report(tokenizer, corpus, options, remarks))
    return tokenizer


def _train(sample: _Sample, options: TokenizerOptions, remarks: list[str]) -> bytes:
    vocab_size, coverage = options.vocab_size, options.character_coverage
    while True:
        try:
            return _run(sample, options.type, vocab_size, coverage)
        except RuntimeError as error:
            text = str(error)
            if match := re.search(r"set it to a value <= (\d+)", text):
                smaller = int(match[1])
                if smaller >= vocab_size:
                    raise
                vocab_size = smaller
            elif match := re.search(r"smaller than required_chars\. (\d+) vs (\d+)", text):
                sample.keep_commonest(_room_for_characters(vocab_size), remarks)
                coverage = 1.0
            elif "sentences_.empty()" in text:
                raise UserError(
                    _("The corpus {name} has no text to learn from.").format(name=sample.corpus.name)
                ) from None
            else:
                raise


def _room_for_characters(vocab_size: int) -> int:
    """Half of what bytes and control symbols leave: the other half is for pieces of several characters."""
    fixed = 256 + 4 + len(ROLES) + len(RESERVED) + len(WHITE_SPACE)
    return (vocab_size - fixed) // 2


def _run(sample: _Sample, model_type: str, vocab_size: int, coverage: float) -> bytes:
    """One call of SentencePiece, in a thread: this one watches its log for the progress, and may leave."""
    model = io.BytesIO()
    failure: list[BaseException] = []
    reader, writer = os.pipe()

    def lines() -> Iterator[str]:
        try:
            yield from sample.lines()
        except BaseException as error:  # SentencePiece would make a RuntimeError of it
            failure.append(error)
            raise

    def train(log: Any) -> None:
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=lines(),
                model_writer=model,
                logstream=log,
                model_type=model_type,
                vocab_size=vocab_size,
                character_coverage=coverage,
                # What makes it lossless: no normalisation, and bytes for what has no piece.
                normalization_rule_name="identity",
                remove_extra_whitespaces=False,
                add_dummy_prefix=False,
                allow_whitespace_only_pieces=True,
                byte_fallback=True,
                split_digits=True,
                unk_id=UNKNOWN,
                bos_id=BEGIN,
                eos_id=END,
                pad_id=PADDING,
                control_symbols=[*ROLES, *RESERVED],
                user_defined_symbols=list(WHITE_SPACE),
                max_sentence_length=8 * LONGEST_LINE,
                num_threads=os.cpu_count() or 1,
                train_extremely_large_corpus=sample.corpus.manifest.train.bytes > 100 << 20,
            )
        except BaseException as error:
            failure.append(error)
        finally:
            log.close()

    thread = threading.Thread(target=train, args=(os.fdopen(writer, "w"),), daemon=True)
    thread.start()
    done, doing = 0.0, _("reading")
    with os.fdopen(reader, errors="replace") as log:
        while True:
            if not select.select([log], [], [], PATIENCE)[0]:
                if done:
                    sample.progress(done, 1, doing)  # nothing new, but perhaps nobody waits any more
                continue
            if not (line := log.readline()):
                break
            if match := re.search(r"merges=(\d+)", line):
                done, doing = READING + (1 - READING) * min(1, int(match[1]) / vocab_size), _("merging")
            elif "EM sub_iter=" in line:
                done, doing = 0.75, _("choosing pieces")
            if done:
                sample.progress(done, 1, doing)
    thread.join()
    if failure:
        raise failure[0]
    return model.getvalue()


def _report(tokenizer: Tokenizer, corpus: Corpus, options: TokenizerOptions, remarks: list[str]) -> dict[str, Any]:
    texts: list[str] = []
    size = 0
    for document in corpus.documents("val"):
        texts.append(document)
        size += len(document.encode())
        if size >= MEASURED:
            break
    encoded = tokenizer.encode_documents(texts, os.cpu_count() or 1)
    tokens = max(1, sum(map(len, encoded)))
    spelled = sum(int(tokenizer.is_byte[numbers].sum()) for numbers in encoded)
    return {
        "format": 1,
        "created": round(time.time(), 3),
        "corpus": corpus.name,
        "type": options.type,
        "vocab_size": tokenizer.vocab_size,
        "requested_vocab_size": options.vocab_size,
        "bytes_per_token": round(size / tokens, 3),
        "characters_per_token": round(sum(map(len, texts)) / tokens, 3),
        "spelled_in_bytes": round(spelled / tokens, 4),  # the share of pieces
        "remarks": remarks,
        "fingerprint": tokenizer.fingerprint,
    }
