"""GGUF files: out and in again they are the same model; Transformers and llama.cpp read them as we do."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from architectures import CONFIGS, CONTEXT, randomise, tokens
from from_elsewhere import byte_level
from gguf import GGMLQuantizationType, GGUFWriter
from hypothesis import given, settings
from hypothesis import strategies as st

from newleaf.core.corpus.store import Corpus
from newleaf.core.errors import UserError
from newleaf.core.formats.gguf_export import export_gguf
from newleaf.core.formats.gguf_file import GGUFFile
from newleaf.core.home import folder
from newleaf.core.model.gpt import GPT
from newleaf.core.model.importing import import_model
from newleaf.core.model.store import ModelInfo, load_model, save_model
from newleaf.core.tokenizer.options import TokenizerOptions
from newleaf.core.tokenizer.tokenizer import Tokenizer
from newleaf.core.tokenizer.training import train_tokenizer

TEXT = "The fox said:\n\n\t好的  <s> 12345 \U0001f98a and so on"
# llama.cpp has no biases in qwen3, and in qwen2 no heads that are wider than the model.
EXPORTED = {
    name: replace(shape, head_dim=8) if shape.architecture == "qwen2" else shape
    for name, shape in CONFIGS.items()
    if name != "qwen3 with biases"
}
exported = pytest.mark.parametrize("shape", EXPORTED.values(), ids=EXPORTED.keys())


def made(shape, tokenizer, name="ours"):
    """A saved model of random weights, of this shape but for its vocabulary."""
    network = randomise(GPT(replace(shape, vocab_size=tokenizer.vocab_size)))
    save_model(folder("models") / name, network, tokenizer, {"license": "mit"})
    return network


def written(tmp_path, kept="f32", name="ours"):
    path = tmp_path / f"{name}.gguf"
    export_gguf(ModelInfo.open(name), path, kept)
    return path


@exported
def test_what_is_written_is_read_again(tmp_path, tokenizer, shape):
    network = made(shape, Tokenizer.open("pieces"))
    import_model(str(written(tmp_path)), "again")
    again = load_model(folder("models") / "again")
    assert again.config == network.config
    assert (network(tokens()) - again(tokens())).abs().max() < 1e-4
    ours, theirs = Tokenizer.at(folder("models") / "ours"), Tokenizer.at(folder("models") / "again")
    assert theirs.encode(TEXT) == ours.encode(TEXT)
    assert (theirs.begin, theirs.padding) == (ours.begin, ours.padding)
    assert theirs.end == ours.end | {ours.special["<|end|>"]}  # that name ends a text wherever it stands
    assert theirs.special == ours.special
    assert ModelInfo.open("again").provenance["license"] == "mit"


@pytest.mark.parametrize("name", ["qwen2", "qwen2 untied", "llama", "llama untied of as many"])
def test_transformers_reads_the_same_logits(tmp_path, tokenizer, name):
    """Of shapes that it understands: its qwen3 has heads of 128, its gpt2 1,024 positions, and it stretches nothing."""
    from transformers import AutoModelForCausalLM

    network = made(EXPORTED[name], Tokenizer.open("pieces"))
    path = written(tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=path.name, dtype=torch.float32).eval()
    with torch.no_grad():
        assert (network(tokens()) - theirs(tokens()).logits).abs().max() < 1e-4


@pytest.mark.parametrize(("kept", "error"), [("f16", 1e-2), ("q8_0", 0.1)])
def test_fewer_bits_are_nearly_the_same(tmp_path, tokenizer, kept, error):
    shape = replace(CONFIGS["llama"], hidden_size=64, intermediate_size=48)
    network = made(shape, Tokenizer.open("pieces"))
    path = written(tmp_path, kept)
    types = {name: tensor.tensor_type for name, tensor in GGUFFile(path).tensors.items()}
    assert types["output_norm.weight"] == GGMLQuantizationType.F32
    assert types["blk.0.attn_q.weight"] == GGMLQuantizationType[kept.upper()]
    assert types["blk.0.ffn_down.weight"] == GGMLQuantizationType.F16  # 48 are not whole blocks
    import_model(str(path), "again")
    again = load_model(folder("models") / "again")
    exact, rounded = network(tokens()), again(tokens())
    assert 0 < (exact - rounded).std() < error * exact.std()
    if kept == "f16":  # halves stay halves on the disk
        assert (folder("models") / "again" / "model.safetensors").stat().st_size < 3 * network.config.parameters


def test_a_tokenizer_of_byte_pairs_goes_out_and_in(tmp_path):
    ours = Tokenizer.at(byte_level(tmp_path / "elsewhere"))
    made(CONFIGS["llama"], ours)
    import_model(str(written(tmp_path)), "again")
    again = Tokenizer.at(folder("models") / "again")
    assert again.encode(TEXT) == ours.encode(TEXT)
    assert again.end >= ours.end and again.special == ours.special
    assert again.chat_template == ours.chat_template


@pytest.mark.parametrize("kind", ["unigram", "word"])
def test_a_tokenizer_that_llama_cpp_cannot_be_is_refused(tmp_path, book, kind):
    made(CONFIGS["qwen3"], train_tokenizer(Corpus.open("book"), "t", TokenizerOptions(type=kind, vocab_size=420)))
    with pytest.raises(UserError, match="bpe and char"):
        written(tmp_path)
    assert not list(tmp_path.glob("*.gguf")) and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(("name", "words"), [("qwen3 with biases", "attention_bias"), ("qwen2", "head_dim")])
def test_a_shape_that_llama_cpp_cannot_be_is_refused(tmp_path, tokenizer, name, words):
    made(CONFIGS[name], Tokenizer.open("pieces"))
    with pytest.raises(UserError, match=words):
        written(tmp_path)


def test_a_file_that_exists_is_whole_or_the_old_one(tmp_path, tokenizer):
    made(CONFIGS["qwen3"], Tokenizer.open("pieces"))
    path = tmp_path / "ours.gguf"
    path.write_text("old")

    def stop(done, total, message="", **metrics):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_gguf(ModelInfo.open("ours"), path, "f32", stop)
    assert path.read_text() == "old" and [file.name for file in tmp_path.glob("*.gguf*")] == ["ours.gguf"]


# Files that are not what they should be.


@pytest.fixture(scope="module")
def whole(prepared, tmp_path_factory):
    """The bytes of a small file."""
    path = tmp_path_factory.mktemp("gguf") / "whole.gguf"
    export_gguf(ModelInfo.at(prepared / "models" / "tiny"), path)
    return path.read_bytes()


def takes(data, path):
    """Whether the file is taken; if not, there was a sentence, and nothing is left."""
    path.write_bytes(data)
    try:
        import_model(str(path), "taken")
    except UserError as error:
        assert str(error).endswith((".", "]", "0")) and "Traceback" not in str(error)
        assert not (folder("models") / "taken").exists()
        return False
    import shutil

    shutil.rmtree(folder("models") / "taken")
    return True


@given(data=st.data())
@settings(max_examples=25)
def test_a_file_that_was_cut_has_a_sentence(whole, tmp_path_factory, data):
    size = data.draw(st.integers(0, len(whole) - 1))
    assert not takes(whole[:size], tmp_path_factory.getbasetemp() / "cut.gguf")


@given(data=st.data())
@settings(max_examples=60)
def test_a_flipped_bit_is_a_sentence_or_does_no_harm(whole, tmp_path_factory, data):
    place, bit = data.draw(st.integers(0, 40_000)), data.draw(st.integers(0, 7))  # in what it says of itself
    changed = bytearray(whole)
    changed[place] ^= 1 << bit
    takes(bytes(changed), tmp_path_factory.getbasetemp() / "flipped.gguf")


@pytest.mark.parametrize(
    "content",
    [b"", b"GGUF", b"GGUF" + b"\xff" * 100, b"GGUF\x03\0\0\0" + b"\0" * 16, random.Random(0).randbytes(5000)],
    ids=["nothing", "a beginning", "ones", "no model", "noise"],
)
def test_what_is_no_model_has_a_sentence(tmp_path, content):
    assert not takes(content, tmp_path / "bad.gguf")


def made_up(path, architecture="llama", changes=(), tensors=True):
    """A file with some values other than they should be."""
    values = {
        "context_length": CONTEXT,
        "embedding_length": 16,
        "block_count": 1,
        "feed_forward_length": 32,
        "attention.head_count": 2,
        "attention.head_count_kv": 1,
        "attention.layer_norm_rms_epsilon": 1e-5,
        **dict(changes),
    }
    writer = GGUFWriter(path, architecture)
    for key, value in values.items():
        name = key if "." in key and key.split(".")[0] == "tokenizer" else f"{architecture}.{key}"
        if isinstance(value, str):
            writer.add_string(name, value)
        elif isinstance(value, float):
            writer.add_float32(name, value)
        elif isinstance(value, list):
            writer.add_array(name, value)
        else:
            writer.add_uint64(name, value)
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581", "a"]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(pieces)
    writer.add_token_scores([0.0] * len(pieces))
    writer.add_token_types([2, 3, 3, *[6] * 256, 1, 1])
    shapes = {
        "token_embd.weight": (len(pieces), 16),
        "output_norm.weight": (16,),
        "blk.0.attn_norm.weight": (16,),
        "blk.0.ffn_norm.weight": (16,),
        "blk.0.attn_q.weight": (16, 16),
        "blk.0.attn_k.weight": (8, 16),
        "blk.0.attn_v.weight": (8, 16),
        "blk.0.attn_output.weight": (16, 16),
        "blk.0.ffn_gate.weight": (32, 16),
        "blk.0.ffn_up.weight": (32, 16),
        "blk.0.ffn_down.weight": (16, 32),
    }
    for name, shape in shapes.items() if tensors else ():
        writer.add_tensor(name, np.full(shape, 0.1, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return str(path)


def test_a_made_up_file_is_taken(tmp_path):
    assert import_model(made_up(tmp_path / "m.gguf")).config.num_kv_heads == 1
    assert Tokenizer.at(folder("models") / "m").begin == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"block_count": 10**9}, "num_layers is 1000000000"),
        ({"block_count": 2}, r"blk\.1\.attn_q\.weight is missing"),
        ({"embedding_length": 10**12}, "hidden_size is"),
        ({"context_length": 0}, "context is 0"),
        ({"attention.head_count": [2, 2]}, None),
        ({"attention.head_count": 0}, "num_heads is 0"),
        ({"attention.head_count_kv": 3}, "num_kv_heads is 3"),
        ({"feed_forward_length": 33}, r"\[32, 16\], not \[33, 16\]"),
        ({"expert_count": 8}, "llama.expert_count"),
        ({"rope.scaling.type": "yarn"}, r"rope\.scaling\.type yarn"),
        ({"rope.dimension_count": 4}, "rope.dimension_count"),
        ({"attention.sliding_window": 8}, "sliding_window"),
        ({"attention.layer_norm_rms_epsilon": "small"}, "layer_norm_rms_epsilon is small"),
        ({"logit_scale": 2.0}, "logit_scale"),
    ],
)
def test_a_shape_that_cannot_be_has_a_sentence(tmp_path, changes, words):
    source = made_up(tmp_path / "m.gguf", changes=changes)
    if words is None:
        assert import_model(source)
        return
    with pytest.raises(UserError, match=words):
        import_model(source)


def test_another_architecture_is_refused_by_name(tmp_path):
    with pytest.raises(UserError, match="This is a mamba model; newleaf reads qwen3"):
        import_model(made_up(tmp_path / "m.gguf", "mamba"))


def test_numbers_that_are_none_are_refused(tmp_path):
    path = tmp_path / "m.gguf"
    made_up(path)
    data = bytearray(path.read_bytes())
    data[-4:] = np.float32("nan").tobytes()
    path.write_bytes(data)
    with pytest.raises(UserError, match="no numbers"):
        import_model(str(path))


def test_an_array_as_long_as_no_file_costs_nothing(tmp_path, whole):
    """The library alone would count to the end of it, in memory."""
    import struct

    key = b"general.tags"
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1)
    field = struct.pack("<Q", len(key)) + key + struct.pack("<IIQ", 9, 0, 2**60)
    assert not takes(head + field, tmp_path / "long.gguf")
    assert not takes(head + field + bytes(20_000_000), tmp_path / "long.gguf")


# llama.cpp itself.


def llama_cpp_logits(path, rows):
    """What llama.cpp makes of rows of tokens, in float32."""
    llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed: pip install -e '.[peers]'")
    found = []
    model = llama_cpp.Llama(
        str(path), n_ctx=CONTEXT, n_batch=CONTEXT, logits_all=True, type_k=0, type_v=0, verbose=False
    )
    for row in rows.tolist():
        model.reset()
        model.eval(row)
        found.append(torch.tensor(model.scores[: len(row)]))
    return torch.stack(found), model


@exported
@pytest.mark.slow
def test_llama_cpp_reads_the_same_logits(tmp_path, tokenizer, shape):
    network = made(shape, Tokenizer.open("pieces"))
    found, model = llama_cpp_logits(written(tmp_path), tokens())
    assert (found - network(tokens())).abs().max() < 2e-3 * found.std()
    ours = Tokenizer.at(folder("models") / "ours")
    assert model.tokenize(TEXT.encode(), add_bos=True, special=False) == [ours.begin, *ours.encode(TEXT)]
    assert model.token_bos() == ours.begin and model.token_eos() in ours.end


@pytest.mark.slow
def test_llama_cpp_reads_a_tokenizer_of_byte_pairs(tmp_path):
    ours = Tokenizer.at(byte_level(tmp_path / "elsewhere"))
    made(CONFIGS["llama"], ours)
    _logits, model = llama_cpp_logits(written(tmp_path), tokens(1, 4))
    assert model.tokenize(TEXT.encode(), add_bos=True, special=False) == ours.encode(TEXT)
    assert model.metadata["tokenizer.chat_template"] == ours.chat_template
