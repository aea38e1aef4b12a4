"""A training that starts from a model that there is, and what it says was forgotten."""

import dataclasses
import json
import shutil
import time
from types import SimpleNamespace

import pytest
import torch
from architectures import CONFIGS
from homes import with_training
from trainings import pretend_training
from waiting import finish, wait_for_end, wait_until

from newleaf.core import store
from newleaf.core.corpus.importing import import_documents
from newleaf.core.corpus.store import Corpus
from newleaf.core.errors import UserError
from newleaf.core.home import folder
from newleaf.core.model.gpt import GPT
from newleaf.core.model.store import ModelInfo, load_model, save_model
from newleaf.core.tokenizer.tokenizer import Tokenizer
from newleaf.trainer.group import ALONE
from newleaf.trainer.jobs import Job
from newleaf.trainer.options import TrainOptions
from newleaf.trainer.origin import OLD_SHARE, Origin
from newleaf.trainer.plan import Machine, make_plan
from newleaf.trainer.planner import plan_training
from newleaf.trainer.resuming import TEXT, prospect, resume
from newleaf.trainer.work import training

QUICK = {"context": 32, "batch_tokens": 256, "device": "cpu", "dtype": "float32", "compile": "off"}


def messages_of(job):
    """What it says until its end, which shall be a good one."""
    finish(job)
    return [event["text"] for event in job.events()[0] if event["kind"] == "message"]


@pytest.fixture
def numbers(book, tokenizer):
    """A second corpus, unlike the book."""
    return import_documents(((f"{n} and {n + 1} make {2 * n + 1}; " * 20, str(n)) for n in range(200)), "numbers")


@pytest.fixture(scope="module")
def learnt(prepared, tmp_path_factory):
    """A home with a model that has learnt the book, called old."""
    options = TrainOptions(steps=40, size="nano", **QUICK)
    return with_training(prepared, tmp_path_factory.mktemp("learnt") / "home", "old", options)


@pytest.fixture
def old_model(learnt, numbers):
    """A model that has learnt the book."""
    shutil.copytree(learnt / "models" / "old", folder("models") / "old")
    return ModelInfo.open("old")


def test_it_goes_on_from_the_model_and_says_what_was_forgotten(old_model):
    messages = messages_of(
        training.submit("numbers", "new", TrainOptions(steps=30, learning_rate=0.02, **QUICK), origin="old")
    )
    (sentence,) = [text for text in messages if "learnt before" in text]
    assert "On book" in sentence and "forgotten" in sentence
    new = ModelInfo.open("new").provenance
    assert new["from"] == "old" and new["old_corpus"] == "book"
    scores = new["old_bits_per_byte"]
    assert scores["before"] == pytest.approx(old_model.bits_per_byte, abs=0.02)
    assert scores["after"] > scores["before"]
    assert ModelInfo.open("new").config == old_model.config
    files = [{file.name for file in info.path.iterdir()} for info in (old_model, ModelInfo.open("new"))]
    assert files[0] == files[1]  # Transformers' tokenizer is among them


@pytest.mark.long
@pytest.mark.long
def test_with_next_to_no_rate_it_stays_the_model_that_it_was(old_model):
    finish(training.submit("numbers", "same", TrainOptions(steps=1, learning_rate=1e-8, **QUICK), origin="old"))
    before, after = (load_model(folder("models") / name).state_dict() for name in ("old", "same"))
    matrices = [name for name in before if "proj" in name]
    assert all(torch.allclose(before[name], after[name], atol=1e-4) for name in matrices)


@pytest.mark.parametrize(
    "kind", ["gpt2", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("llama", "qwen2 untied"))]
)
@pytest.mark.long
def test_models_of_other_architectures_learn_too(kind, numbers, tokenizer):
    pieces = Tokenizer.open("pieces")
    shape = dataclasses.replace(CONFIGS[kind], vocab_size=pieces.vocab_size)
    model = GPT(shape)
    model.initialise(torch.Generator().manual_seed(0))
    save_model(folder("models") / "other", model, pieces, {})
    options = TrainOptions(steps=30, learning_rate=0.01, eval_every=10, **QUICK)
    job = training.submit("numbers", "new", options, origin="other", old_corpus="book")
    assert any("On book" in text for text in messages_of(job))
    evaluations = [event["bits_per_byte"] for event in job.events()[0] if event["kind"] == "eval"]
    assert evaluations[-1] < 0.9 * evaluations[0]
    new = ModelInfo.open("new")
    assert new.architecture == shape.architecture and new.config.context == shape.context


