"""The engine over HTTP, asked as OpenAI's own client asks."""

import asyncio
import contextlib
import json
import os
import signal
import socket

import httpx2 as httpx
import openai
import pytest
import pytest_asyncio
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from newleaf.core.engine.client import Engine
from newleaf.core.engine.http import API
from newleaf.core.engine.openai import Request, RequestError
from newleaf.core.engine.serving import ServeOptions
from newleaf.core.errors import UserError
from newleaf.core.generation.generate import Writer
from newleaf.core.generation.options import GenerationOptions
from newleaf.core.model.store import load_model
from newleaf.core.tokenizer.tokenizer import Tokenizer

PATIENCE = 120  # seconds; so long waits only what will never come
SHORT = {"model": "tiny", "seed": 1, "max_tokens": 12}
ENDLESS = {"model": "tiny", "prompt": "The", "seed": 1, "max_tokens": 1_000_000, "temperature": 0}
CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(prepared):
    """One engine for all tests; its home has the model tiny."""
    made = Engine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEWLEAF_HOME", str(prepared))
        patch.setenv("NEWLEAF_LANGUAGE", "en")
        await made.load("tiny")
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def same_home(newleaf_home, prepared, monkeypatch):
    monkeypatch.setenv("NEWLEAF_HOME", str(prepared))


