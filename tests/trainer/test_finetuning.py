"""A model is taught tasks by a job, which can be killed, and goes on as if nothing had happened."""

import math
import os
import shutil
import signal
from pathlib import Path

import pytest
import torch
from toys import QUICK, answered, classified, go_on, here, talked, translated, write
from waiting import wait_until

from newleaf.core.corpus.importing import import_documents
from newleaf.core.errors import UserError
from newleaf.core.generation.generate import Writer
from newleaf.core.home import folder
from newleaf.core.model.gpt import GPT
from newleaf.core.model.store import ModelInfo, load_model, save_model
from newleaf.core.progress import no_progress
from newleaf.core.tasks.all import task_of
from newleaf.core.tasks.data.options import DataOptions
from newleaf.core.tasks.labels import Labels
from newleaf.core.tasks.solving import solve
from newleaf.core.tokenizer.tokenizer import Tokenizer
from newleaf.trainer import step as training_step
from newleaf.trainer.checkpoint_models import CheckpointSource
from newleaf.trainer.finetune_options import FineTuneOptions
from newleaf.trainer.jobs import Job
from newleaf.trainer.plan import model_config
from newleaf.trainer.work import finetuning

FEW = {"batch_tokens": 256, "scored": 8, **QUICK}


def make_base(name="base", **provenance):
    """A model of random weights that is as one trained here."""
    pieces = Tokenizer.open("pieces")
    model = GPT(model_config("nano", pieces.vocab_size, 128))
    model.initialise(torch.Generator().manual_seed(0))
    made = {"job": "train-base", "corpus": "gone", "tokenizer": "pieces", **provenance}
    save_model(folder("models") / name, model, pieces, made)


@pytest.fixture
def base(book, tokenizer):
    make_base()


@pytest.fixture(scope="module")
def learnt(prepared, tmp_path_factory):
    """A home in which the model taught has learnt four toy tasks at once; the home, the job and what it said."""
    home = tmp_path_factory.mktemp("learnt") / "home"
    shutil.copytree(prepared, home)
    toys = {"classify": classified(), "translate": translated(), "qa": answered(), "chat": talked()}
    data = [(name, [write(home / f"{name}.jsonl", rows)]) for name, rows in toys.items()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(home))
        make_base()
        options = FineTuneOptions(steps=300, learning_rate=0.02, eval_every=100, batch_tokens=768, scored=16, **QUICK)
        job, messages = here(patch, finetuning.submit, "base", data, "taught", options)
    return home, job, messages


@pytest.fixture
def taught(learnt, monkeypatch):
    monkeypatch.setenv("NEWLEAF_HOME", str(learnt[0]))
    return Writer.open("taught")


# What is learnt.


@pytest.mark.slow
def test_it_learns_to_sort_to_translate_both_ways_to_copy_and_to_chat(taught):
    info = ModelInfo.open("taught")

    def right(name, records):
        answers = solve(taught, task_of(name), records, info.taught[name], {"beams": 1})
        return sum(
            answer["text"] == task_of(name).answer(record) for answer, record in zip(answers, records, strict=True)
        ) / len(records)

    assert right("classify", [{"text": row["text"], "label": row["label"]} for row in classified()[::5]]) > 0.8
    there = [
        {"source": row["en"], "target": row["de"], "source_language": "en", "target_language": "de"}
        for row in translated()[::9]
    ]
    back = [
        {"source": row["de"], "target": row["en"], "source_language": "de", "target_language": "en"}
        for row in translated()[::9]
    ]
    assert right("translate", there) > 0.3 and right("translate", back) > 0.3
    assert right("qa", answered()[::9]) > 0.4  # by chance it would be an eighth
    chats = talked()[::9]
    said, _seed = taught.generate(
        chats[0]["messages"][:-1], taught.options(chats[0]["messages"][:-1], {"temperature": 0})
    )
    assert said[0].text.strip().startswith("A ")


