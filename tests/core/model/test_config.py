"""The shape of a GPT: its `config.json` comes back, and what the network cannot be is refused by name."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newleaf.core.errors import UserError
from newleaf.core.model.config import GPTConfig

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
sizes = st.integers(1, 64)


@given(
    config=st.builds(
        GPTConfig,
        vocab_size=sizes,
        context=sizes,
        hidden_size=sizes,
        num_layers=sizes,
        num_heads=sizes,
        num_kv_heads=sizes,
        head_dim=sizes,
        intermediate_size=sizes,
        rope_theta=st.floats(1, 1e7),
        rms_norm_eps=st.floats(1e-9, 1e-3),
        tie_embeddings=st.booleans(),
    )
)
def test_a_shape_comes_back_from_its_file(config):
    assert GPTConfig.from_hugging_face(json.loads(json.dumps(config.to_hugging_face()))) == config


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
    assert (config.rope_theta, config.rms_norm_eps) == (10_000.0, 1e-6)


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
        ({"model_type": "llama"}, ["llama", "newleaf reads qwen3"]),
        ({"model_type": None}, ["newleaf reads qwen3"]),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, ["rope_type yarn", "does not support"]),
        ({"rope_parameters": None, "rope_scaling": {"type": "linear", "factor": 2}}, ["rope_type linear"]),
        ({"attention_bias": True}, ["attention_bias"]),
        ({"use_sliding_window": True}, ["use_sliding_window"]),
        ({"hidden_act": "gelu"}, ["hidden_act gelu"]),
        ({"attention_bias": True, "hidden_act": "gelu"}, ["attention_bias, hidden_act gelu"]),
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
    with pytest.raises(UserError, match=rf"config\.json is damaged: '{key}'"):
        GPTConfig.from_hugging_face(values)
