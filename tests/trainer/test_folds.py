"""Cross-validation: each document is held out once, and the scores are kept."""

import statistics
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import finish, wait_for_end, wait_until

from newleaf.core import store
from newleaf.core.corpus.importing import import_documents
from newleaf.core.errors import UserError
from newleaf.core.model.store import ModelInfo
from newleaf.trainer.fold_training import FoldTraining
from newleaf.trainer.folds import check_folds, deal
from newleaf.trainer.loop import State
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.planner import plan_training
from newleaf.trainer.resuming import resume
from newleaf.trainer.training import Training
from newleaf.trainer.work import training

END = 1


@given(lengths=st.lists(st.integers(1, 20), min_size=5, max_size=60), folds=st.integers(2, 5), seed=st.integers(0, 9))
def test_each_document_is_in_one_fold_whole(lengths, folds, seed):
    documents = [[index + 2] * length + [END] for index, length in enumerate(lengths)]
    text = np.array([token for document in documents for token in document], dtype=np.uint16)
    half = sum(len(document) for document in documents[: len(documents) // 2])
    dealt = deal([text[:half], text[half:]], frozenset({END}), folds, seed)
    assert len(dealt) == folds
    found = [
        tuple(part.tolist()) for fold in dealt for part in np.split(fold, np.flatnonzero(fold == END) + 1) if len(part)
    ]
    assert sorted(found) == sorted(map(tuple, documents))
    assert max(map(len, dealt)) > 0


def test_too_few_documents_are_refused():
    with pytest.raises(UserError, match="has 2 documents"):
        deal([np.array([5, END, 6, END])], frozenset({END}), 3, 0)


def corpus_of(texts, name):
    import_documents(((text, str(number)) for number, text in enumerate(texts)), name)


def test_fewer_documents_than_folds_are_refused_before_a_job_is_made():
    corpus_of(["All the news. " * 200, "And the weather, which is fine. " * 200], "two")
    with pytest.raises(UserError, match="has 2 documents"):
        training.submit("two", "m", TrainOptions(folds=50))
    with pytest.raises(UserError, match="has 2 documents"):
        plan_training("two", None, TrainOptions(folds=50))
    assert not store.names("jobs") and not store.names("tokenizers")


@pytest.mark.long
@pytest.mark.usefixtures("book", "tokenizer")  # what was measured of the machine comes with the book
def test_a_fold_without_which_too_little_is_left_is_said_before_any_is_trained():
    corpus_of(["A long story, and no end of it. " * 1_500, *(f"Note {number}." for number in range(30))], "uneven")
    options = TrainOptions(steps=2, folds=5, size="nano", device="cpu", dtype="float32", compile="off")
    job = training.submit("uneven", "m", options, "pieces")
    status = wait_for_end(job)
    assert status["state"] == "failed" and "--folds 5: without the fold with the most text" in status["error"]
    assert not [event for event in job.events()[0] if event["kind"] == "fold"]


def test_what_is_left_without_a_fold_has_to_hold_a_context():
    dealt = [np.zeros(length, dtype=np.uint16) for length in (5_000, 700, 800)]
    check_folds(dealt, 512)
    with pytest.raises(UserError, match="--context of 750 at most"):
        check_folds(dealt, 1024)
    with pytest.raises(UserError, match="1,000 are needed"):
        check_folds(dealt[:2], 64)


@pytest.mark.usefixtures("book", "tokenizer")
@pytest.mark.long
def test_mean_and_spread_are_said_and_a_stopped_one_goes_on_with_its_fold():
    options = {"size": "nano", "context": 32, "batch_tokens": 128, "device": "cpu", "dtype": "float32"}
    job = training.submit("book", "five", TrainOptions(steps=15, folds=5, compile="off", **options), "pieces")

    def folds():
        return [event["fold"] for event in job.events()[0] if event["kind"] == "fold"]

    wait_until(lambda: len(folds()) >= 2)
    job.stop()
    wait_for_end(job)
    resume(job)
    finish(job)
    assert folds() == [1, 2, 3, 4, 5]
    found = ModelInfo.open("five").provenance["folds"]
    assert found["mean"] == pytest.approx(statistics.fmean(found["scores"]), abs=1e-4)
    assert found["deviation"] == pytest.approx(statistics.stdev(found["scores"]), abs=1e-4)
    assert len(set(found["scores"])) == 5

    def said():
        texts = [event["text"] for event in job.events()[0] if event["kind"] == "message"]
        return [text for text in texts if text.startswith(f"5 folds: {found['mean']:.4f}"[:14])]

    assert len(said()) == 1
    resume(job, steps="+5")
    finish(job)
    assert len(said()) == 1, "the folds were not prolonged"
    assert not list(job.path.glob("fold-*"))


def test_full_memory_in_a_fold_is_told_as_in_a_training():
    told = []
    model = object.__new__(Training)
    model.reporter = types.SimpleNamespace(message=told.append)
    fold = object.__new__(FoldTraining)
    fold.training = model
    fold.memory_was_full(State(micro_rows=2))
    fold.memory_was_full(State(recompute=True))
    assert "2 rows at once" in told[0] and "layers are computed twice" in told[1]