@pytest.mark.slow
def test_it_remembers_what_it_was_taught_and_how_well(learnt, taught):
    _home, job, messages = learnt
    info = ModelInfo.open("taught")
    assert set(info.taught) == {"classify", "translate", "qa", "chat"}
    assert sorted(info.taught["classify"]["labels"]) == ["cat", "cow", "dog", "fox", "hen", "pig"]
    assert info.taught["classify"]["temperature"] > 0
    assert sorted(info.taught["translate"]["languages"]) == [["de", "en"], ["en", "de"]]
    assert info.taught["classify"]["score"] > 0.7 and "score" not in info.taught["chat"]
    assert info.follows and info.chats and info.provenance["from"] == "base" and info.bits_per_byte is None
    status = job.status()
    assert status["state"] == "finished" and status["scores"]["classify"] > 0.7 and status["answer_bits"] < 1
    assert any(text.startswith("Model taught: classification: accuracy") for text in messages)
    assert any("records to learn from" in text for text in messages)
    events = job.events()[0]
    evaluations = [event for event in events if event["kind"] == "eval"]
    assert evaluations[-1]["final"] and evaluations[-1]["bits_per_byte"] < 0.5 * evaluations[0]["bits_per_byte"]
    assert any(event["kind"] == "sample" and " → " in event["prompt"] for event in events)


@pytest.mark.slow
def test_transformers_gives_the_answer_that_we_give(taught):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = ModelInfo.open("taught").path
    theirs, words = AutoModelForCausalLM.from_pretrained(path), AutoTokenizer.from_pretrained(path)
    for text in ("A pink cow 1", "A red fox 2"):
        messages = task_of("classify").question({"text": text})
        asked = words.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        written = theirs.generate(**asked, max_new_tokens=20, do_sample=False)[0, asked["input_ids"].shape[1] :]
        ours, _seed = taught.generate(messages, taught.options(messages, {"temperature": 0}))
        answer = words.decode(written, skip_special_tokens=True).strip()
        assert answer == ours[0].text.strip() == text.split()[2]
        assert words.decode(written).count("<|end|>") == 1


# Killed, and gone on with.


def survivors(monkeypatch, tmp_path, name, **more):
    """The weights of a fine-tuning that nobody disturbs, and of one that is killed when its data is gone."""
    path = write(tmp_path / "c.jsonl", classified())
    options = FineTuneOptions(steps=30, checkpoint_every=0.05, dropout=0.1, eval_every=10, **more, **FEW)
    here(monkeypatch, finetuning.submit, "base", [("classify", [path])], "straight", options)
    job = finetuning.submit("base", [("classify", [path])], "killed", options)
    wait_until(lambda: job.status().get("step", 0) >= 6 and job.has_checkpoint)
    os.kill(job.status()["pid"], signal.SIGKILL)
    wait_until(lambda: not job.lock.is_held())
    reached = job.status()["step"]
    assert job.state == "lost" and reached < 30
    Path(path).unlink()
    go_on(Job(job.path))
    (resumed,) = [event["step"] for event in job.events()[0] if event["kind"] == "resume"]
    assert 0 < resumed < 30
    return [(folder("models") / each / "model.safetensors").read_bytes() for each in ("straight", "killed")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "more", [pytest.param({}, marks=pytest.mark.long), {"lora": True, "adapter": True}], ids=["all weights", "lora"]
)
def test_a_kill_changes_no_bit_though_the_data_is_gone(base, monkeypatch, tmp_path, more):
    straight, killed = survivors(monkeypatch, tmp_path, "killed", **more)
    assert straight == killed
    if more:
        adapters = [
            folder("models") / name / "adapter" / "adapter_model.safetensors" for name in ("straight", "killed")
        ]
        assert adapters[0].read_bytes() == adapters[1].read_bytes()


@pytest.mark.parametrize("when", [1, 25])
def test_who_ends_it_early_has_a_model_and_can_go_on(base, monkeypatch, tmp_path, when):
    path = write(tmp_path / "c.jsonl", classified())
    from newleaf.trainer.finetuning import FineTuning

    true = FineTuning.stepped

    def stepped(self, state, metrics):
        true(self, state, metrics)
        if state.step == when:
            self.reporter.request_stop()

    with monkeypatch.context() as patch:
        patch.setattr(FineTuning, "stepped", stepped)
        options = FineTuneOptions(steps=30, **FEW)
        job, _messages = here(patch, finetuning.submit, "base", [("classify", [path])], "early", options)
    assert job.status()["state"] == "stopped"
    info = ModelInfo.open("early")
    assert 0 < info.provenance["step"] <= when and "cat" in info.taught["classify"]["labels"]
    job, messages = go_on(Job(job.path))
    assert job.status()["state"] == "finished" and ModelInfo.open("early").provenance["step"] > when
    assert any("Model early:" in text for text in messages)


