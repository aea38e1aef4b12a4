"""The GPT is what Transformers calls qwen3, qwen2, llama or gpt2: the same logits from the same folder, both ways."""

import json

import pytest
import torch
from architectures import CONFIGS, CONTEXT, architectures, randomise, tokens

from newleaf.core.errors import UserError
from newleaf.core.home import folder
from newleaf.core.model.gpt import GPT
from newleaf.core.model.store import ModelInfo, load_model, save_model
from newleaf.core.tokenizer.special import BEGIN, END, PADDING
from newleaf.core.tokenizer.tokenizer import Tokenizer

TOLERANCE = 1e-4


def theirs_of(shape):
    from transformers import AutoConfig, AutoModelForCausalLM

    values = {key: value for key, value in shape.to_hugging_face().items() if "dtype" not in key}
    known = AutoConfig.for_model(values.pop("model_type"), **values)
    return randomise(AutoModelForCausalLM.from_config(known))


def pair(shape):
    """Their model and ours, of the same weights."""
    theirs = theirs_of(shape)
    path = folder("models") / "theirs"
    theirs.save_pretrained(path)
    return theirs, load_model(path)


@torch.no_grad()
def assert_same_logits(theirs, ours):
    expected = theirs(tokens()).logits
    assert expected.std() > 0.5  # that they agree means something
    assert (expected - ours(tokens())).abs().max() < TOLERANCE


# The folder.


@architectures
def test_transformers_reads_our_folder_and_gives_the_same_logits(tokenizer, shape):
    from transformers import AutoModelForCausalLM

    ours = randomise(GPT(shape))
    save_model(folder("models") / "m", ours, Tokenizer.open("pieces"), {})
    theirs, report = AutoModelForCausalLM.from_pretrained(
        folder("models") / "m", dtype=torch.float32, output_loading_info=True
    )
    assert theirs.config.model_type == shape.architecture
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    assert_same_logits(theirs.eval(), ours)


@architectures
def test_a_folder_of_transformers_loads_here_with_the_same_logits(shape):
    theirs, ours = pair(shape)
    assert ModelInfo.open("theirs").config == ours.config == shape
    assert_same_logits(theirs, ours)


@architectures
def test_weights_in_several_files_are_one_model(shape):
    theirs = theirs_of(shape)
    path = folder("models") / "theirs"
    theirs.save_pretrained(path, max_shard_size="60KB")
    assert len(list(path.glob("*.safetensors"))) > 2 and not (path / "model.safetensors").exists()
    assert_same_logits(theirs, load_model(path))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("shape", [CONFIGS["qwen3"], CONFIGS["gpt2"]], ids=["qwen3", "gpt2"])
def test_half_precision_loads_here_in_full(shape, dtype):
    from transformers import AutoModelForCausalLM

    path = folder("models") / "theirs"
    theirs_of(shape).to(dtype).save_pretrained(path)
    ours = load_model(path)
    assert ours.dtype == torch.float32
    assert_same_logits(AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval(), ours)


def test_names_of_the_base_model_alone_are_understood():
    from safetensors.torch import load_file, save_file

    theirs = theirs_of(CONFIGS["gpt2"])
    path = folder("models") / "theirs"
    theirs.save_pretrained(path)
    weights = {
        name.removeprefix("transformer."): tensor for name, tensor in load_file(path / "model.safetensors").items()
    }
    weights["h.0.attn.bias"] = torch.ones(1, 1, CONTEXT, CONTEXT)  # as the file of gpt2 on the hub has it
    save_file(weights, path / "model.safetensors")
    assert_same_logits(theirs, load_model(path))


@pytest.mark.parametrize("name", ["../secret.safetensors", "weights.bin", "/etc/passwd", 7])
def test_an_index_names_files_of_its_folder_alone(name):
    path = folder("models") / "theirs"
    theirs_of(CONFIGS["qwen3"]).save_pretrained(path, max_shard_size="60KB")
    index = path / "model.safetensors.index.json"
    values = json.loads(index.read_text())
    values["weight_map"]["model.norm.weight"] = name
    index.write_text(json.dumps(values))
    with pytest.raises(UserError, match=r"index\.json is damaged"):
        load_model(path)


# The cache.


@architectures
@torch.inference_mode()
def test_up_to_the_last_position_the_cache_changes_nothing(shape):
    theirs, ours = pair(shape)
    expected = theirs(tokens()).logits
    cache = ours.new_cache(2)
    found = [ours(part, cache) for part in tokens().split([1, 5, 1, 1, 30, 25, 1], dim=1)]
    assert cache.length == CONTEXT
    assert (expected - torch.cat(found, dim=1)).abs().max() < TOLERANCE


@architectures
@torch.inference_mode()
def test_rows_of_different_lengths_are_what_each_is_alone(shape):
    theirs, ours = pair(shape)
    lengths = [40, 7, 1]
    rows, padding = tokens(3, 40), torch.tensor([40 - length for length in lengths])
    attended = torch.arange(40) >= padding[:, None]
    positions = (torch.arange(40) - padding[:, None]).clamp(min=0)
    expected = theirs(rows, attention_mask=attended.long(), position_ids=positions).logits
    cache = ours.new_cache(3)
    cache.padding = padding
    found = torch.cat([ours(part, cache) for part in rows.split([35, 4, 1], dim=1)], dim=1)
    for row, length in enumerate(lengths):
        alone = theirs(rows[row : row + 1, 40 - length :]).logits[0]
        assert (alone - found[row, 40 - length :]).abs().max() < TOLERANCE
        assert (expected[row, 40 - length :] - found[row, 40 - length :]).abs().max() < TOLERANCE


# Writing.


@architectures
@torch.inference_mode()
def test_the_likeliest_tokens_are_the_same_to_the_end_of_the_context(shape):
    theirs, ours = pair(shape)
    prompt = tokens(1, 5)
    expected = theirs.generate(
        prompt, max_new_tokens=CONTEXT - 5, do_sample=False, eos_token_id=None, pad_token_id=0, use_cache=True
    )
    cache, found = ours.new_cache(), prompt
    logits = ours(prompt, cache, last=True)
    while found.shape[1] < CONTEXT:
        found = torch.cat([found, logits[:, -1].argmax(-1, keepdim=True)], dim=1)
        logits = ours(found[:, -1:], cache)
    assert found.tolist() == expected.tolist()


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
