"""The job that trains a tokenizer on a corpus."""

from __future__ import annotations

from dataclasses import replace

from ...core import store
from ...core.corpus.store import Corpus
from ...core.language import gettext as _
from ...core.tokenizer.options import TokenizerOptions
from ...core.tokenizer.store import TokenizerInfo
from ..expectation import Text
from ..jobs import Job, create
from ..options import TrainOptions
from ..plan import vocabulary_for
from ..reporter import Reporter


def submit(corpus: str, name: str, options: TokenizerOptions | None = None) -> Job:
    """Start to train the tokenizer `name` on a corpus. Raises UserError, before anything is made."""
    Corpus.open(corpus)
    store.new_path("tokenizers", name)
    return create("tokenizer", name, {"corpus": corpus}, (options or TokenizerOptions()).as_dict())


def submit_for_training(corpus: str, name: str, training: TrainOptions) -> Job:
    """Start to train the tokenizer `name`, as large as such a training of a model needs. Raises UserError."""
    Corpus.open(corpus)
    store.new_path("tokenizers", name)
    inputs = {"corpus": corpus, "training": training.as_dict()}
    return create("tokenizer", name, inputs, TokenizerOptions().as_dict())


def run(job: Job, reporter: Reporter) -> None:
    """Do it, in the job's process."""
    from ...core.tokenizer.training import train_tokenizer

    inputs, options = job.spec["inputs"], TokenizerOptions.from_mapping(job.spec["options"])
    corpus = Corpus.open(inputs["corpus"])
    if "training" in inputs:
        size = vocabulary_for(TrainOptions.from_mapping(inputs["training"]), Text.of(corpus))
        options = replace(options, vocab_size=size)
    train_tokenizer(corpus, job.target, options, reporter)
    report = TokenizerInfo.open(job.target).report
    reporter.result = {"tokenizer": job.target}
    reporter.message(
        _("Tokenizer {name}: {pieces:,} pieces; a piece stands for {bytes:.2f} bytes of held-out text.").format(
            name=job.target, pieces=report["vocab_size"], bytes=report["bytes_per_token"]
        )
    )
    if report["choice"]:
        reporter.message(report["choice"]["reason"])
    for remark in report["remarks"]:
        reporter.message(remark)
