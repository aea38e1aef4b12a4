"""Shapes of all architectures, and networks of random weights in them."""

import pytest
import torch

from newleaf.core.model.config import GPTConfig
from newleaf.core.model.gpt import GPT
from newleaf.core.model.native import tiles

CONTEXT = 64
LLAMA3 = {"factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}

needs_tiles = pytest.mark.skipif(
    not tiles(), reason="this processor is not quick with bfloat16, or newleaf was built without it"
)
in_tiles = pytest.mark.usefixtures("ways_of_tiles")  # and in each way in which it can


def config(heads=6, kv_heads=2, tied=True, **changes):
    shape = {"rope_theta": 5000.0, "norm_eps": 1e-5, "tie_embeddings": tied, **changes}
    head_dim = 8 if changes.get("architecture") == "gpt2" else 16
    return GPTConfig(200, CONTEXT, 48, 3, heads, kv_heads, head_dim, 96, **shape)


def gpt2(**changes):
    biases = dict.fromkeys(("qkv_bias", "output_bias", "mlp_bias"), True)
    return config(6, 6, architecture="gpt2", activation="gelu_new", rope_theta=10_000.0, **biases, **changes)


CONFIGS = {
    "qwen3": config(),
    "qwen3 untied": config(tied=False),
    "qwen3 of one key-value head": config(6, 1),
    "qwen3 of as many": config(6, 6),
    "qwen3 with biases": config(qkv_bias=True, output_bias=True),
    "qwen2": config(architecture="qwen2", qkv_bias=True),
    "qwen2 untied": config(architecture="qwen2", qkv_bias=True, tied=False),
    "llama": config(architecture="llama"),
    "llama untied of as many": config(6, 6, architecture="llama", tied=False),
    "llama with biases": config(architecture="llama", qkv_bias=True, output_bias=True, mlp_bias=True),
    "llama stretched": config(architecture="llama", rope_scaling={"rope_type": "linear", "factor": 4.0}),
    "llama 3.1": config(architecture="llama", rope_scaling={"rope_type": "llama3", **LLAMA3}),
    "gpt2": gpt2(),
    "gpt2 untied": gpt2(tied=False),
}
architectures = pytest.mark.parametrize("shape", CONFIGS.values(), ids=CONFIGS.keys())


def randomise(network):
    """No weight that is zero or one: what does nothing would hide a mistake."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(mean=1.0 if parameter.ndim < 2 else 0.0, std=0.2, generator=generator)
    return network.eval()


def tokens(batch=2, length=CONTEXT):
    return torch.randint(200, (batch, length), generator=torch.Generator().manual_seed(1))


def what_it_learns(shape, tokens, prepare, compiled):
    """A network's gradients, of tokens (B, T); `prepare` is called for each of its layers."""
    model = randomise(GPT(shape)).train()
    for layer in model.model.layers:
        prepare(layer)
    if compiled:
        model.model.compile_layers()
    model.loss(tokens, tokens.roll(-1, 1)).backward()
    return [parameter.grad for parameter in model.parameters()]


def drawn(*shape, seed=0):
    """Numbers of a tensor, the same for the same seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
