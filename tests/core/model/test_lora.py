"""LoRA: it begins as no change, trains its matrices alone, and others read what it has made."""

import dataclasses
import json

import pytest
import torch
from architectures import CONFIGS, randomise, tokens

from newleaf.core.errors import UserError
from newleaf.core.home import folder
from newleaf.core.model import lora
from newleaf.core.model.gpt import GPT
from newleaf.core.model.store import load_model, save_model
from newleaf.core.tokenizer.tokenizer import Tokenizer

SHAPES = ["qwen3", "qwen3 untied", "llama", "gpt2"]
OF_GPT2 = ("o_proj", "up_proj", "down_proj")
TOLERANCE = 1e-4


def with_lora(name, targets=(), rank=4, alpha=12.0, learnt=True):
    """A model with LoRA, and the same without; learnt: with matrices that are not zero."""
    plain = randomise(GPT(CONFIGS[name]))
    model = randomise(GPT(CONFIGS[name]))
    lora.add_lora(model, rank, alpha, targets, seed=1)
    if learnt:
        generator = torch.Generator().manual_seed(2)
        with torch.no_grad():
            for _name, layer in lora.lora_layers(model):
                layer.lora_B.normal_(std=0.1, generator=generator)
    return model, plain


@torch.no_grad()
def logits(model):
    return model(tokens())


@pytest.mark.parametrize("name", SHAPES)
def test_it_begins_as_no_change_and_then_is_one(name):
    model, plain = with_lora(name, learnt=False)
    assert torch.equal(logits(model), logits(plain))
    model, plain = with_lora(name)
    assert not torch.allclose(logits(model), logits(plain), atol=0.1)


@pytest.mark.parametrize("name", SHAPES)
def test_only_its_matrices_change_in_training(name):
    model, plain = with_lora(name, learnt=False)
    model.train()
    optimiser = torch.optim.AdamW([each for each in model.parameters() if each.requires_grad], lr=0.01)
    losses = []
    for _step in range(8):
        loss = model.loss(tokens()[:, :-1], tokens()[:, 1:])
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    before, after = plain.state_dict(), model.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    added = lora.adapter_weights(after)
    assert {*after} == {*before, *added} and all(value.any() for value in added.values())


@pytest.mark.parametrize("name", SHAPES)
def test_put_into_the_weights_it_gives_the_same(name):
    model, _plain = with_lora(name)
    whole = lora.merged(model)
    assert not list(lora.lora_layers(whole))
    assert {*whole.state_dict()} == {*GPT(CONFIGS[name]).state_dict()}
    torch.testing.assert_close(logits(whole), logits(model), atol=TOLERANCE, rtol=1e-4)
    assert list(lora.lora_layers(model))  # which stays as it was


def test_a_model_without_it_is_given_back():
    plain = randomise(GPT(CONFIGS["qwen3"]))
    assert lora.merged(plain) is plain


def test_the_same_seed_begins_with_the_same_matrices_and_targets_choose():
    first, second, other = GPT(CONFIGS["qwen3"]), GPT(CONFIGS["qwen3"]), GPT(CONFIGS["qwen3"])
    lora.add_lora(first, 4, 8.0, ("q_proj", "down_proj"), seed=1)
    lora.add_lora(second, 4, 8.0, ("q_proj", "down_proj"), seed=1)
    lora.add_lora(other, 4, 8.0, ("q_proj", "down_proj"), seed=2)
    a, b, c = (lora.adapter_weights(model.state_dict()) for model in (first, second, other))
    assert {key.split(".")[-2] for key in a} == {"q_proj", "down_proj"}
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert any(not torch.equal(a[key], c[key]) for key in a)


# What others read.


def saved(name, targets, tokenizer):
    """Folders with the base, its adapter and the merged model; and the logits of what was trained."""
    pieces = Tokenizer.open("pieces")
    shape = dataclasses.replace(CONFIGS[name], vocab_size=pieces.vocab_size)
    base, trained = randomise(GPT(shape)), randomise(GPT(shape))
    save_model(folder("models") / "base", base, pieces, {})
    lora.add_lora(trained, 4, 12.0, targets, seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for _name, layer in lora.lora_layers(trained):
            layer.lora_B.normal_(std=0.1, generator=generator)
    save_model(folder("models") / "merged", lora.merged(trained), pieces, {})
    lora.save_adapter(folder("models") / "merged" / "adapter", trained, str(folder("models") / "base"))
    return logits(base), logits(trained)


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("qwen3", ()),
        ("qwen3", ("q_proj", "v_proj")),
        ("llama", ()),
        ("gpt2", OF_GPT2),
        ("gpt2", ("o_proj",)),
        pytest.param("qwen3 with biases", (), marks=pytest.mark.long),
        pytest.param("llama untied of as many", ("gate_proj", "o_proj"), marks=pytest.mark.long),
    ],
)
@pytest.mark.filterwarnings("error:Found missing adapter keys")
@torch.no_grad()
def test_peft_reads_the_adapter_and_transformers_the_merged_model(tokenizer, name, targets):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    before, expected = saved(name, targets, tokenizer)
    models = folder("models")
    base = AutoModelForCausalLM.from_pretrained(models / "base", dtype=torch.float32).eval()
    torch.testing.assert_close(base(tokens()).logits, before, atol=TOLERANCE, rtol=1e-4)
    theirs = PeftModel.from_pretrained(base, models / "merged" / "adapter").eval()
    torch.testing.assert_close(theirs(tokens()).logits, expected, atol=TOLERANCE, rtol=1e-4)
    torch.testing.assert_close(theirs.merge_and_unload()(tokens()).logits, expected, atol=TOLERANCE, rtol=1e-4)
    merged = AutoModelForCausalLM.from_pretrained(models / "merged", dtype=torch.float32).eval()
    torch.testing.assert_close(merged(tokens()).logits, expected, atol=TOLERANCE, rtol=1e-4)
    torch.testing.assert_close(load_model(models / "merged")(tokens()), expected, atol=TOLERANCE, rtol=1e-4)


def test_peft_finds_the_base_model_by_itself(tokenizer):
    from peft import AutoPeftModelForCausalLM

    _before, expected = saved("qwen3", (), tokenizer)
    theirs = AutoPeftModelForCausalLM.from_pretrained(folder("models") / "merged" / "adapter", dtype=torch.float32)
    with torch.no_grad():
        torch.testing.assert_close(theirs.eval()(tokens()).logits, expected, atol=TOLERANCE, rtol=1e-4)


def test_the_adapter_says_what_it_is(tokenizer):
    saved("qwen3", ("q_proj", "v_proj"), tokenizer)
    config = json.loads((folder("models") / "merged" / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["target_modules"]) == (4, 12.0, ["q_proj", "v_proj"])


@pytest.mark.parametrize("targets", [(), ("q_proj",), ("v_proj", "o_proj")])
def test_gpt2_has_no_adapter_beside_queries_keys_and_values(tmp_path, targets):
    model, _plain = with_lora("gpt2", targets)
    with pytest.raises(UserError, match="--targets o_proj,up_proj,down_proj"):
        lora.save_adapter(tmp_path / "adapter", model, "base")
    assert not (tmp_path / "adapter").exists()
