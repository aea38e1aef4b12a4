"""The engine: a process that encodes and writes for the interface."""

import asyncio
import contextlib

import pytest

from newleaf.core.engine.client import Engine
from newleaf.core.errors import UserError
from newleaf.core.generation.generate import Writer
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.tokenizer.tokenizer import Tokenizer

OPTIONS = GenerationOptions(seed=1, max_tokens=12)


@pytest.fixture
async def engine():
    made = Engine()
    yield made
    await made.close()


async def test_pieces_are_those_of_the_tokenizer(engine, tokenizer):
    pieces = await engine.encode("pieces", "The 好 fox")
    assert [number for number, _text in pieces] == Tokenizer.open("pieces").encode("The 好 fox")


async def test_text_streams_and_is_that_of_the_library(engine, tiny_model):
    answers = [answer async for answer in engine.generate("tiny", "The", OPTIONS.as_dict())]
    text = "".join(answer.get("text", "") for answer in answers)
    completions, _seed = Writer.open("tiny").generate("The", OPTIONS)
    assert text == completions[0].text == answers[-1]["done"]["text"]
    assert answers[-1]["done"]["seed"] == 1


async def test_leaving_stops_the_writing(engine, tiny_model):
    long = {**OPTIONS.as_dict(), "max_tokens": 1_000_000}
    async with contextlib.aclosing(engine.generate("tiny", "The", long)) as answers:
        async for answer in answers:
            if "text" in answer:
                break
    async with asyncio.timeout(60):  # it is free for the next
        assert [answer async for answer in engine.generate("tiny", "The", OPTIONS.as_dict())]


async def test_what_is_wrong_comes_as_a_sentence(engine, tmp_path):
    with pytest.raises(UserError, match="no model absent"):
        async for _answer in engine.generate("absent", "The", OPTIONS.as_dict()):
            pass
    with pytest.raises(UserError, match="no file or folder"):
        await engine.preview([str(tmp_path / "absent")])
    with pytest.raises(UserError, match="no tokenizer"):
        await engine.encode("absent", "x")


async def test_an_engine_that_dies_is_told_and_started_again(engine, tokenizer):
    await engine.encode("pieces", "x")
    waiting = asyncio.create_task(anext(engine._ask({"do": "encode", "tokenizer": "pieces", "text": "x" * 2_000_000})))
    await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    engine._process.kill()
    with contextlib.suppress(UserError):
        await waiting
    assert await engine.encode("pieces", "x")


async def test_it_ends_with_whoever_started_it(tokenizer):
    engine = Engine()
    await engine.encode("pieces", "x")
    engine._process.stdin.close()
    async with asyncio.timeout(30):
        assert await engine._process.wait() == 0
    await engine.close()
