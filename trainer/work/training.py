"""The job that trains a model on a corpus."""

from __future__ import annotations

from ...core import store
from ...core.corpus.store import Corpus
from ...core.errors import UserError
from ...core.language import gettext as _
from ...core.model.store import ModelInfo
from ...core.tokenizer.store import tokenizer_for
from ..jobs import Job, check_free, create
from ..options import TrainOptions
from ..plan import check_bytes, check_documents
from ..reporter import Reporter
from ..tracking import check_tracker


def submit(
    corpus: str,
    name: str,
    options: TrainOptions | None = None,
    tokenizer: str | None = None,
    origin: str | None = None,
    old_corpus: str | None = None,
) -> Job:
    """Start to train the model `name` on a corpus. Raises UserError, before anything is made, for what cannot work.

    Without a tokenizer it takes the newest that was trained on the corpus, or trains one called like the model. With
    an `origin` it goes on from that model, with its shape and tokenizer; what it forgets is measured on `old_corpus`,
    by itself the one that the model was trained on, where it is still there.
    """
    options = options or TrainOptions()
    inputs = check(corpus, name, options, tokenizer, origin, old_corpus)
    return create("train", name, {"corpus": corpus, **inputs}, options.as_dict())


def check(
    corpus: str,
    name: str | None,
    options: TrainOptions,
    tokenizer: str | None = None,
    origin: str | None = None,
    old_corpus: str | None = None,
) -> dict[str, str | None]:
    """What such a training begins with, beside the corpus. Raises UserError for what cannot work.

    Whoever only plans it need not have a `name` yet.
    """
    text = Corpus.open(corpus).manifest
    if name is not None:
        store.new_path("models", name)
        check_free("train", name)
    if options.track:
        check_tracker(options.track)
    check_bytes(text.train.bytes, text.train.documents)
    if options.folds:
        check_documents(text.total.documents, options.folds)
    if origin is not None:
        return _continue(ModelInfo.open(origin), corpus, options, tokenizer, old_corpus)
    if old_corpus is not None:
        raise UserError(_("--old-corpus goes with --from: it is what that model learnt before."))
    info = tokenizer_for(corpus, tokenizer)
    if not info and name is not None:
        store.new_path("tokenizers", name)
    return {"tokenizer": info.name if info else None}


def _continue(
    info: ModelInfo, corpus: str, options: TrainOptions, tokenizer: str | None, old_corpus: str | None
) -> dict[str, str | None]:
    if tokenizer or options.size:
        raise UserError(
            _("--from brings the model's own size and tokenizer: leave {option} out.").format(
                option="--tokenizer" if tokenizer else "--size"
            )
        )
    if options.context and options.context > info.config.context:
        raise UserError(
            _("Model {name} sees {most:,} tokens at once, not {context:,}.").format(
                name=info.name, most=info.config.context, context=options.context
            )
        )
    known = info.provenance.get("corpus")
    if options.folds and known == corpus:
        raise UserError(
            _("--folds: model {name} has learnt {corpus} already, so no fold of it would be new.").format(
                name=info.name, corpus=corpus
            )
        )
    old = old_corpus or (known if known in store.names("corpora") else None)
    if old:
        Corpus.open(old)
    return {"tokenizer": None, "from": info.name, "old_corpus": old}


def run(job: Job, reporter: Reporter) -> None:
    """Do it, in the job's process."""
    from ..training import Training  # with torch

    Training(job, reporter).run()
