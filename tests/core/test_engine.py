"""The engine: a process that encodes, looks into files and writes for the interface."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest
import pytest_asyncio

from newleaf.core import store
from newleaf.core.corpus.store import Corpus
from newleaf.core.engine.client import Engine
from newleaf.core.errors import UserError
from newleaf.core.generation.generate import Writer
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.language import set_language
from newleaf.core.model.store import load_model, save_model
from newleaf.core.tokenizer.options import TokenizerOptions
from newleaf.core.tokenizer.tokenizer import Tokenizer
from newleaf.core.tokenizer.training import train_tokenizer

PATIENCE = 120  # seconds; so long waits only what will never come
OPTIONS = GenerationOptions(seed=1, max_tokens=12)
SHORT = OPTIONS.as_dict()
ENDLESS = {**SHORT, "max_tokens": 1_000_000, "temperature": 0.0}


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


async def answers_of(engine, *request):
    async with asyncio.timeout(PATIENCE):
        return [answer async for answer in engine.generate(*request)]


def lives(pid):
    """Whether there is such a process, and it has not just ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# Answers.


@in_one_loop
async def test_pieces_are_those_of_the_tokenizer(shared, prepared):
    for text in ("The 好 fox\n", "", "\u2581 <s>", "\ud800"):
        pieces = Tokenizer.at(prepared / "tokenizers" / "pieces").pieces(text)
        assert await shared.encode("pieces", text) == [(piece.id, piece.text) for piece in pieces]


@in_one_loop
async def test_questions_that_are_asked_at_once_have_each_its_own_answer(shared):
    texts = [f"Question {n}" for n in range(20)]
    found = await asyncio.gather(*(shared.encode("pieces", text) for text in texts))
    assert ["".join(piece for _number, piece in pieces) for pieces in found] == texts


@in_one_loop
async def test_text_streams_and_is_that_of_the_library(shared, prepared):
    first, *deltas, last = await answers_of(shared, "tiny", "The", SHORT)
    (completion,), _seed = writer_of(prepared).generate("The", OPTIONS)
    assert first == {"left_out": 0}
    assert len(deltas) > 1 and all(list(delta) == ["text"] for delta in deltas)
    assert "".join(delta["text"] for delta in deltas) == completion.text == last["done"]["text"]
    done = last["done"]
    assert (done["seed"], done["tokens"]) == (1, len(completion.tokens))
    assert done["finish_reason"] == completion.finish_reason and done["tokens_per_second"] > 0


@in_one_loop
async def test_what_a_long_prompt_loses_is_told_first(shared, prepared):
    first, *_deltas, _last = await answers_of(shared, "tiny", "word " * 200, SHORT)
    assert first["left_out"] == writer_of(prepared).start("word " * 200, OPTIONS).left_out > 0


@in_one_loop
async def test_a_seed_that_was_drawn_is_told(shared):
    drawn = (await answers_of(shared, "tiny", "The", {**SHORT, "seed": None}))[-1]["done"]
    again = (await answers_of(shared, "tiny", "The", {**SHORT, "seed": drawn["seed"]}))[-1]["done"]
    assert again["text"] == drawn["text"]


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
    with pytest.raises(UserError, match="no file or folder"):
        await shared.preview([str(tmp_path / "absent")])
    with pytest.raises(UserError, match="no tokenizer absent"):
        await shared.encode("absent", "x")
    assert await shared.encode("pieces", "x")


async def test_sentences_are_in_the_persons_language(engine):
    set_language("zh_CN")
    with pytest.raises(UserError, match="没有模型"):
        await answers_of(engine, "absent", "The", SHORT)


# Stopping.


@in_one_loop
async def test_leaving_stops_the_writing(shared, endless):
    async with asyncio.timeout(PATIENCE), contextlib.aclosing(shared.generate("tiny", "The", endless)) as answers:
        async for answer in answers:
            if "text" in answer:
                break
    assert "done" in (await answers_of(shared, "tiny", "The", SHORT))[-1]  # it is free for the next


@in_one_loop
async def test_a_task_that_is_cancelled_stops_the_writing(shared, endless):
    writes = asyncio.Event()

    async def watch():
        async for answer in shared.generate("tiny", "The", endless):
            if "text" in answer:
                writes.set()

    task = asyncio.create_task(watch())
    waiting = asyncio.create_task(shared.encode("pieces", "x"))
    async with asyncio.timeout(PATIENCE):
        await writes.wait()
        waiting.cancel()  # before its turn came
        task.cancel()
        for each in (task, waiting):
            with pytest.raises(asyncio.CancelledError):
                await each
    assert "done" in (await answers_of(shared, "tiny", "The", SHORT))[-1]


# What changes on disk.


async def test_another_tokenizer_of_the_same_name_is_the_one_that_answers(engine, book):
    train_tokenizer(Corpus.open("book"), "t", TokenizerOptions(vocab_size=600))
    before = await engine.encode("t", "the object and its class")
    store.remove("tokenizers", "t")
    with pytest.raises(UserError, match="no tokenizer t"):
        await engine.encode("t", "x")
    other = train_tokenizer(Corpus.open("book"), "t", TokenizerOptions(type="char", vocab_size=400))
    after = await engine.encode("t", "the object and its class")
    assert after != before and [number for number, _piece in after] == other.encode("the object and its class")


async def test_the_newest_weights_are_the_ones_that_write(engine, tiny_model):
    before = (await answers_of(engine, "tiny", "The", SHORT))[-1]["done"]["text"]
    model = load_model(tiny_model)
    for parameter in model.parameters():
        parameter.copy_(parameter.flip(0))
    save_model(tiny_model, model, Tokenizer.at(tiny_model), {})
    after = (await answers_of(engine, "tiny", "The", SHORT))[-1]["done"]["text"]
    assert before != after == Writer.open("tiny").generate("The", OPTIONS)[0][0].text
    (tiny_model / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match=r"model\.safetensors is damaged"):
        await answers_of(engine, "tiny", "The", SHORT)


# The process.


async def test_no_process_is_started_before_it_is_needed(engine):
    assert engine._process is None


async def test_closing_ends_the_process(engine, tokenizer):
    await engine.encode("pieces", "x")
    await engine.close()
    assert engine._process.returncode is not None


async def test_an_engine_that_dies_is_told_and_started_again(engine, tiny_model, tokenizer, endless):
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(UserError, match="engine has ended"):
            async for answer in engine.generate("tiny", "The", endless):
                if "text" in answer and engine._process.returncode is None:
                    engine._process.kill()
        assert await engine.encode("pieces", "x")


CLIENT = f"""
import asyncio
from newleaf.core.engine.client import Engine
async def main():
    engine = Engine()
    async for answer in engine.generate("tiny", "The", {ENDLESS!r}):
        if "text" in answer:
            print(engine._process.pid, flush=True)
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
        while lives(server):
            await asyncio.sleep(0.01)
