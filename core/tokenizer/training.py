"""Train a SentencePiece tokenizer on a corpus."""

from __future__ import annotations

import time
from typing import Any

from ..corpus.store import Corpus
from ..files import staged_folder, write_atomic, write_json
from ..language import gettext as _
from ..options import format_size
from ..progress import Progress, no_progress, onwards
from ..store import new_path
from .choice import choose
from .learning import learn
from .options import AUTO, TokenizerOptions
from .report import held_out_text, measured, remarks_on, usage
from .sample import Sample
from .sentencepiece import SentencePieceTokenizer
from .tokenizer import Tokenizer


def train_tokenizer(
    corpus: Corpus, name: str, options: TokenizerOptions | None = None, progress: Progress = no_progress
) -> Tokenizer:
    """Train the tokenizer `name` on the training split of `corpus`.

    A vocabulary that is larger than the text supports becomes the largest possible one, and too many different
    characters for a vocabulary are spelled in bytes, the rarest first; the report says so under "remarks", and under
    "choice" why a size was taken that was left open. Raises UserError for a corpus that cannot be learnt from.
    """
    options = options or TokenizerOptions()
    path = new_path("tokenizers", name)
    remarks: list[str] = []
    held_out, split = held_out_text(corpus)
    sample = Sample(corpus, options.sample, onwards(progress))
    choice: dict[str, Any] | None = None
    if isinstance(options.vocab_size, int):
        model = learn(sample, options, options.vocab_size, remarks)
    else:
        model, choice = choose(sample, options, held_out, remarks)
    if sample.taken < 0.99 * corpus.manifest.train.bytes:
        remarks.append(
            _("Learnt from a sample: {taken} of {total}.").format(
                taken=format_size(sample.taken), total=format_size(corpus.manifest.train.bytes)
            )
        )
    tokenizer = SentencePieceTokenizer(model)
    if options.vocab_size != AUTO and tokenizer.vocab_size < int(options.vocab_size):
        remarks.append(
            _("The text supports {largest} pieces, not {asked}: took {largest}.").format(
                largest=tokenizer.vocab_size, asked=options.vocab_size
            )
        )
    progress(1, 1)
    report = {
        "format": 1,
        "created": round(time.time(), 3),
        "corpus": corpus.name,
        **{key: value for key, value in options.as_dict().items() if key != "vocab_size"},
        "vocab_size": tokenizer.vocab_size,
        "requested_vocab_size": options.vocab_size,
        "lossless": options.byte_fallback and options.normalization == "none",
        "learnt_bytes": sample.taken,
        "measured_on": split,
        **measured(tokenizer, held_out),
        **usage(tokenizer, sample.counted, options.symbol),
        "choice": choice,
        "fingerprint": tokenizer.fingerprint,
    }
    report["remarks"] = remarks + remarks_on(options, report, held_out)
    with staged_folder(path) as folder:
        write_atomic(folder / "tokenizer.model", model)
        write_json(folder / "report.json", report)
    return tokenizer
