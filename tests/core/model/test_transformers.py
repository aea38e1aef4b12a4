"""The GPT is what Transformers calls qwen3: the same logits from the same folder, both ways."""

import pytest
import torch

from newleaf.core.home import folder
from newleaf.core.model.config import GPTConfig
from newleaf.core.model.gpt import GPT
from newleaf.core.model.store import ModelInfo, load_model, save_model
from newleaf.core.tokenizer.special import BEGIN, END, PADDING
from newleaf.core.tokenizer.tokenizer import Tokenizer

TOLERANCE = 1e-4

shapes = pytest.mark.parametrize(("heads", "kv_heads"), [(6, 6), (6, 2), (6, 1)])
ties = pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])


def config(heads=6, kv_heads=2, tied=True):
    return GPTConfig(200, 64, 48, 3, heads, kv_heads, 16, 96, rope_theta=5000.0, rms_norm_eps=1e-5, tie_embeddings=tied)


def randomise(network):
    """No weight that is zero or one: what does nothing would hide a mistake."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(mean=1.0 if parameter.ndim < 2 else 0.0, std=0.2, generator=generator)
    return network.eval()


def tokens():
    return torch.randint(200, (2, 64), generator=torch.Generator().manual_seed(1))  # the whole context


def theirs_of(shape):
    from transformers import Qwen3Config, Qwen3ForCausalLM

    values = {key: value for key, value in shape.to_hugging_face().items() if "dtype" not in key}
    return randomise(Qwen3ForCausalLM(Qwen3Config(**values)))


@torch.no_grad()
def assert_same_logits(theirs, ours):
    expected = theirs(tokens()).logits
    assert expected.std() > 0.5  # that they agree means something
    assert (expected - ours(tokens())).abs().max() < TOLERANCE


@ties
@shapes
def test_transformers_reads_our_folder_and_gives_the_same_logits(tokenizer, heads, kv_heads, tied):
    from transformers import AutoModelForCausalLM

    ours = randomise(GPT(config(heads, kv_heads, tied)))
    save_model(folder("models") / "m", ours, Tokenizer.open("pieces"), {})
    theirs, report = AutoModelForCausalLM.from_pretrained(
        folder("models") / "m", dtype=torch.float32, output_loading_info=True
    )
    assert type(theirs).__name__ == "Qwen3ForCausalLM"
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    assert_same_logits(theirs.eval(), ours)


@ties
@shapes
def test_a_folder_of_transformers_loads_here_with_the_same_logits(heads, kv_heads, tied):
    theirs = theirs_of(config(heads, kv_heads, tied))
    theirs.save_pretrained(folder("models") / "theirs")
    ours = load_model(folder("models") / "theirs")
    assert ModelInfo.open("theirs").config == ours.config == config(heads, kv_heads, tied)
    assert_same_logits(theirs, ours)


def test_their_half_precision_loads_here_in_full():
    from transformers import AutoModelForCausalLM

    path = folder("models") / "theirs"
    theirs_of(config()).to(torch.bfloat16).save_pretrained(path)
    ours = load_model(path)
    assert ours.dtype == torch.float32
    assert_same_logits(AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval(), ours)


def test_they_write_what_we_write(tiny_model):
    from transformers import AutoModelForCausalLM

    from newleaf.core.generation.generate import Writer
    from newleaf.core.generation.options import GenerationOptions

    writer = Writer.open("tiny")
    completions, _seed = writer.generate("The", GenerationOptions(temperature=0.0, max_tokens=20))
    theirs = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    silent = [number for number, data in enumerate(writer.tokenizer.token_bytes) if not data and number != END]
    prompt = torch.tensor([[BEGIN, *writer.tokenizer.encode("The")]])
    written = theirs.generate(prompt, max_new_tokens=20, do_sample=False, suppress_tokens=silent)[0, prompt.shape[1] :]
    assert [number for number in written.tolist() if number != END] == completions[0].tokens


def test_they_know_our_special_tokens(tiny_model):
    from transformers import GenerationConfig

    theirs = GenerationConfig.from_pretrained(tiny_model)
    assert (theirs.bos_token_id, theirs.eos_token_id, theirs.pad_token_id) == (BEGIN, END, PADDING)
