"""The job that trains a model on a corpus."""

from __future__ import annotations

from ...core import store
from ...core.corpus.store import Corpus
from ...core.tokenizer.store import tokenizer_for
from ..jobs import Job, create
from ..options import TrainOptions
from ..reporter import Reporter


def submit(corpus: str, name: str, options: TrainOptions | None = None, tokenizer: str | None = None) -> Job:
    """Start to train the model `name` on a corpus. Raises UserError, before anything is made, for what cannot work.

    Without a tokenizer it takes the newest that was trained on the corpus, or trains one called like the model.
    """
    Corpus.open(corpus)
    store.new_path("models", name)
    info = tokenizer_for(corpus, tokenizer)
    if not info:
        store.new_path("tokenizers", name)
    inputs = {"corpus": corpus, "tokenizer": info.name if info else None}
    return create("train", name, inputs, (options or TrainOptions()).as_dict())


def run(job: Job, reporter: Reporter) -> None:
    """Do it, in the job's process."""
    from ..training import Training  # with torch

    Training(job, reporter).run()