# LoRA.


def test_lora_makes_a_whole_model_and_an_adapter_for_its_base(base, monkeypatch, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    path = write(tmp_path / "c.jsonl", classified())
    options = FineTuneOptions(steps=20, keep_every=1, lora=True, rank=4, adapter=True, learning_rate=0.01, **FEW)
    job, _messages = here(monkeypatch, finetuning.submit, "base", [("classify", [path])], "small", options)
    assert job.status()["state"] == "finished"
    before, after = (load_model(folder("models") / name).state_dict() for name in ("base", "small"))
    changed = {name.split(".")[-2] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    theirs = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(folder("models") / "base"), folder("models") / "small" / "adapter"
    )
    tokens = torch.randint(400, (2, 40), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours = load_model(folder("models") / "small")(tokens)
        torch.testing.assert_close(theirs.eval()(tokens).logits, ours, atol=1e-4, rtol=1e-4)
    evaluations = [event["bits_per_byte"] for event in job.events()[0] if event["kind"] == "eval"]
    assert evaluations[-1] < evaluations[0]
    best = CheckpointSource.find(f"job:{job.name}@best")
    again = load_model(best.make("again", no_progress).path).state_dict()
    for name, weight in after.items():
        assert torch.equal(weight, again[name]), name
    assert "classify" in ModelInfo.open("again").taught


def test_lora_goes_back_to_the_beginning_when_a_loss_is_no_number(base, monkeypatch, tmp_path):
    path, calls, true = write(tmp_path / "c.jsonl", classified()), [0], training_step.Network.loss

    def loss(network, batch):
        # Not when the machine is measured.
        calls[0] += any(name.endswith("lora_A") for name, _parameter in network.model.named_parameters())
        return true(network, batch) * (math.nan if calls[0] == 5 else 1)

    monkeypatch.setattr(training_step.Network, "loss", loss)
    options = FineTuneOptions(steps=8, lora=True, **FEW)
    job, messages = here(monkeypatch, finetuning.submit, "base", [("classify", [path])], "m", options)
    assert job.status()["state"] == "finished"
    assert any("The training went wrong at step" in text for text in messages)


@pytest.mark.parametrize("targets", [[], ["q_proj"]])
def test_gpt2_with_an_adapter_beside_queries_is_told_before_anything_is_made(base, tmp_path, targets):
    import dataclasses

    from architectures import CONFIGS, randomise

    pieces = Tokenizer.open("pieces")
    shape = dataclasses.replace(CONFIGS["gpt2"], vocab_size=pieces.vocab_size)
    save_model(folder("models") / "two", randomise(GPT(shape)), pieces, {})
    path = write(tmp_path / "c.jsonl", classified())
    options = FineTuneOptions(steps=2, lora=True, adapter=True, targets=targets, **FEW)
    with pytest.raises(UserError, match="--targets o_proj,up_proj,down_proj"):
        finetuning.submit("two", [("classify", [path])], "new", options)
    assert not (folder("jobs") / "finetune-new").exists()


@pytest.mark.parametrize(
    ("options", "word"), [({"rank": 4}, "--lora"), ({"alpha": 8.0}, "--lora"), ({"mix_share": 0.5}, "--mix")]
)
def test_an_option_that_would_do_nothing_is_refused(options, word):
    with pytest.raises(UserError, match=word):
        FineTuneOptions(**options)


def test_held_out_records_are_found_from_another_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert DataOptions(held_out="some.jsonl").at_any_place().held_out == str(tmp_path / "some.jsonl")
    assert DataOptions().at_any_place() == DataOptions()


# Text beside.


def test_a_corpus_is_learnt_from_beside_and_what_was_forgotten_is_said(base, monkeypatch, tmp_path):
    path = write(tmp_path / "c.jsonl", classified())
    options = FineTuneOptions(steps=6, mix="book", mix_share=0.5, **FEW)
    job, messages = here(monkeypatch, finetuning.submit, "base", [("classify", [path])], "m", options)
    assert job.status()["state"] == "finished"
    assert any("On book, learnt before" in text for text in messages)
    assert ModelInfo.open("m").provenance["old_corpus"] == "book"


def test_a_corpus_that_is_small_is_enough_or_told(base, monkeypatch, tmp_path):
    path = write(tmp_path / "c.jsonl", classified())
    import_documents(((f"The fox {n} said that it would come back. " * 12, str(n)) for n in range(3)), "small")
    options = FineTuneOptions(steps=2, mix="small", mix_share=0.9, **{**FEW, "batch_tokens": 2048})
    job, _messages = here(monkeypatch, finetuning.submit, "base", [("classify", [path])], "m", options)
    assert job.status()["state"] == "finished"
    import_documents([("The fox.", "0"), ("A goose.", "1")], "smallest")
    options = FineTuneOptions(steps=2, mix="smallest", **FEW)
    with pytest.raises(UserError, match="Import more text"):
        here(monkeypatch, finetuning.submit, "base", [("classify", [path])], "m2", options)


# What is told before anything is made.


def test_a_few_records_are_enough_and_lie_in_rows_of_their_length(base, monkeypatch, tmp_path):
    rows = [{"text": "The statement is good. " * (number + 4), "label": ("good", "bad")[number]} for number in range(2)]
    data = [("classify", [write(tmp_path / "few.jsonl", rows)])]
    options = FineTuneOptions(
        steps=2, eval_every=1, **{name: value for name, value in QUICK.items() if name != "context"}
    )
    job, _messages = here(monkeypatch, finetuning.submit, "base", data, "few", options)
    assert job.state == "finished"


def test_what_cannot_be_is_told_before_anything_is_made(base, tmp_path):
    data = [("classify", [write(tmp_path / "c.jsonl", classified())])]
    for arguments, words in (
        (("absent", data, "m"), "no model absent"),
        (("base", data, "base"), "base"),
        (("base", [], "m"), "Say what to learn from"),
        (("base", [("sing", ["x"])], "m"), "no task sing"),
        (("base", [("classify", [str(tmp_path / "c.jsonl"), "absent"])], "m"), "no file or folder absent"),
        (("base", data, "m", FineTuneOptions(context=4096)), "sees 128 tokens at once, not 4,096"),
        (("base", data, "m", FineTuneOptions(mix="absent")), "no corpus absent"),
        (("base", data, "m", None, None, "absent"), "no corpus absent"),
    ):
        with pytest.raises(UserError, match=words):
            finetuning.submit(*arguments)
    assert not list(folder("jobs").glob("finetune-*"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"adapter": True}, "--adapter and --targets go with --lora"),
        ({"targets": ["q_proj"]}, "go with --lora"),
        ({"lora": True, "targets": ["embedding"]}, "--targets has embedding"),
        ({"lora": True, "shard": "on"}, "--lora trains little"),
        ({"rank": 0}, "--rank"),
        ({"mix_share": 1.0}, "--mix-share"),
    ],
)
def test_options_that_cannot_be_are_told(values, words):
    with pytest.raises(UserError, match=words):
        FineTuneOptions(**values)


