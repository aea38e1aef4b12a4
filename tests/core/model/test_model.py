"""The GPT is what Transformers calls qwen3: the same logits, the same folder."""

import json

import pytest
import torch

from newleaf.core.errors import UserError
from newleaf.core.home import folder
from newleaf.core.model.config import GPTConfig
from newleaf.core.model.gpt import GPT
from newleaf.core.model.store import ModelInfo, load_model, save_model
from newleaf.core.tokenizer.tokenizer import Tokenizer

TOLERANCE = 1e-4


def model(tied=True, **changes):
    values = {"vocab_size": 200, "context": 64, "hidden_size": 48, "num_layers": 3, "num_heads": 6}
    config = GPTConfig(
        **{**values, "num_kv_heads": 2, "head_dim": 16, "intermediate_size": 96, "tie_embeddings": tied, **changes}
    )
    made = GPT(config).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(mean=1.0 if parameter.ndim < 2 else 0.0, std=0.2, generator=generator)
    return made


def tokens(rows=2, length=40):
    return torch.randint(200, (rows, length), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("tied", [True, False])
def test_transformers_reads_our_folder_and_gives_the_same_logits(tokenizer, tied):
    from transformers import AutoModelForCausalLM

    ours = model(tied)
    save_model(folder("models") / "m", ours, Tokenizer.open("pieces"), {})
    theirs = AutoModelForCausalLM.from_pretrained(folder("models") / "m", dtype=torch.float32)
    with torch.no_grad():
        assert (theirs(tokens()).logits - ours(tokens())).abs().max() < TOLERANCE


def test_a_folder_of_transformers_loads_here_with_the_same_logits():
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    config = model().config.to_hugging_face()
    theirs = Qwen3ForCausalLM(Qwen3Config(**{key: value for key, value in config.items() if key != "dtype"})).eval()
    theirs.save_pretrained(folder("models") / "theirs")
    ours = load_model(folder("models") / "theirs")
    with torch.no_grad():
        assert (theirs(tokens()).logits - ours(tokens())).abs().max() < TOLERANCE


@pytest.mark.parametrize("chunks", [[40], [1] * 40, [7, 1, 20, 12], [39, 1]])
def test_the_cache_changes_nothing(chunks):
    ours = model()
    with torch.inference_mode():
        whole = ours(tokens())
        cache = ours.new_cache(2)
        parts = [ours(part, cache) for part in tokens().split(chunks, dim=1)]
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=1e-4)
    assert cache.length == 40


def test_later_tokens_change_nothing_before_them():
    ours = model()
    changed = tokens()
    changed[:, 20:] = 0
    with torch.no_grad():
        torch.testing.assert_close(ours(changed)[:, :20], ours(tokens())[:, :20])


def test_a_saved_model_comes_back(tokenizer):
    ours = model()
    path = folder("models") / "m"
    save_model(path, ours, Tokenizer.open("pieces"), {"bits_per_byte": 2.0, "corpus": "c"})
    info = ModelInfo.open("m")
    assert info.config == ours.config and info.bits_per_byte == 2.0
    assert info.summary()["parameters"] == sum(parameter.numel() for parameter in ours.parameters())
    torch.testing.assert_close(load_model(path)(tokens()), ours(tokens()))
    with torch.no_grad():
        ours.lm_head.weight.mul_(2)
    save_model(path, ours, Tokenizer.open("pieces"), {"bits_per_byte": 1.0})  # newer weights of the same
    torch.testing.assert_close(load_model(path)(tokens()), ours(tokens()))
    assert ModelInfo.open("m").bits_per_byte == 1.0


def test_parameters_are_counted_as_they_are():
    for tied in (True, False):
        made = model(tied)
        assert made.config.parameters == sum(parameter.numel() for parameter in made.parameters())


def test_a_new_model_starts_as_no_change():
    made = model()
    made.initialise(torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(made.model(tokens()), made.model.norm(made.model.embed_tokens(tokens())))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"model_type": "llama"}, "llama"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "yarn"),
        ({"attention_bias": True}, "attention_bias"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"hidden_size": None}, "damaged"),
    ],
)
def test_what_the_network_cannot_be_is_refused_by_name(change, word):
    with pytest.raises(UserError, match=word):
        GPTConfig.from_hugging_face({**model().config.to_hugging_face(), **change})


def test_damaged_weights_have_a_sentence(tiny_model):
    path = tiny_model / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    with pytest.raises(UserError, match=r"model\.safetensors is damaged"):
        load_model(tiny_model)
    path.write_bytes(whole)
    config = json.loads((tiny_model / "config.json").read_text())
    (tiny_model / "config.json").write_text(json.dumps({**config, "hidden_size": 64}))
    with pytest.raises(UserError, match="do not fit"):
        load_model(tiny_model)