@pytest.mark.long
def test_the_plan_is_of_the_models_shape(old_model):
    plan = plan_training("numbers", None, TrainOptions(time=60.0, device="cpu"), "old")
    assert plan.model_config == old_model.config and plan.origin == "old"
    assert plan.learning_rate < 0.01


@pytest.mark.long
def test_the_plan_counts_the_tokens_of_this_corpus_and_not_of_that_of_the_tokenizer(old_model):
    tokenizer, corpus = Tokenizer.open("pieces"), Corpus.open("numbers")
    tokens = sum(map(len, tokenizer.encode_documents(list(corpus.documents("train")))))
    for more in ({"tokenizer": "pieces"}, {"tokenizer": None, "origin": "old"}):
        plan = plan_training("numbers", options=TrainOptions(time=60.0, device="cpu"), **more)
        assert plan.train_tokens == pytest.approx(tokens, rel=0.03)


def test_another_model_in_the_place_of_that_it_began_with_is_said_before_it_goes_on(old_model):
    job = Job(pretend_training("new", state="stopped"))
    told = json.loads((job.path / "job.json").read_text())
    told["inputs"] = {"corpus": "numbers", "tokenizer": None, "from": "old", "old_corpus": None}
    (job.path / "job.json").write_text(json.dumps(told))
    job, now = Job(job.path), Corpus.open("numbers").manifest.fingerprint
    for fingerprint, word in ((Tokenizer.open("pieces").fingerprint, None), ("another", "models/old is another")):
        (job.path / TEXT).write_text(json.dumps({"corpus": now, "tokenizer": fingerprint}))
        obstacle = prospect(job).obstacle
        assert obstacle is None if word is None else word in obstacle


def test_what_cannot_go_together_is_said_before_anything_is_made(old_model):
    for options, more, word in (
        (TrainOptions(size="mini"), {}, "--size"),
        (TrainOptions(), {"tokenizer": "pieces"}, "--tokenizer"),
        (TrainOptions(context=1024), {}, "1,024"),
        (TrainOptions(), {"old_corpus": "absent"}, "no corpus"),
    ):
        with pytest.raises(UserError, match=word):
            training.submit("numbers", "new", options, origin="old", **more)
        with pytest.raises(UserError, match=word):
            plan_training("numbers", more.pop("tokenizer", None), options, "old", **more)
    for name, word in (("old", "exists already"), ("a/b", "slash")):
        with pytest.raises(UserError, match=word):
            plan_training("numbers", None, TrainOptions(), name=name)
    with pytest.raises(UserError, match="--from"):
        plan_training("numbers", None, TrainOptions(), old_corpus="book")
    with pytest.raises(UserError, match="learnt book already"):
        training.submit("book", "new", TrainOptions(folds=3), origin="old")
    with pytest.raises(UserError, match="no model"):
        training.submit("numbers", "new", origin="absent")
    with pytest.raises(UserError, match="--from"):
        training.submit("numbers", "new", old_corpus="book")
    assert "train-new" not in store.names("jobs")


def test_measuring_what_it_learnt_before_takes_a_small_share_of_the_time(old_model, monkeypatch, tmp_path):
    measured = []

    def slow(model, tokens, lengths, dtype, limit, context, group):
        measured.append(limit)
        time.sleep(limit * 1e-5)
        return 2.0

    monkeypatch.setattr("newleaf.trainer.origin.bits_per_byte", slow)
    job = SimpleNamespace(path=tmp_path, spec={"inputs": {"from": "old", "old_corpus": "book"}})
    machine = Machine("cpu", "test", 2, 8 << 30, {"nano": 1e11, "mini": 1e11}, "float32")
    plan = make_plan(TrainOptions(time=4.0), machine, 420, 10**5, 10**4, ("old", old_model.config))
    model, origin = GPT(old_model.config), Origin(job)
    seconds = origin.measure("before", model, plan, ALONE, keep=True)
    assert 0 < seconds <= OLD_SHARE * plan.time < sum(measured) * 1e-5 * 4
    assert origin.measure("before", model, plan, ALONE, keep=True) == seconds
    origin.measure("after", model, plan, ALONE, keep=True)
    assert measured[-1] == measured[-2] and origin.scores == {"before": 2.0, "after": 2.0}


@pytest.mark.long
def test_a_resumed_one_does_not_measure_the_beginning_again(old_model):
    job = training.submit("numbers", "twice", TrainOptions(steps=3000, **QUICK), origin="old")
    wait_until(lambda: any(event["kind"] == "step" for event in job.events()[0]))
    job.stop()
    wait_for_end(job)
    before = (job.path / "old.json").read_text()
    resume(job)
    wait_until(lambda: any(event["kind"] == "resume" for event in job.events()[0]))
    assert (job.path / "old.json").read_text() == before
    job.stop()
