"""The job that trains a model on a corpus."""

from __future__ import annotations

from ...core import store
from ...core.corpus.store import Corpus
from ...core.errors import UserError
from ...core.language import gettext as _
from ...core.model.store import ModelInfo
from ...core.tokenizer.store import tokenizer_for
from ..jobs import Job, create
from ..options import TrainOptions
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
    Corpus.open(corpus)
    store.new_path("models", name)
    options = options or TrainOptions()
    if options.track:
        check_tracker(options.track)
    if origin is not None:
        inputs = _continue(ModelInfo.open(origin), options, tokenizer, old_corpus)
    elif old_corpus is not None:
        raise UserError(_("--old-corpus goes with --from: it is what that model learnt before."))
    else:
        info = tokenizer_for(corpus, tokenizer)
        if not info:
            store.new_path("tokenizers", name)
        inputs = {"tokenizer": info.name if info else None}
    return create("train", name, {"corpus": corpus, **inputs}, options.as_dict())


def _continue(
    info: ModelInfo, options: TrainOptions, tokenizer: str | None, old_corpus: str | None
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
    old = old_corpus or (known if known in store.names("corpora") else None)
    if old:
        Corpus.open(old)
    return {"tokenizer": None, "from": info.name, "old_corpus": old}


def run(job: Job, reporter: Reporter) -> None:
    """Do it, in the job's process."""
    from ..training import Training  # with torch

    Training(job, reporter).run()
