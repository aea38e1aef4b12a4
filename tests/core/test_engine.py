"""The engine: one process a home that encodes, looks into files and writes, for all who ask."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
import pytest_asyncio
import torch

from newleaf.core import store
from newleaf.core.corpus.store import Corpus
from newleaf.core.engine import place
from newleaf.core.engine.client import Engine
from newleaf.core.engine.models import Models
from newleaf.core.engine.server import Client, Server
from newleaf.core.engine.writing import open_writing
from newleaf.core.errors import UserError
from newleaf.core.generation.generate import Writer
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.home import folder
from newleaf.core.language import set_language
from newleaf.core.model.config import GPTConfig
from newleaf.core.model.gpt import GPT
from newleaf.core.model.loading import LoadOptions
from newleaf.core.model.store import load_model, save_model
from newleaf.core.tokenizer.options import TokenizerOptions
from newleaf.core.tokenizer.search import find_pieces
from newleaf.core.tokenizer.tokenizer import Tokenizer
from newleaf.core.tokenizer.training import train_tokenizer

PATIENCE = 120  # seconds; so long waits only what will never come
OPTIONS = GenerationOptions(seed=1, max_tokens=12)
SHORT = {"seed": 1, "max_tokens": 12}
ENDLESS = {"seed": 1, "max_tokens": 1_000_000, "temperature": 0.0}
CHAT = [{"role": "user", "content": "Hello"}]


@pytest.fixture
async def engine():
    """An engine of the test's own, in its home."""
    made = Engine()
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(prepared):
    """One engine for all tests that change nothing; it has the model tiny and the tokenizer pieces."""
    made = Engine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(prepared))
        patch.setenv("NEWLEAF_LANGUAGE", "en")
        await made.encode("pieces", "x")
    yield made
    await made.close()


in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def endless(prepared):
    """Options with which the model tiny was seen to write without end."""
    options = GenerationOptions(temperature=0.0, max_tokens=300)
    (completion,), _seed = writer_of(prepared).generate("The", options)
    assert completion.finish_reason == "length"
    return ENDLESS


def writer_of(home):
    return Writer(load_model(home / "models" / "tiny"), Tokenizer.at(home / "models" / "tiny"))


async def answers_of(engine, *request, **more):
    async with asyncio.timeout(PATIENCE):
        return [answer async for answer in engine.generate(*request, **more)]


async def text_of(engine, *request, **more):
    """The first text that is written."""
    return (await answers_of(engine, *request, **more))[-1]["done"]["completions"][0]["text"]


async def process_of(engine):
    return (await engine.status())["process"]


