"""The shape of a GPT: its `config.json` comes back, and what the network cannot be is refused by name."""

import dataclasses
import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from newleaf.core.errors import UserError
from newleaf.core.model.config import ARCHITECTURES, GELU, GPTConfig

CONFIG = GPTConfig(
    vocab_size=200,
    context=64,
    hidden_size=48,
    num_layers=3,
    num_heads=6,
    num_kv_heads=2,
    head_dim=16,
    intermediate_size=96,
)
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16.0,
}
sizes = st.integers(1, 64)


@st.composite
def shapes(draw):
    """Any shape that a model can have."""
    architecture = draw(st.sampled_from(ARCHITECTURES))
    kv_heads, head_dim = draw(sizes), 2 * draw(sizes)
    heads = kv_heads * draw(st.integers(1, 4))
    shape = {
        "architecture": architecture,
        "vocab_size": draw(sizes),
        "context": draw(sizes),
        "hidden_size": draw(sizes),
        "num_layers": draw(sizes),
        "num_heads": heads,
        "num_kv_heads": kv_heads,
        "head_dim": head_dim,
        "intermediate_size": draw(sizes),
        "norm_eps": draw(st.floats(1e-9, 1e-3)),
        "tie_embeddings": draw(st.booleans()),
    }
    if architecture == "gpt2":
        biases = dict.fromkeys(("qkv_bias", "output_bias", "mlp_bias"), True)
        shape |= {"num_kv_heads": heads, "hidden_size": heads * head_dim, "activation": draw(st.sampled_from(GELU))}
        return GPTConfig(**shape, **biases)
    bias = draw(st.booleans())
    shape["rope_theta"] = draw(st.floats(1, 1e7))
    shape["rope_scaling"] = draw(st.sampled_from([{}, {"rope_type": "linear", "factor": 2.0}, LLAMA3]))
    if architecture == "qwen2":
        return GPTConfig(**shape, qkv_bias=True)
    if architecture == "llama":
        shape["mlp_bias"] = draw(st.booleans())
    return GPTConfig(**shape, qkv_bias=bias, output_bias=bias)


@given(config=shapes())
def test_a_shape_comes_back_from_its_file(config):
    assert GPTConfig.from_hugging_face(json.loads(json.dumps(config.to_hugging_face()))) == config


@given(config=shapes())
@settings(max_examples=20)
def test_the_weights_are_known_by_name_and_shape(config):
    from newleaf.core.model.gpt import GPT

    config = dataclasses.replace(config, num_layers=2)
    with torch.device("meta"):
        model = GPT(config)
    parameters = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    assert dict(config.tensors()) == parameters
    assert config.parameters == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 4), (4, 2), (4, 1)])
def test_parameters_are_counted_as_they_are(tied, heads, kv_heads):
    from newleaf.core.model.gpt import GPT

    config = GPTConfig(200, 64, 48, 3, heads, kv_heads, 10, 96, tie_embeddings=tied)
    model = GPT(config)
    assert config.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert config.matrix_parameters == config.parameters - (0 if tied else model.model.embed_tokens.weight.numel())


def test_what_other_programs_leave_out_has_the_architectures_default():
    values = CONFIG.to_hugging_face()
    for key in ("num_key_value_heads", "head_dim", "rope_theta", "rope_parameters", "rms_norm_eps", "hidden_act"):
        del values[key]
    config = GPTConfig.from_hugging_face(values)
    assert (config.num_kv_heads, config.head_dim) == (6, 8)
    assert (config.rope_theta, config.norm_eps) == (10_000.0, 1e-6)


@pytest.mark.parametrize(
    "spelling",
    [{"rope_theta": 5e5}, {"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}],
    ids=["before Transformers 5", "since Transformers 5"],
)
def test_the_base_of_the_positions_is_read_from_either_place(spelling):
    values = CONFIG.to_hugging_face()
    del values["rope_theta"], values["rope_parameters"]
    assert GPTConfig.from_hugging_face({**values, **spelling}).rope_theta == 5e5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "bloom"}, ["bloom", "newleaf reads qwen3, qwen2, llama, gpt2"]),
        ({"model_type": None}, ["newleaf reads qwen3"]),
        ({"model_type": []}, ["newleaf reads qwen3"]),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, ["rope_type yarn", "does not support"]),
        ({"rope_parameters": None, "rope_scaling": {"type": "dynamic", "factor": 2}}, ["rope_type dynamic"]),
        ({"rope_parameters": {"rope_type": "linear"}}, ["config.json is damaged", "'factor'"]),
        ({"rope_parameters": {"partial_rotary_factor": 0.5}}, ["partial_rotary_factor 0.5"]),
        ({"quantization_config": {"quant_method": "gptq"}}, ["quantization_config"]),
        ({"layer_types": ["full_attention", "sliding_attention"]}, ["layer type sliding_attention"]),
        ({"use_sliding_window": True}, ["use_sliding_window"]),
        ({"hidden_act": "gelu"}, ["hidden_act gelu"]),
        ({"use_sliding_window": True, "hidden_act": "gelu"}, ["use_sliding_window, hidden_act gelu"]),
        ({"num_hidden_layers": 10**9}, ["config.json is damaged", "num_layers is 1000000000"]),
        ({"vocab_size": 0}, ["vocab_size is 0"]),
        ({"hidden_size": -1}, ["hidden_size is -1"]),
        ({"max_position_embeddings": 1e300}, ["context is 1"]),
        ({"max_position_embeddings": float("inf")}, ["config.json is damaged"]),
        ({"num_hidden_layers": True}, ["config.json is damaged"]),
        ({"num_attention_heads": 7}, ["num_kv_heads is 2"]),
        ({"head_dim": 15}, ["head_dim is 15"]),
        ({"rope_parameters": "yarn"}, ["config.json is damaged"]),
        ({"hidden_size": None}, ["config.json is damaged"]),
        ({"vocab_size": "many"}, ["config.json is damaged", "many"]),
    ],
)
def test_what_the_network_cannot_be_is_refused_by_name(change, words):
    with pytest.raises(UserError) as caught:
        GPTConfig.from_hugging_face({**CONFIG.to_hugging_face(), **change})
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("key", ["vocab_size", "num_attention_heads", "max_position_embeddings", "intermediate_size"])
def test_a_file_that_lacks_something_is_damaged(key):
    values = CONFIG.to_hugging_face()
    del values[key]
    with pytest.raises(UserError, match=rf"config\.json is damaged: it lacks '{key}'"):
        GPTConfig.from_hugging_face(values)