@contextlib.asynccontextmanager
async def serving(engine, model=None, **options):
    """A server on a port of its own; gives its address."""
    application = API(engine, ServeOptions(**options), model).application()
    server = uvicorn.Server(uvicorn.Config(application, log_level="error", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with asyncio.timeout(PATIENCE):
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@pytest_asyncio.fixture(loop_scope="module")
async def client(engine):
    """OpenAI's client, and a server for it."""
    async with serving(engine) as address, client_of(address) as made:
        yield made


def client_of(address, **more):
    return openai.AsyncOpenAI(base_url=f"{address}/v1", **{"api_key": "none", "max_retries": 0, **more})


@pytest_asyncio.fixture(loop_scope="module")
async def plain(engine):
    """A client that knows only HTTP."""
    async with serving(engine) as address, httpx.AsyncClient(base_url=address, timeout=PATIENCE) as made:
        yield made


@pytest.fixture
def here(prepared):
    """What the library itself writes: a function from a prompt and options to completions."""
    folder = prepared / "models" / "tiny"
    writer = Writer(load_model(folder), Tokenizer.at(folder))

    def write(prompt, **options):
        run = writer.start(prompt, GenerationOptions(**{"seed": 1, "max_tokens": 12, **options}))
        list(run)
        return run.completions

    return write


async def idle(engine):
    """Wait until no model works."""
    async with asyncio.timeout(PATIENCE):
        while (await engine.status())["busy"]:
            await asyncio.sleep(0.02)


# What is there


@in_one_loop
async def test_models_are_listed_and_described(client):
    models = [model async for model in client.models.list()]
    assert [model.id for model in models] == ["tiny"]
    one = await client.models.retrieve("tiny")
    assert (one.id, one.object, one.owned_by) == ("tiny", "model", "newleaf")
    assert one.model_extra["context"] == 64


@in_one_loop
async def test_a_server_of_one_model_has_that_alone(engine):
    async with serving(engine, model="tiny") as address, client_of(address) as client:
        assert [model.id async for model in client.models.list()] == ["tiny"]
        with pytest.raises(openai.NotFoundError, match="tiny alone"):
            await client.completions.create(**{**SHORT, "model": "other"}, prompt="x")
        async with httpx.AsyncClient(base_url=address, timeout=PATIENCE) as plain:  # it need not be named
            done = await plain.post("/v1/completions", json={"prompt": "x", "max_tokens": 2})
        assert done.json()["model"] == "tiny"


@in_one_loop
async def test_health_and_unknown_paths(plain):
    health = await plain.get("/health")
    assert health.status_code == 200 and health.json() == {"status": "ok", "models": ["tiny"]}
    absent = await plain.get("/v1/embeddings")
    assert absent.status_code == 404 and "/v1/embeddings" in absent.json()["error"]["message"]
    assert (await plain.get("/v1/completions")).status_code == 405


# What is written


@in_one_loop
async def test_the_text_is_that_of_the_library(client, here):
    done = await client.completions.create(**SHORT, prompt="The fox")
    (completion,) = here("The fox")
    assert done.choices[0].text == completion.text and completion.text
    assert done.choices[0].finish_reason == completion.finish_reason
    assert done.usage.completion_tokens == len(completion.tokens)
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens
    assert (done.model, done.object, done.model_extra["seed"]) == ("tiny", "text_completion", 1)


@in_one_loop
async def test_a_chat_is_answered(client, here):
    done = await client.chat.completions.create(**SHORT, messages=CHAT)
    (completion,) = here(CHAT)
    message = done.choices[0].message
    assert (message.role, message.content) == ("assistant", completion.text)
    assert done.object == "chat.completion"


@in_one_loop
async def test_parts_of_text_and_the_newer_names_are_understood(client):
    one = await client.chat.completions.create(**SHORT, messages=CHAT)
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": parts}]
    two = await client.chat.completions.create(
        model="tiny", seed=1, max_completion_tokens=12, messages=messages, user="me", response_format={"type": "text"}
    )
    assert one.choices[0].message.content == two.choices[0].message.content


@in_one_loop
async def test_a_stream_is_the_same_text(client, here):
    stream = await client.completions.create(
        **SHORT, prompt="The fox", stream=True, stream_options={"include_usage": True}
    )
    events = [event async for event in stream]
    (completion,) = here("The fox")
    assert "".join(event.choices[0].text for event in events[:-1]) == completion.text
    assert [event.choices[0].finish_reason for event in events[:-2]] == [None] * (len(events) - 2)
    assert events[-2].choices[0].finish_reason == completion.finish_reason
    assert events[-1].choices == [] and events[-1].usage.completion_tokens == len(completion.tokens)
    assert len({event.id for event in events}) == 1


@in_one_loop
async def test_a_chat_streams_too(client, here):
    stream = await client.chat.completions.create(**SHORT, messages=CHAT, stream=True)
    events = [event async for event in stream]
    (completion,) = here(CHAT)
    assert events[0].choices[0].delta.role == "assistant"
    assert "".join(event.choices[0].delta.content or "" for event in events) == completion.text
    assert events[-1].choices[0].finish_reason == completion.finish_reason
    assert {event.object for event in events} == {"chat.completion.chunk"}


@in_one_loop
async def test_several_texts_and_several_prompts(client, here):
    done = await client.completions.create(**SHORT, prompt=["The", "A cat"], n=2, echo=True)
    expected = here(["The", "A cat"], n=2)
    assert [choice.index for choice in done.choices] == [0, 1, 2, 3]
    prompts = ["The", "The", "A cat", "A cat"]
    assert [choice.text for choice in done.choices] == [
        prompt + completion.text for prompt, completion in zip(prompts, expected, strict=True)
    ]
    stream = await client.completions.create(**SHORT, prompt=["The", "A cat"], n=2, echo=True, stream=True)
    texts = [""] * 4
    async for event in stream:
        for choice in event.choices:
            texts[choice.index] += choice.text
    assert texts == [choice.text for choice in done.choices]


@in_one_loop
async def test_tokens_are_a_prompt_as_well(client, here, prepared):
    tokens = Tokenizer.at(prepared / "models" / "tiny").encode("The fox")
    done = await client.completions.create(**SHORT, prompt=tokens)
    assert done.choices[0].text == here(tokens)[0].text
    several = await client.completions.create(**SHORT, prompt=[tokens, tokens])
    assert len(several.choices) == 2


@in_one_loop
async def test_log_probabilities_of_a_completion(client, here):
    done = await client.completions.create(**SHORT, prompt="The", logprobs=3)
    scores = done.choices[0].logprobs
    expected = [score.logprob for score in here("The", logprobs=3)[0].scores]
    assert scores.token_logprobs == pytest.approx(expected, abs=1e-4)
    assert all(len(top) == 3 for top in scores.top_logprobs)
    assert scores.text_offset[0] == 0
    places = list(zip(scores.tokens, scores.text_offset, strict=True))
    for (before, _begin), (token, begin) in zip([("", 0), *places], places, strict=False):
        if not (before + token).count("<0x"):  # bytes of longer characters
            assert done.choices[0].text[begin : begin + len(token)] == token


@in_one_loop
@pytest.mark.parametrize("stream", [False, True])
async def test_log_probabilities_of_a_chat(client, stream):
    request = {**SHORT, "messages": CHAT, "logprobs": True, "top_logprobs": 2, "temperature": 0, "stream": stream}
    done = await client.chat.completions.create(**request)
    if stream:
        choices = [choice async for event in done for choice in event.choices]
        text = "".join(choice.delta.content or "" for choice in choices)
        scores = [score for choice in choices if choice.logprobs for score in choice.logprobs.content]
    else:
        text, scores = done.choices[0].message.content, done.choices[0].logprobs.content
    assert b"".join(bytes(score.bytes) for score in scores).decode("utf-8", "replace") == text
    assert all(score.logprob == pytest.approx(score.top_logprobs[0].logprob) for score in scores)  # greedy
    assert {len(score.top_logprobs) for score in scores} == {2}


@in_one_loop
async def test_a_stop_string_ends_the_text(client):
    whole = (await client.completions.create(**SHORT, prompt="The")).choices[0].text
    stop = whole[len(whole) // 2 :][:3]
    done = await client.completions.create(**SHORT, prompt="The", stop=stop)
    assert done.choices[0].text == whole[: whole.index(stop)]
    assert done.choices[0].finish_reason == "stop"
    stream = await client.completions.create(**SHORT, prompt="The", stop=[stop, "absent"], stream=True)
    assert "".join([event.choices[0].text async for event in stream]) == done.choices[0].text


@in_one_loop
async def test_a_seed_gives_the_same_text_again_and_is_told(client):
    free = await client.completions.create(model="tiny", prompt="The", max_tokens=12)
    again = await client.completions.create(model="tiny", prompt="The", max_tokens=12, seed=free.model_extra["seed"])
    assert free.choices[0].text == again.choices[0].text


@in_one_loop
async def test_our_own_options_go_by_their_own_names(client):
    greedy = await client.completions.create(**SHORT, prompt="The", temperature=0)
    one = await client.completions.create(**SHORT, prompt="The", extra_body={"top_k": 1, "min_p": 0.1})
    preset = await client.completions.create(**SHORT, prompt="The", extra_body={"preset": "precise"})
    assert one.choices[0].text == greedy.choices[0].text
    assert preset.choices[0].text


@in_one_loop
async def test_a_bias_by_the_number_of_a_token(client, prepared):
    tokenizer = Tokenizer.at(prepared / "models" / "tiny")
    token = tokenizer.encode("fox")[-1]
    done = await client.completions.create(**SHORT, prompt="The", logit_bias={str(token): 100}, logprobs=1)
    assert len(set(done.choices[0].logprobs.tokens)) == 1


# What is refused

WRONG = [
    ({"temperature": -1}, 400, "temperature"),
    ({"max_tokens": 0}, 400, "max"),
    ({"n": 0}, 400, "-n"),
    ({"temprature": 1}, 400, "temprature"),
    ({"tools": [{"type": "function"}]}, 400, "tools"),
    ({"prompt": 7}, 400, "prompt"),
    ({"prompt": []}, 400, "prompt"),
    ({"prompt": [1, "a"]}, 400, "prompt"),
    ({"prompt": [5_000_000]}, 400, "5000000"),
    ({"prompt": [-1]}, 400, "-1"),
    ({"stream": "yes"}, 400, "stream"),
    ({"logit_bias": [1]}, 400, "bias"),
    ({"stop": [""]}, 400, "stop"),
    ({"stop": 3}, 400, "stop"),
    ({"model": "absent"}, 404, "absent"),
    ({"model": "../tiny"}, 404, "tiny"),
    ({"model": 3}, 400, "model"),
    ({"stream_options": 3, "stream": True}, 400, "stream_options"),
]


@in_one_loop
@pytest.mark.parametrize(("more", "status", "word"), WRONG)
async def test_what_is_wrong_gets_its_sentence(plain, more, status, word):
    done = await plain.post("/v1/completions", json={**SHORT, "prompt": "The", **more})
    assert done.status_code == status, done.text
    assert word in done.json()["error"]["message"] and done.json()["error"]["type"]


@in_one_loop
@pytest.mark.parametrize(
    "messages",
    [None, [], "Hello", [7], [{"role": "user"}], [{"role": "king", "content": "x"}], [{"role": "user", "content": 3}]],
)
async def test_what_is_no_chat_gets_its_sentence(plain, messages):
    done = await plain.post("/v1/chat/completions", json={**SHORT, "messages": messages})
    assert done.status_code == 400 and done.json()["error"]["message"]


@in_one_loop
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"3", b"\xff", b"[" * 100_000])
async def test_what_is_no_json_object_gets_its_sentence(plain, body):
    headers = {"Content-Type": "application/json"}
    done = await plain.post("/v1/completions", content=body, headers=headers)
    assert done.status_code == 400 and "JSON" in done.json()["error"]["message"]


@in_one_loop
async def test_a_page_of_another_site_cannot_ask(plain):
    done = await plain.post("/v1/completions", content=json.dumps(SHORT), headers={"Content-Type": "text/plain"})
    assert done.status_code == 415
    done = await plain.get("/v1/models", headers={"Host": "evil.example"})
    assert done.status_code == 400


@in_one_loop
async def test_a_body_that_is_too_long_is_not_read(engine):
    async with serving(engine, body=1_000) as address, httpx.AsyncClient(base_url=address) as plain:
        done = await plain.post("/v1/completions", json={**SHORT, "prompt": "x" * 1_000})
        assert done.status_code == 413 and "1,000" in done.json()["error"]["message"]
        assert (await plain.post("/v1/completions", json={**SHORT, "prompt": "x"})).status_code == 200


@in_one_loop
async def test_a_token_is_asked_for(engine):
    async with serving(engine, token="秘密") as address:
        async with client_of(address, api_key="guess") as client:
            with pytest.raises(openai.AuthenticationError, match="API key"):
                await client.models.list()
        async with httpx.AsyncClient(base_url=address) as plain:
            assert (await plain.get("/v1/models")).status_code == 401
            assert (await plain.get("/metrics")).status_code == 401
            assert (await plain.get("/health")).status_code == 200  # it tells next to nothing
            right = {b"Authorization": "Bearer 秘密".encode()}
            assert (await plain.get("/v1/models", headers=right)).status_code == 200


def test_other_machines_need_a_token():
    with pytest.raises(UserError, match="--token"):
        ServeOptions(host="0.0.0.0")
    assert not ServeOptions(host="0.0.0.0", token="t").is_local
    assert all(ServeOptions(host=host).is_local for host in ("127.0.0.1", "::1", "localhost", "127.1.2.3"))


@in_one_loop
async def test_a_request_too_many_is_turned_away(engine):
    async with serving(engine, queue=1) as address, client_of(address) as client:
        stream = await client.completions.create(**ENDLESS, stream=True)
        await anext(aiter(stream))
        with pytest.raises(openai.RateLimitError, match="1 requests are at work") as error:
            await client.completions.create(**SHORT, prompt="x")
        assert error.value.response.headers["Retry-After"] == "1"
        await stream.close()
        while True:
            with contextlib.suppress(openai.RateLimitError):
                await client.completions.create(**SHORT, prompt="x")
                break
            await asyncio.sleep(0.05)


@in_one_loop
async def test_a_request_that_takes_too_long_is_ended(engine):
    async with serving(engine, timeout=1) as address, client_of(address) as client:
        with pytest.raises(openai.InternalServerError) as error:
            await client.completions.create(**ENDLESS)
        assert error.value.status_code == 504 and "1 seconds" in error.value.message
        with pytest.raises(openai.APIError, match="1 seconds"):
            async for _event in await client.completions.create(**ENDLESS, stream=True):
                pass
    await idle(engine)


# What goes wrong


@in_one_loop
@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_ends_the_writing(engine, client, stream):
    async def ask():
        done = await client.completions.create(**ENDLESS, stream=stream)
        async for _event in done:
            pass

    task = asyncio.create_task(ask())
    while not (await engine.status())["busy"]:
        await asyncio.sleep(0.02)
    task.cancel()
    await idle(engine)


@in_one_loop
async def test_an_engine_that_dies_is_told_and_comes_back(engine, client, plain):
    starts = engine.starts
    stream = await client.completions.create(**ENDLESS, stream=True)
    with pytest.raises(openai.APIError, match="engine has ended"):
        first = True
        async for _event in stream:
            if first:
                os.kill((await engine.status())["process"], signal.SIGKILL)
                first = False
    assert (await client.completions.create(**SHORT, prompt="The")).choices[0].text
    assert (await plain.get("/health")).status_code == 200
    assert engine.starts == starts + 1


@in_one_loop
async def test_a_bad_model_harms_no_other(engine, client, prepared):
    bad = prepared / "models" / "bad"
    bad.mkdir()
    try:
        for file in (prepared / "models" / "tiny").iterdir():
            (bad / file.name).write_bytes(file.read_bytes())
        (bad / "model.safetensors").write_bytes(b"\xff" * 100)
        with pytest.raises(openai.APIStatusError, match=r"model\.safetensors"):
            await client.completions.create(**{**SHORT, "model": "bad"}, prompt="The")
        assert (await client.completions.create(**SHORT, prompt="The")).choices[0].text
    finally:
        for file in bad.iterdir():
            file.unlink()
        bad.rmdir()


@in_one_loop
async def test_prometheus_can_read_what_was_done(engine):
    async with serving(engine) as address, httpx.AsyncClient(base_url=address, timeout=PATIENCE) as plain:
        done = (await plain.post("/v1/completions", json={**SHORT, "prompt": "The"})).json()
        await plain.get("/absent")
        text = (await plain.get("/metrics")).text
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert values["newleaf_requests_total", "/v1/completions", "200"] == 1
    assert values["newleaf_requests_total", "other", "404"] == 1
    assert values["newleaf_completion_tokens_total", "tiny"] == done["usage"]["completion_tokens"]
    assert values["newleaf_prompt_tokens_total", "tiny"] == done["usage"]["prompt_tokens"]
    assert values["newleaf_first_token_seconds_count", "tiny"] == 1
    assert values["newleaf_models_loaded",] == 1 and values["newleaf_model_bytes",] > 0
    assert values["newleaf_requests_in_progress",] == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = (
    "model prompt messages stream stream_options n stop seed logprobs top_logprobs logit_bias temperature tools echo"
)


@given(st.dictionaries(st.sampled_from(NAMES.split()), json_values), st.booleans())
def test_any_body_is_a_request_or_gets_a_sentence(body, chat):
    with contextlib.suppress(RequestError):
        assert isinstance(Request.of(body, chat, "tiny"), Request)


@in_one_loop
async def test_a_task_has_a_path_of_its_own(plain):
    text = "One dog is here. Another dog is there. The third went home."
    answer = await plain.post("/v1/tasks/summary", json={"model": "tiny", "text": text})
    assert answer.status_code == 200, answer.text
    assert answer.json()["way"] == "extract"
    assert answer.json()["text"] in text
    assert "sentences" in answer.json()["notices"][0]
    stream = await plain.post("/v1/tasks/summary", json={"model": "tiny", "text": text, "stream": True})
    told = [json.loads(line.removeprefix("data: ")) for line in stream.text.split("\n\n") if line.startswith("data: {")]
    assert [next(iter(each)) for each in told] == ["notice", "delta", "done"]


@pytest.mark.parametrize(
    ("task", "body", "parameter"),
    [
        ("classify", {}, "text"),
        ("classify", {"text": "a", "path": "/etc/passwd"}, "path"),
        ("qa", {"question": "Who?", "knowledge": "/etc"}, "knowledge"),
        ("translate", {"text": 5}, "text"),
        ("summary", {"text": "a", "options": {"beams": 0}}, None),
        ("summary", {"text": "a", "options": {"nothing": 0}}, "nothing"),
    ],
)
@in_one_loop
async def test_what_a_task_does_not_take_is_refused(plain, task, body, parameter):
    answer = await plain.post(f"/v1/tasks/{task}", json={"model": "tiny", **body})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == parameter