@pytest.mark.long
def test_a_thousand_labels_are_learnt_and_weighed(base, monkeypatch, tmp_path):
    rows = [{"text": f"Text {n} of kind {n}", "label": f"kind {n}"} for n in range(1000)]
    paths = [write(tmp_path / "c.jsonl", rows), write(tmp_path / "held-out.jsonl", rows[7:9])]
    data = DataOptions(held_out=paths[1])
    options = FineTuneOptions(steps=1, **FEW)
    job, _messages = here(monkeypatch, finetuning.submit, "base", [("classify", paths[:1])], "many", options, data)
    assert job.status()["state"] == "finished"
    about = ModelInfo.open("many").taught["classify"]
    assert len(about["labels"]) == 1000
    (found,) = Labels.of(Writer.open("many"), about).weigh(["Text 7 of kind 7"])
    assert len(found["probabilities"]) == 1000 and sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_options_of_the_data_reach_it(base, monkeypatch, tmp_path):
    path = write(tmp_path / "t.jsonl", translated())
    options = DataOptions(both_directions=False)
    here(monkeypatch, finetuning.submit, "base", [("translate", [path])], "m", FineTuneOptions(steps=1, **FEW), options)
    assert ModelInfo.open("m").taught["translate"]["languages"] == [["en", "de"]]