def lives(pid):
    """Whether there is such a process, and it has not just ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def ends(pid):
    async with asyncio.timeout(PATIENCE):
        while lives(pid):
            await asyncio.sleep(0.01)


# Answers.


@in_one_loop
async def test_pieces_are_those_of_the_tokenizer(shared, prepared):
    for text in ("The 好 fox\n", "", "\u2581 <s>", "\ud800"):
        pieces = Tokenizer.at(prepared / "tokenizers" / "pieces").pieces(text)
        assert await shared.encode("pieces", text) == [(piece.id, piece.text, piece.bytes) for piece in pieces]


@in_one_loop
async def test_questions_that_are_asked_at_once_have_each_its_own_answer(shared):
    texts = [f"Question {n}" for n in range(20)]
    found = await asyncio.gather(*(shared.encode("pieces", text) for text in texts))
    assert ["".join(piece.text for piece in pieces) for pieces in found] == texts


@in_one_loop
async def test_text_streams_and_is_that_of_the_library(shared, prepared):
    first, *deltas, last = await answers_of(shared, "tiny", "The", SHORT)
    (completion,), _seed = writer_of(prepared).generate("The", OPTIONS)
    assert first["started"]["left_out"] == 0 and first["started"]["seed"] == 1
    assert len(deltas) > 1 and all(list(delta) == ["delta"] for delta in deltas)
    (written,) = last["done"]["completions"]
    assert "".join(delta["delta"]["text"] for delta in deltas) == completion.text == written["text"]
    assert (last["done"]["seed"], written["tokens"]) == (1, len(completion.tokens))
    assert written["finish_reason"] == completion.finish_reason and written["tokens_per_second"] > 0


@in_one_loop
async def test_several_texts_come_side_by_side(shared, prepared):
    *_answers, last = await answers_of(shared, "tiny", "The", {**SHORT, "n": 3, "logprobs": 2})
    completions, _seed = writer_of(prepared).generate("The", OPTIONS, 3)
    assert [each["text"] for each in last["done"]["completions"]] == [each.text for each in completions]
    assert all(len(each["logprobs"]) == each["tokens"] for each in last["done"]["completions"])


@in_one_loop
async def test_several_prompts_and_numbers_of_tokens_are_prompts(shared, prepared):
    writer = writer_of(prepared)
    tokens = writer.encode("The")
    assert await text_of(shared, "tiny", tokens, SHORT) == await text_of(shared, "tiny", "The", SHORT)
    (*_answers, last) = await answers_of(shared, "tiny", ["The", "A"], SHORT)
    assert len(last["done"]["completions"]) == 2
    with pytest.raises(UserError, match="token 100000: the model has those from 0"):
        await text_of(shared, "tiny", [1, 100000], SHORT)


@in_one_loop
async def test_a_chat_is_answered(shared, prepared):
    expected, _seed = writer_of(prepared).generate(CHAT, OPTIONS)
    assert await text_of(shared, "tiny", CHAT, SHORT) == expected[0].text
    with pytest.raises(UserError, match="by dog"):
        await text_of(shared, "tiny", [{"role": "dog", "content": "x"}], SHORT)


@in_one_loop
async def test_a_text_is_judged_and_what_is_wrong_is_told(shared):
    scores = await shared.judge("tiny", CHAT, "Seven geese.", 2)
    assert "Seven geese." in b"".join(bytes(score["bytes"]) for score in scores).decode()
    assert all(len(score["top"]) == 2 for score in scores)
    with pytest.raises(UserError, match="roles are"):
        await shared.judge("tiny", [{"role": "nobody", "content": ""}], "x", 0)


@in_one_loop
async def test_what_a_long_prompt_loses_is_told_first(shared, prepared):
    first, *_deltas, _last = await answers_of(shared, "tiny", "word " * 200, SHORT)
    assert first["started"]["left_out"] == writer_of(prepared).start("word " * 200, OPTIONS).left_out > 0


@in_one_loop
async def test_a_seed_that_was_drawn_is_told(shared):
    drawn = (await answers_of(shared, "tiny", "The", {"max_tokens": 12}))[-1]["done"]
    again = await text_of(shared, "tiny", "The", {"max_tokens": 12, "seed": drawn["seed"]})
    assert again == drawn["completions"][0]["text"]


@in_one_loop
async def test_a_preview_comes_from_the_engine(shared, tmp_path):
    (tmp_path / "a.txt").write_bytes("芳林新叶催陈叶，流水前波让后波。\n".encode("gb18030") * 40)
    (found,) = await shared.preview([str(tmp_path)])
    assert found["encoding"] == "gb18030" and found["text"].startswith("芳林新叶")


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are UTF-8")
@in_one_loop
async def test_a_preview_of_a_file_of_any_name(shared, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xca\xe9.txt")
    Path(path).write_text("Text.")
    assert [found["text"] for found in await shared.preview([path])] == ["Text."]


@in_one_loop
async def test_what_is_wrong_comes_as_a_sentence_and_the_engine_goes_on(shared, tmp_path):
    with pytest.raises(UserError, match=r"no model tinny\. Did you mean tiny\?"):
        await answers_of(shared, "tinny", "The", SHORT)
    with pytest.raises(UserError, match="--temperature is -1"):
        await answers_of(shared, "tiny", "The", {**SHORT, "temperature": -1})
    with pytest.raises(UserError, match="--quantize is int3"):
        await answers_of(shared, "tiny", "The", SHORT, {"quantize": "int3"})
    with pytest.raises(UserError, match="no file or folder"):
        await shared.preview([str(tmp_path / "absent")])
    with pytest.raises(UserError, match="no tokenizer absent"):
        await shared.encode("absent", "x")
    assert await shared.encode("pieces", "x")


async def test_sentences_are_in_the_persons_language(engine):
    set_language("zh_CN")
    with pytest.raises(UserError, match="没有模型"):
        await answers_of(engine, "absent", "The", SHORT)


async def test_the_reading_of_a_long_prompt_is_told(engine, newleaf_home, prepared):
    tokenizer = Tokenizer.at(prepared / "models" / "tiny")
    network = GPT(GPTConfig(tokenizer.vocab_size, 2048, 32, 2, 4, 2, 8, 64))
    network.initialise(torch.Generator().manual_seed(0))
    save_model(folder("models") / "long", network, tokenizer, {})
    prompt, options = [5] * 1500, {"seed": 1, "min_tokens": 2, "max_tokens": 2}
    found = [answer["reading"] for answer in await answers_of(engine, "long", prompt, options) if "reading" in answer]
    assert found == [{"done": done, "total": 1500} for done in (512, 1024, 1500)]
    told = []
    writing = open_writing("long", LoadOptions())
    *_answers, last = writing.answers([6] * 2000, options, lambda done, total: told.append(done))
    assert told[-1] == 2000 and last["done"]["completions"][0]["tokens"] == 2


# Stopping.


@in_one_loop
async def test_leaving_stops_the_writing(shared, endless):
    async with asyncio.timeout(PATIENCE), contextlib.aclosing(shared.generate("tiny", "The", endless)) as answers:
        async for answer in answers:
            if "delta" in answer:
                break
    assert await text_of(shared, "tiny", "The", SHORT)  # it is free for the next


@in_one_loop
async def test_a_task_that_is_cancelled_stops_the_writing(shared, endless):
    writes = asyncio.Event()

    async def watch():
        async for answer in shared.generate("tiny", "The", endless):
            if "delta" in answer:
                writes.set()

    task = asyncio.create_task(watch())
    waiting = asyncio.create_task(shared.load("tiny"))
    async with asyncio.timeout(PATIENCE):
        await writes.wait()
        waiting.cancel()  # before its turn came
        task.cancel()
        for each in (task, waiting):
            with pytest.raises(asyncio.CancelledError):
                await each
    assert await text_of(shared, "tiny", "The", SHORT)


@in_one_loop
async def test_what_is_quick_does_not_wait_for_a_long_text(shared, endless):
    async with asyncio.timeout(PATIENCE), contextlib.aclosing(shared.generate("tiny", "The", endless)) as answers:
        async for answer in answers:
            if "delta" in answer:
                break
        assert await shared.encode("pieces", "x")
        status = await shared.status()
        assert status["busy"] == 1 and status["models"][-1]["name"] == "tiny"


# Tokenizers.


@in_one_loop
async def test_pieces_that_contain_a_text_are_found_the_nearest_first_and_counted(shared, prepared):
    tokenizer = Tokenizer.at(prepared / "tokenizers" / "pieces")
    every = find_pieces(tokenizer, "e", tokenizer.vocab_size)
    found, total = await shared.pieces("pieces", "e", 5)
    assert total == len(every) > 5
    assert found == [(piece.id, piece.text, piece.bytes) for piece in every[:5]]


@in_one_loop
async def test_of_an_empty_text_all_pieces_come_by_number(shared):
    found, total = await shared.pieces("pieces", "", 1000)
    assert total == 420 and [piece.number for piece in found] == list(range(420))


@in_one_loop
async def test_a_search_that_finds_nothing_is_empty(shared):
    assert await shared.pieces("pieces", "no piece is called this", 10) == ([], 0)


async def test_two_tokenizers_are_compared_on_held_out_text(engine, book, tokenizer):
    train_tokenizer(Corpus.open("book"), "letters", TokenizerOptions(type="char"))
    found = await engine.compare("pieces", "letters", "book")
    assert [found[side]["name"] for side in ("first", "second")] == ["pieces", "letters"]
    assert found["first"]["bytes_per_token"] > found["second"]["bytes_per_token"]
    assert found["in_common"] > 50 and found["examples"]
    with pytest.raises(UserError, match="no corpus absent"):
        await engine.compare("pieces", "letters", "absent")


async def test_a_tokenizer_is_taken_from_elsewhere(engine, book, tokenizer, tmp_path):
    shutil.copy(tokenizer / "tokenizer.model", tmp_path / "tokenizer.model")
    said = await engine.import_tokenizer(str(tmp_path), "taken", "book")
    assert said["vocab_size"] == 420 and said["measured_corpus"] == "book"
    text = "The language"
    assert await engine.encode("taken", text) == await engine.encode("pieces", text)


async def test_a_damaged_tokenizer_is_refused_and_leaves_nothing(engine, tokenizer, tmp_path):
    (tmp_path / "tokenizer.model").write_bytes((tokenizer / "tokenizer.model").read_bytes()[:500])
    with pytest.raises(UserError, match=r"tokenizer\.model"):
        await engine.import_tokenizer(str(tmp_path), "taken")
    assert store.names("tokenizers") == ["pieces"]


# What changes on disk.


async def test_another_tokenizer_of_the_same_name_is_the_one_that_answers(engine, book):
    train_tokenizer(Corpus.open("book"), "t", TokenizerOptions(vocab_size=600))
    before = await engine.encode("t", "the object and its class")
    store.remove("tokenizers", "t")
    with pytest.raises(UserError, match="no tokenizer t"):
        await engine.encode("t", "x")
    other = train_tokenizer(Corpus.open("book"), "t", TokenizerOptions(type="char", vocab_size=400))
    after = await engine.encode("t", "the object and its class")
    assert after != before and [piece.number for piece in after] == other.encode("the object and its class")


async def test_the_newest_weights_are_the_ones_that_write(engine, tiny_model):
    before = await text_of(engine, "tiny", "The", SHORT)
    model = load_model(tiny_model)
    for parameter in model.parameters():
        parameter.copy_(parameter.flip(0))
    save_model(tiny_model, model, Tokenizer.at(tiny_model), {})
    after = await text_of(engine, "tiny", "The", SHORT)
    assert before != after == Writer.open("tiny").generate("The", OPTIONS)[0][0].text
    assert len((await engine.status())["models"]) == 1  # the old ones are let go
    (tiny_model / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match=r"model\.safetensors is damaged"):
        await answers_of(engine, "tiny", "The", SHORT)
    assert await engine.status()


def copies(tiny_model, number):
    import shutil

    for index in range(number):
        shutil.copytree(tiny_model, folder("models") / f"copy-{index}")


def test_models_that_were_used_last_stay_in_memory(tiny_model):
    copies(tiny_model, 3)
    models = Models(limit=10**9)
    first = models.get("copy-0", LoadOptions(), lambda: False)
    size = models.used
    models.limit = 2 * size
    models.get("copy-1", LoadOptions(), lambda: False)
    assert models.get("copy-0", LoadOptions(), lambda: False) is first
    models.get("copy-2", LoadOptions(), lambda: False)
    assert [each["name"] for each in models.as_list()] == ["copy-0", "copy-2"] and models.used == 2 * size
    models.limit = 1  # the newest one is there whatever its size
    models.get("copy-1", LoadOptions(), lambda: False)
    assert [each["name"] for each in models.as_list()] == ["copy-1"]


def test_a_model_in_bytes_is_another_and_smaller(tiny_model):
    models = Models(limit=10**9)
    plain = models.get("tiny", LoadOptions(), lambda: False)
    size = models.used
    assert models.get("tiny", LoadOptions(quantize="int8"), lambda: False) is not plain
    assert 0 < models.used - size < size


def test_a_model_that_memory_has_no_room_for_is_told(tiny_model, monkeypatch):
    from newleaf.core.model import loading

    monkeypatch.setattr(loading, "available_memory", lambda: 1000)
    with pytest.raises(UserError, match=r"needs .* of memory, and 1\.0 kB are free.*--quantize int8"):
        Models(10**9).get("tiny", LoadOptions(), lambda: False)


# The process.


async def test_no_process_is_started_before_it_is_needed(engine):
    assert engine.starts == 0 and place.connect() is None


async def test_it_ends_with_its_last_client(engine, tokenizer):
    other = Engine()
    process = await process_of(engine)
    assert await process_of(other) == process  # one for all of a home
    assert (engine.starts, other.starts) == (1, 0)
    await engine.close()
    assert lives(process) and await other.encode("pieces", "x")
    await other.close()
    await ends(process)
    assert place.connect() is None


async def test_nobody_else_can_reach_it(engine, newleaf_home):
    await engine.status()
    path = place.socket_path()
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("runtime", ["short", "long" * 30])
async def test_a_home_with_a_long_path_has_one_too(monkeypatch, tmp_path, runtime):
    home = tmp_path / ("long" * 30)
    monkeypatch.setenv("NEWLEAF_HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / runtime))
    (tmp_path / runtime).mkdir()
    engine = Engine()
    assert await process_of(engine)
    assert not place.socket_path().is_relative_to(home)
    await engine.close()


async def test_what_a_killed_one_left_is_no_hindrance(engine):
    os.kill(process := await process_of(engine), signal.SIGKILL)
    await ends(process)
    assert place.socket_path().exists()
    other = Engine()
    assert await process_of(other) != process
    await other.close()


async def test_an_engine_that_dies_is_told_and_started_again(engine, tiny_model, tokenizer, endless):
    process = await process_of(engine)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(UserError, match="engine has ended"):
            async for answer in engine.generate("tiny", "The", endless):
                if "delta" in answer and lives(process):
                    os.kill(process, signal.SIGKILL)
        assert await engine.encode("pieces", "x")
    assert engine.starts == 2


CLIENT = f"""
import asyncio
from newleaf.core.engine.client import Engine
async def main():
    engine = Engine()
    process = (await engine.status())["process"]
    async for answer in engine.generate("tiny", "The", {ENDLESS!r}):
        if "delta" in answer:
            print(process, flush=True)
