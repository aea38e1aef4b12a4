"""SentencePiece's trainer: what it is told so that nothing is lost, its progress, and its errors in our words."""

from __future__ import annotations

import io
import os
import re
import select
import threading
from collections.abc import Iterator
from typing import Any

import sentencepiece

from ..errors import UserError
from ..formats.sentencepiece_model import NORMAL, PieceModel
from ..language import gettext as _
from .options import COVERAGE, TokenizerOptions
from .sample import LONGEST_LINE, READING, Sample
from .special import BEGIN, END, PADDING, RESERVED, ROLES, SPACE, UNKNOWN, WHITE_SPACE

PATIENCE = 0.5  # seconds without a word of SentencePiece after which somebody may leave
LARGE = 100_000_000  # bytes of text from which on SentencePiece needs wider numbers


def learn(sample: Sample, options: TokenizerOptions, vocab_size: int, remarks: list[str]) -> bytes:
    """The content of `tokenizer.model`, of so many pieces, or of as many as the text supports.

    Where a vocabulary has no room for all characters that should have a piece, the rarest are left out, and `remarks`
    gets a sentence. Raises UserError for what cannot be learnt from.
    """
    coverage = COVERAGE if isinstance(options.character_coverage, str) else options.character_coverage
    if sample.rare is not None:
        coverage = 1.0
    while True:
        try:
            model = _run(sample, options, vocab_size, coverage)
            if sample.rare is not None or not options.is_crowded(characters(model), vocab_size):
                return model
            coverage = _leave_out(sample, options, vocab_size, remarks)
        except (RuntimeError, MemoryError) as error:
            text = str(error)
            supported = re.search(r"set it to a value <= (\d+)", text)
            if supported and int(supported[1]) < vocab_size:
                vocab_size = int(supported[1])
            elif "smaller than required_chars" in text and sample.rare is None:
                coverage = _leave_out(sample, options, vocab_size, remarks)
            else:
                raise UserError(explained(error, sample.corpus.name)) from None


def characters(model: bytes) -> int:
    """How many pieces of a `tokenizer.model` are one character."""
    return sum(piece.type == NORMAL and len(piece.text) == 1 for piece in PieceModel.decode(model).pieces)


def _leave_out(sample: Sample, options: TokenizerOptions, vocab_size: int, remarks: list[str]) -> float:
    """Leave the rarest characters out from now on; the coverage of what remains."""
    room = options.room_for_characters(vocab_size)
    remarks.append(_characters_left_out(options).format(number=sample.keep_commonest(room), room=room))
    return 1.0


def explained(error: BaseException, corpus: str) -> str:
    """What an error of SentencePiece's trainer means, and what to do."""
    text = str(error)
    if "sentences_.empty()" in text or "all_chars_count" in text:
        return _("The corpus {name} has no text to learn from.").format(name=corpus)
    if isinstance(error, MemoryError) or "bad_alloc" in text:
        return _("The machine's memory is too small to learn from so much text. Give less: --sample 50MB.")
    if "required_chars" in text:
        return _(
            "The corpus {name} has more different characters than the vocabulary has room for. Choose a larger "
            "--vocab-size, or a lower --character-coverage."
        ).format(name=corpus)
    if match := re.search(r"set it to a value <= (\d+)", text):
        return _("The corpus {name} supports {largest} pieces only. Import more text, or choose --type bpe.").format(
            name=corpus, largest=match[1]
        )
    if match := re.search(r"(\S+) is already defined", text):
        return _("--symbol {symbol!r}: every tokenizer has this name for a piece of its own. Choose another.").format(
            symbol=match[1]
        )
    told = re.sub(r"^[A-Z_]+: |\S+\.cc\(\d+\) ", "", text).strip().rstrip(".")
    return _("SentencePiece cannot learn from the corpus {name} ({error}). Try another --type or --vocab-size.").format(
        name=corpus, error=told
    )


def _characters_left_out(options: TokenizerOptions) -> str:
    if options.byte_fallback:
        return _("The text has {number} different characters: all but the {room} commonest are spelled in bytes.")
    return _("The text has {number} different characters: all but the {room} commonest become <unk>.")


def _run(sample: Sample, options: TokenizerOptions, vocab_size: int, coverage: float) -> bytes:
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
                minloglevel=0,  # its progress is in the log, and the level is that of the process
                model_type=options.type,
                vocab_size=vocab_size,
                character_coverage=coverage,
                # What makes it lossless: no normalisation, and bytes for what has no piece.
                normalization_rule_name="nfkc" if options.normalization == "nfkc" else "identity",
                remove_extra_whitespaces=False,
                add_dummy_prefix=False,
                allow_whitespace_only_pieces=True,
                byte_fallback=options.byte_fallback,
                split_digits=options.split_digits,
                unk_id=UNKNOWN,
                bos_id=BEGIN,
                eos_id=END,
                pad_id=PADDING,
                control_symbols=[*ROLES, *RESERVED],
                user_defined_symbols=[*WHITE_SPACE, *(symbol.replace(" ", SPACE) for symbol in options.symbol)],
                max_sentence_length=8 * LONGEST_LINE,
                num_threads=os.cpu_count() or 1,
                train_extremely_large_corpus=min(sample.size, sample.corpus.manifest.train.bytes) > LARGE,
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