asyncio.run(main())
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc to look into")
async def test_it_ends_with_whoever_started_it_even_while_it_writes(tiny_model, endless):
    client = await asyncio.create_subprocess_exec(sys.executable, "-c", CLIENT, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(PATIENCE):
        server = int(await client.stdout.readline())
        assert lives(server)
        client.send_signal(signal.SIGKILL)
        await client.wait()
        await ends(server)


async def test_what_is_no_request_ends_that_connection_alone(engine, tokenizer):
    await engine.status()
    for line in (b"nonsense\n", b"[1]\n", b'{"id": 1}\n', b"\xff\xfe\n"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(place.socket_path()))
            connection.sendall(line)
            connection.settimeout(PATIENCE)
            assert connection.recv(100) == b""
    assert await engine.encode("pieces", "x")


def test_what_cannot_be_told_is_a_fault_that_its_sender_hears_of(monkeypatch):
    server = Server(memory=1 << 30)
    monkeypatch.setattr(server.models, "as_list", lambda: [object()])
    here, there = socket.socketpair()
    with here, there:
        server._do(Client(here), {"id": 1, "do": "status"})
        there.settimeout(PATIENCE)
        assert json.loads(there.recv(1000))["kind"] == "fault"


# Commands.


async def test_with_its_last_answer_it_is_busy_no_longer(engine, tiny_model):
    for _ in range(100):
        await engine.load("tiny")
        assert not (await engine.status())["busy"]


async def test_a_command_writes_with_the_engine_that_has_the_model(engine, tiny_model):
    await engine.load("tiny")
    writing = open_writing("tiny", LoadOptions())
    assert type(writing).__name__ == "_There"
    found = list(writing.answers("The", SHORT))
    assert found[-1]["done"]["completions"][0]["text"] == await text_of(engine, "tiny", "The", SHORT)
    with pytest.raises(UserError, match="--temperature is -1"):
        list(writing.answers("The", {"temperature": -1}))
    assert list(writing.answers(CHAT, SHORT))[-1]["done"]


async def test_leaving_early_ends_the_writing_there(engine, tiny_model, endless):
    await engine.load("tiny")
    answers = open_writing("tiny", LoadOptions()).answers("The", endless)
    assert "started" in next(answers) and "delta" in next(answers)
    answers.close()
    async with asyncio.timeout(PATIENCE):
        while (await engine.status())["busy"]:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("why", ["nobody runs", "another model", "other options", "newer weights", "it is busy"])
async def test_else_a_command_loads_the_model_itself(engine, tiny_model, endless, why):
    copies(tiny_model, 1)
    if why != "nobody runs":
        await engine.load("copy-0" if why == "another model" else "tiny")
    if why == "newer weights":
        os.utime(tiny_model / "model.safetensors", (time.time() + 5,) * 2)
    options = LoadOptions(quantize="int8") if why == "other options" else LoadOptions()
    async with contextlib.aclosing(engine.generate("tiny", "The", endless)) as answers:
        if why == "it is busy":
            await anext(answers)
        writing = open_writing("tiny", options)
    assert type(writing).__name__ == "_Here"
    assert list(writing.answers("The", SHORT))[-1]["done"]


@pytest.mark.parametrize("answer", [b"", b"nonsense\n", b'{"id": 1, "done": {}}\n'])
def test_an_engine_of_another_kind_is_no_hindrance(tiny_model, answer):
    import threading

    listener = place.listen()

    def reply():
        connection, _address = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(answer)

    thread = threading.Thread(target=reply)
    thread.start()
    assert type(open_writing("tiny", LoadOptions())).__name__ == "_Here"
    thread.join()
    listener.close()


CODE = """
import sys
from newleaf.cli.main import run
run(sys.argv[1:])
print([name for name in sys.modules if name in ("torch", "numpy", "sentencepiece", "asyncio")], file=sys.stderr)
"""


async def test_no_torch_is_imported_where_the_engine_writes(engine, tiny_model):
    await engine.load("tiny")
    words = ["generate", "tiny", "The", "--max-tokens", "5", "--seed", "1"]
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CODE, *words, stdin=nothing, stdout=pipe, stderr=pipe
    )
    text, error = await command.communicate()
    assert text.strip() and error.decode().strip() == "[]"
